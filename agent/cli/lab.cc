#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "agent/cli/command_internal.h"
#include "agent/cli/engine.h"

namespace medic::cli {
namespace {

std::vector<std::string>& noted() {
    static std::vector<std::string> arguments;
    return arguments;
}

}  // namespace

void note_arguments(int argc, char** argv) { noted().assign(argv + std::min(argc, 1), argv + argc); }

std::vector<std::string> arguments_after(const std::string& subcommand) {
    const auto word = std::ranges::find(noted(), subcommand);
    return word == noted().end() ? std::vector<std::string>() : std::vector<std::string>(word + 1, noted().end());
}

int become_engine(const std::string& subcommand, const std::vector<std::string>& arguments) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::string engine = (self.parent_path() / "medic-engine").string();
    std::vector<std::string> all = {engine, subcommand};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& one : all) argv.push_back(one.data());
    argv.push_back(nullptr);
    execv(engine.c_str(), argv.data());
    return complain(engine + ": can't be started: " + std::strerror(errno) + "; it is built beside medic",
                    exit_problem);
}

void add_lab(CLI::App& app, Context& context) {
    CLI::App* command = add(app, practise, "lab", "Start and stop the embedded platform: up, down, status",
                            "  medic lab up\n  medic lab status\n  medic lab down");
    command->prefix_command();
    command->set_help_flag();  // `medic lab --help` is medic-engine's own.
    command->callback([&context, command] { context.exit_code = become_engine("lab", command->remaining()); });
}

}  // namespace medic::cli

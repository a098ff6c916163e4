#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "agent/cli/command_internal.h"

namespace medic::cli {
namespace {

// medic-engine stands beside this binary and takes over this process, with the arguments as they are.
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

}  // namespace

void add_lab(CLI::App& app, Context& context) {
    for (const auto& [name, what, examples] :
         {std::tuple{"lab", "Start, stop and break the embedded platform: up, down, status, fault NAME",
                     "  medic lab up\n  medic lab fault node-lost\n  medic lab down"},
          std::tuple{"drill",
                     "Practise: inject a fault and measure how it is healed, beside the same fault without the agent",
                     "  medic drill node-lost\n  medic drill --all --repeat 5 -o json"}}) {
        CLI::App* command = add(app, practise, name, what, examples);
        command->prefix_command();
        command->set_help_flag();  // `medic lab --help` is medic-engine's own.
        command->callback([&context, command, subcommand = std::string(name)] {
            context.exit_code = become_engine(subcommand, command->remaining());
        });
    }
}

}  // namespace medic::cli

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/cli/command_internal.h"
#include "agent/cli/input.h"
#include "classifiers/diagnosis/classifier.h"

namespace medic::cli {
namespace {

int classify(const std::string& file, const std::string& rules) {
    auto catalogue = rules.empty() ? Catalogue::load_embedded() : Catalogue::load_directory(rules);
    if (!catalogue) return complain(catalogue.error().message, exit_usage);
    const Classifier classifier{*std::move(catalogue)};
    std::ifstream in;
    if (file != "-") {
        if (const Status is = refuse_directory(file); !is) return complain(is.error().message, exit_usage);
        in.open(file, std::ios::binary);
        if (!in) return complain(file + ": can't be read", exit_usage);
    }
    std::ios::sync_with_stdio(false);
    // Whoever writes a line and waits for its verdict gets it; a file has nobody who waits.
    struct stat is = {};
    const bool has_all = (file == "-" ? fstat(STDIN_FILENO, &is) : stat(file.c_str(), &is)) == 0 && S_ISREG(is.st_mode);
    if (!has_all) std::cout << std::unitbuf;
    const auto unreadable = classify_lines(classifier, file == "-" ? std::cin : in, std::cout);
    std::cout << std::nounitbuf;
    if (!std::cout.flush()) return exit_problem;  // run_cli() says so.
    if (!unreadable) return complain(unreadable.error().message, exit_problem);
    if (*unreadable > 0) return complain(fmt::format("{} line(s) could not be read", *unreadable), exit_problem);
    return exit_ok;
}

}  // namespace

void add_classify(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, on_call, "classify",
            "Say of failures in text whose they are and what caused them (JSON lines in, JSON lines out)",
            "  medic classify failures.jsonl > verdicts.jsonl\n"
            "  echo '{\"id\":\"1\",\"component\":\"flink\",\"text\":\"…\"}' | medic classify --jsonl -");
    static std::string file, rules;
    static bool jsonl = true;
    command->add_option("FILE", file, "JSON lines of id, component and text; - for standard input")->required();
    command->add_flag("--jsonl", jsonl, "JSON lines (the only format)");
    command->add_option("--rules", rules, "Folder of rules instead of those in the program");
    command->callback([&context] { context.exit_code = classify(file, rules); });
}

}  // namespace medic::cli

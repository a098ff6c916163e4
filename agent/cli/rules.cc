#include <filesystem>
#include <fstream>

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"
#include "classifiers/diagnosis/cause_pages.h"
#include "classifiers/rules/rule_reports.h"

namespace medic::cli {
namespace {

int print(const RuleReport& report) {
    print_text(report.text);
    return report.ok ? exit_ok : exit_problem;
}

// One line per cause, or its pages into a folder.
int list_causes(const std::string& folder) {
    const auto catalogue = Catalogue::load_embedded();
    if (!catalogue) return complain(catalogue.error().message, exit_problem);
    if (folder.empty()) {
        for (const auto& cause : catalogue->causes())
            fmt::print("{:<40} {:<7} {:<34} {}\n", cause.id, to_string(cause.side), cause.group, cause.owner);
        return exit_ok;
    }
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    for (const auto& page : cause_pages(*catalogue)) {
        const auto path = std::filesystem::path{folder} / page.file;
        std::ofstream out{path, std::ios::binary | std::ios::trunc};
        out << page.text;
        if (!out.flush())
            return complain(path.string() + ": cannot be written; expected a folder that you may write to",
                            exit_problem);
    }
    return exit_ok;
}

}  // namespace

void add_rules(CLI::App& app, Context& context) {
    CLI::App* command = add(app, author, "rules", "Check, test and explain rule files (Prometheus's format)",
                            "  medic rules check my-rules.yaml\n  medic rules test my-rules_test.yaml\n  medic rules "
                            "explain my-rules.yaml HighLag");
    command->require_subcommand(1);
    static std::vector<std::string> files;
    static std::string file, name, pages;
    CLI::App* check = command->add_subcommand("check", "Read files as the agent would; errors say file:line:column");
    check->add_option("FILE", files, "Rule files")->required();
    check->callback([&context] { context.exit_code = print(check_rules(files)); });
    CLI::App* test = command->add_subcommand("test", "Run unit tests of rules, in promtool's format");
    test->add_option("FILE", files, "Test files")->required();
    static RuleTestOptions options;
    test->add_flag("--prometheus-2", options.prometheus2,
                   "Windows closed on the left, as Prometheus 2 and its promtool have them, and rates as until 2.50");
    test->callback([&context] { context.exit_code = print(test_rules(files, options)); });
    CLI::App* causes = command->add_subcommand("causes", "Every cause that the agent can name");
    causes->add_option("--markdown", pages, "Write a runbook page per cause into this folder");
    causes->callback([&context] { context.exit_code = list_causes(pages); });
    CLI::App* explain = command->add_subcommand("explain", "What a rule reads, when it fires and about whom");
    explain->add_option("FILE", file, "Rule file")->required();
    explain->add_option("NAME", name, "One rule; all of them without it");
    explain->callback([&context] { context.exit_code = print(explain_rule(file, name)); });
}

}  // namespace medic::cli

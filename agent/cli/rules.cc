#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/cli/command_internal.h"
#include "classifiers/rules/rule_reports.h"

namespace medic::cli {
namespace {

int print(const RuleReport& report) {
    fmt::print("{}", report.text);
    return report.ok ? exit_ok : exit_problem;
}

}  // namespace

void add_rules(CLI::App& app, Context& context) {
    CLI::App* command = add(app, author, "rules", "Check, test and explain rule files (Prometheus's format)",
                            "  medic rules check my-rules.yaml\n  medic rules test my-rules_test.yaml\n  medic rules "
                            "explain my-rules.yaml HighLag");
    command->require_subcommand(1);
    static std::vector<std::string> files;
    static std::string file, name;
    CLI::App* check = command->add_subcommand("check", "Read files as the agent would; errors say file:line:column");
    check->add_option("FILE", files, "Rule files")->required();
    check->callback([&context] { context.exit_code = print(check_rules(files)); });
    CLI::App* test = command->add_subcommand("test", "Run unit tests of rules, in promtool's format");
    test->add_option("FILE", files, "Test files")->required();
    static RuleTestOptions options;
    test->add_flag("--prometheus-2", options.prometheus2,
                   "Windows closed on the left, as Prometheus 2 and its promtool have them");
    test->callback([&context] { context.exit_code = print(test_rules(files, options)); });
    CLI::App* explain = command->add_subcommand("explain", "What a rule reads, when it fires and about whom");
    explain->add_option("FILE", file, "Rule file")->required();
    explain->add_option("NAME", name, "One rule; all of them without it");
    explain->callback([&context] { context.exit_code = print(explain_rule(file, name)); });
}

}  // namespace medic::cli

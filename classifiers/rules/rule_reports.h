// What `medic rules check|test|explain` prints. Texts for people and a flag for the exit code; nothing here is
// evaluated in the agent.
#pragma once

#include <span>
#include <string>

namespace medic {

struct RuleReport {
    bool ok = true;
    std::string text;  // Lines, each ended by a line feed.
};

// Reads the files as the agent would, and says what is wrong (file:line:column) or odd.
[[nodiscard]] RuleReport check_rules(std::span<const std::string> files);

// Runs unit tests of rules in promtool's format: rule_files (relative to the test's file), evaluation_interval, tests
// with input_series, alert_rule_test and promql_expr_test.
struct RuleTestOptions {
    bool prometheus2 = false;  // Windows closed on the left, as Prometheus had them until version 2.
};
[[nodiscard]] RuleReport test_rules(std::span<const std::string> files, const RuleTestOptions& options = {});

// What a rule reads, over which window, when it fires and about whom. `name` empty: every rule of the file.
[[nodiscard]] RuleReport explain_rule(const std::string& file, const std::string& name);

}  // namespace medic

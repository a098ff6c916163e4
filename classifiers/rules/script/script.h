// Runs PromQL scripts: load … / clear / eval instant … / eval range … with the results that are expected. The language
// is that of Prometheus's own promqltest, without native histograms, annotations and experimental parts: what a script
// says about those is skipped and counted. For tests of the engine only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace medic {

struct ScriptReport {
    std::size_t passed = 0;
    std::size_t skipped = 0;
    std::vector<std::string> failures;  // "name:line: expression: what was expected and found"
};

[[nodiscard]] ScriptReport run_promql_script(std::string_view text, std::string_view name);

}  // namespace medic

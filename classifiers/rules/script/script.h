// Runs PromQL scripts: load … / clear / eval instant … / eval range … with the results that are expected. The language
// is that of Prometheus's own promqltest. What reads native histograms or start timestamps is skipped and counted: the
// store holds neither. For tests of the engine only.
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

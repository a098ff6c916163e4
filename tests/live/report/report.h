// `medic-live report`: faults one by one on the real products, the file and the table of what became of them.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "tests/live/plan.h"

namespace medic::live {

enum class WithoutAgent : std::uint8_t { keep, run, skip };  // keep: measured once for these engines.

struct ReportOptions {
    LiveOptions platform;
    std::vector<std::string> names;  // Of faults, or of false friends; empty: all faults.
    bool false_friends = false;
    bool resume = false;  // Finished ones in the file are kept.
    int repeat = 1;
    WithoutAgent without = WithoutAgent::keep;
    std::string agent_program;
    std::string file = "build/live-report.json", page;  // page: Markdown; empty: none.
};

// Every finished fault is in the file at once. Errors: invalid (no such fault), unavailable (no platform); not_ready
// when a fault or false friend is not as it must be.
[[nodiscard]] Status run_report(const ReportOptions& options);

// Names and what they are, for `--list`.
[[nodiscard]] std::string list_faults();

}  // namespace medic::live

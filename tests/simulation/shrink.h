// The shortest failing schedule of a seed: which of its happenings are needed for a checker to fail, and how many
// minutes. For people who look for the bug; deterministic.
#pragma once

#include <functional>
#include <string>

#include "tests/simulation/run.h"

namespace medic::simulation {

struct Shrunk {
    std::string checker;  // The one that fails, before and after.
    int minutes = 0;
    std::size_t happenings_before = 0, runs = 0;
    RunResult result;  // Of the last failing run: its happenings are what is needed.
};

// The checker of a violation "checker: what".
[[nodiscard]] std::string checker_of(const std::string& violation);

// Leaves out halves, quarters, … single happenings, as long as the first checker that failed still fails (Zeller and
// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). None of what is left can go alone, unless
// `runs_max` was reached first. `told` hears of each step forward. A seed that breaks nothing: checker is "".
[[nodiscard]] Shrunk shrink(const RunOptions& options, std::size_t runs_max,
                            const std::function<void(const Shrunk&)>& told);

[[nodiscard]] std::string schedule_text(const RunResult& result);

}  // namespace medic::simulation

// A connector task that says RUNNING and hangs in a call that does not come back. For the remedies that end that.
#pragma once

#include <string>

#include "remediations/planning/remedy.h"

namespace medic::remedies {

struct StuckTask {
    std::string connector, node;  // The node of its worker …
    std::string worker;           // … and how its API calls that one; "": not told.
    int task = 0;
    Subject subject;
};
// As its diagnosis names it; invalid where it does not.
[[nodiscard]] Result<StuckTask> stuck_task(const Diagnosis& diagnosis);
[[nodiscard]] FactKey state_of(const StuckTask& stuck);

// It runs, and records pass through it.
[[nodiscard]] Expectation moves_records(const StuckTask& stuck);
// The task alone is restarted; the step's text says what becomes of the old one.
[[nodiscard]] Step restart_of(const StuckTask& stuck, std::string text);

}  // namespace medic::remedies

// A healthy stretch on the real products: the agent watches without a right to act, people do their planned work by
// hand, and nobody may be blamed. What `medic-live healthy` runs; `medic-live report --false-friends` tries look-alikes
// alone.
#pragma once

#include <string>

#include "agent/base/time.h"
#include "tests/live/plan.h"

namespace medic::live {

struct HealthyOptions {
    LiveOptions platform;
    std::string agent_program;
    Duration duration{30 * 60'000};  // Of all: the works are spread over it.
    std::string traces;              // A folder for the agent's log and incidents.
};

// Uses the platform that runs in the data folder, or starts one with two workers and ends it. Prints what it does and a
// table in the end. Errors: not_ready when anything was told as an incident, or a work was not recognised.
[[nodiscard]] Status run_healthy(const HealthyOptions& options);

}  // namespace medic::live

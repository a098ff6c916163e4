// What the agent's own machine must provide: a data folder that can be written and that only one agent uses, a journal
// that can be read, secrets that only their owner reads. Looks; makes and changes nothing.
#pragma once

#include <vector>

#include "agent/config/config.h"
#include "agent/doctor/access.h"

namespace medic::doctor {

[[nodiscard]] std::vector<Check> local(const Config& config, WallTime now);

}  // namespace medic::doctor

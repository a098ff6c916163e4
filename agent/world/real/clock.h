// The only place of the agent that reads a clock.
#pragma once

#include "agent/base/time.h"

namespace medic {

[[nodiscard]] Now read_clock();

}  // namespace medic

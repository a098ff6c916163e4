// How long the request of a step that takes long may be given. Read by remedies.
#pragma once

#include "agent/base/time.h"

namespace medic {

// A request leaves only while the agent's lease outlasts it: one of 90 s (the default), renewed every ten, lets nothing
// leave that may take longer than 75 s. What goes on after that is told by facts.
inline constexpr Duration request_takes_max{60'000};

}  // namespace medic

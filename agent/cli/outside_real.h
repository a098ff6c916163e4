// The outside of discover and doctor, over real sockets: the agent's own HTTP fetcher, so that what they can reach is
// what the agent can reach, and a Kafka client for each cluster. GET and Kafka's reads only.
#pragma once

#include <memory>

#include "agent/discovery/outside.h"
#include "agent/world/real/http_access.h"

namespace medic::cli {

struct OutsideTimes {
    Duration connect{2'000};
    Duration request_min{0};  // No request is given up sooner, whatever it asks for.
};
[[nodiscard]] std::unique_ptr<discovery::Outside> make_outside(HttpAccessTable access, OutsideTimes times = {});

}  // namespace medic::cli

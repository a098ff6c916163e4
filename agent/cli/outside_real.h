// The outside of discover and doctor, over real sockets: blocking HTTP clients and a Kafka client for each cluster.
// GET and Kafka's reads only.
#pragma once

#include <memory>

#include "agent/discovery/outside.h"

namespace medic::cli {

[[nodiscard]] std::unique_ptr<discovery::Outside> make_outside();

}  // namespace medic::cli

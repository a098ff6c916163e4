// The door outwards for changes. Implemented twice: agent/world/real (sockets, processes) and agent/world/sim (seeded
// simulation). Reads do not pass here: collectors sense, this acts.
#pragma once

#include "agent/world/operation.h"

namespace medic {

class World {
public:
    World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    virtual ~World() = default;

    // Never blocks and never fails here: exactly one OperationReply per accepted key arrives later as an Input of the
    // loop, time-outs included. A key that was already sent is ignored.
    virtual void send(Operation operation) = 0;
};

}  // namespace medic

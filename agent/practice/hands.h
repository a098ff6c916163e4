// What looks at a node and makes and undoes a drill's fault, through the node's own driver, as the agent would: local
// commands, systemd, a sidecar. Blocks its caller, for whom it runs a reactor on a thread of its own. Decides nothing.
// Only for whoever runs a drill (agent/cli).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "agent/config/config.h"
#include "agent/practice/undo.h"
#include "agent/world/operation.h"
#include "agent/world/real/http_access.h"
#include "agent/world/real/real_world.h"

namespace medic::practice {

struct HandsParts {
    const ClusterConfig& cluster;
    std::map<std::string, ClusterDoors> doors{};  // agent/daemon/doors.h
    HttpAccessTable access;
    std::string id{};  // Of the drill: names its operations to sidecars.
};

class Hands {
public:
    explicit Hands(HandsParts parts);
    ~Hands();
    Hands(const Hands&) = delete;
    Hands& operator=(const Hands&) = delete;

    [[nodiscard]] NodeSight look(const std::string& node);
    [[nodiscard]] Status kill(const std::string& node);
    [[nodiscard]] Status start(const std::string& node, bool as_spare);
    // To the process that the record names and to no other. unavailable: it is not there any more.
    [[nodiscard]] Status freeze(const UndoRecord& record);
    [[nodiscard]] Status thaw(const UndoRecord& record);

private:
    struct State;
    [[nodiscard]] Status send(OperationBody body, const std::string& node);
    [[nodiscard]] Status signal(const UndoRecord& record, int number);
    [[nodiscard]] NodeSight look_here(const NodeConfig& node);
    [[nodiscard]] NodeSight ask_sidecar(const NodeConfig& node);
    std::unique_ptr<State> state_;
};

}  // namespace medic::practice

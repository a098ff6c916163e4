// What runs on a node of each role whose processes share their work: as facts about it call it, and the series that
// says that it answers. A job manager is none of them: what it forgets nobody else carries on.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace medic {

struct NodeRole {
    std::string_view role;     // As in medic.yaml.
    std::string_view kind;     // Of the subject that runs there, and of the node's fact that names it.
    std::string_view answers;  // 1 while it does.
};
inline constexpr std::array node_roles{NodeRole{"broker", "broker", "kafka_broker_reachable"},
                                       NodeRole{"connect-worker", "worker", "connect_worker_reachable"},
                                       NodeRole{"taskmanager", "taskmanager", "flink_taskmanager_registered"}};

// nullptr: a role of another kind.
[[nodiscard]] constexpr const NodeRole* node_role(std::string_view role) {
    const auto* found = std::ranges::find(node_roles, role, &NodeRole::role);
    return found == node_roles.end() ? nullptr : found;
}

}  // namespace medic

// Nodes that people keep out of use.
#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"

namespace medic {

Status node_to_cordon(const ClusterInfo& cluster, const std::vector<std::string>& nodes) {
    if (nodes.size() != 1) return fail(ErrorCode::invalid, "node: expected the name of one node");
    if (std::ranges::find(cluster.nodes, nodes.front(), &NodeInfo::name) == cluster.nodes.end())
        return fail(ErrorCode::invalid, "cluster {} lists no node {} under `nodes`", cluster.name, nodes.front());
    return {};
}

ClusterInfo with_cordons(ClusterInfo cluster, const std::vector<Cordon>& cordons) {
    for (const Cordon& one : cordons) {
        const auto node = std::ranges::find(cluster.nodes, one.node, &NodeInfo::name);
        if (one.cluster != cluster.name || node == cluster.nodes.end()) continue;
        node->cordoned = one.by + " (" + one.reason + ")";
        node->spare = false;
    }
    return cluster;
}

void Loop::State::cordon(const OperatorCommand& command) {
    const ClusterInfo* cluster = asked_cluster(command);
    if (cluster == nullptr) return;
    if (const Status known = node_to_cordon(*cluster, command.nodes); !known)
        return answer(command, known.error().message);
    const std::string& node = command.nodes.front();
    const bool keep_out = command.kind == OperatorCommand::Kind::cordon;
    std::erase_if(cordons, [&](const Cordon& one) { return one.cluster == command.target && one.node == node; });
    if (keep_out) cordons.push_back({command.target, node, command.reason, command.by, now});
    effects.journal.emplace_back(CordonRow{command.target, node, command.reason, command.by, now, keep_out});
    tell_everybody(
        command.target,
        keep_out ? fmt::format("{} keeps {} of {} out of use: {}", command.by, node, command.target, command.reason)
                 : fmt::format("{} lets {} of {} be used again", command.by, node, command.target));
}

const Cordon* Loop::State::cordon_of(const std::string& cluster, const std::string& node) const {
    const auto found =
        std::ranges::find_if(cordons, [&](const Cordon& one) { return one.cluster == cluster && one.node == node; });
    return found == cordons.end() ? nullptr : &*found;
}

}  // namespace medic

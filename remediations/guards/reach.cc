#include "remediations/guards/reach.h"

namespace medic {

const std::string* taken_node(const OperationBody& body) {
    if (const auto* kill = std::get_if<KillNode>(&body)) return &kill->node;
    if (const auto* stop = std::get_if<StopNode>(&body)) return &stop->node;
    return nullptr;
}

bool tells_of_taken_node(std::string_view described) {
    const auto colon = described.find(": ");  // No cluster's name holds one.
    if (colon == std::string_view::npos) return false;
    described.remove_prefix(colon + 2);
    return described.starts_with("kill-node ") || described.starts_with("stop-node ");
}

}  // namespace medic

#include "remediations/guards/reach.h"

namespace medic {

const std::string* taken_node(const OperationBody& body) {
    if (const auto* kill = std::get_if<KillNode>(&body)) return &kill->node;
    if (const auto* stop = std::get_if<StopNode>(&body)) return &stop->node;
    return nullptr;
}

namespace {

std::string_view operation_in(std::string_view described) {
    const auto colon = described.find(": ");  // No cluster's name holds one.
    if (colon == std::string_view::npos) return {};
    described.remove_prefix(colon + 2);
    return described.substr(0, described.find(' '));
}

}  // namespace

bool tells_of_taken_node(std::string_view described) {
    const auto operation = operation_in(described);
    return operation == "kill-node" || operation == "stop-node";
}

bool tells_of_question(std::string_view described) { return operation_in(described) == "verify-deployment"; }

}  // namespace medic

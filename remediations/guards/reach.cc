#include "remediations/guards/reach.h"

namespace medic {

const std::string* taken_node(const OperationBody& body) {
    if (const auto* kill = std::get_if<KillNode>(&body)) return &kill->node;
    if (const auto* stop = std::get_if<StopNode>(&body)) return &stop->node;
    return nullptr;
}

namespace {

// The journal's record of attempts has no column for it, and an older agent reads past it.
constexpr std::string_view served_nobody = " (it served nobody)";

std::string_view operation_in(std::string_view described) {
    const auto colon = described.find(": ");  // No cluster's name holds one.
    if (colon == std::string_view::npos) return {};
    described.remove_prefix(colon + 2);
    return described.substr(0, described.find(' '));
}

}  // namespace

std::string described(const Operation& operation, const Step& step) {
    return describe(operation) + std::string(step.serves_nobody ? served_nobody : "");
}

bool tells_of_taken_node(std::string_view described) {
    if (described.ends_with(served_nobody)) return false;
    const auto operation = operation_in(described);
    return operation == "kill-node" || operation == "stop-node";
}

bool tells_of_question(std::string_view described) { return operation_in(described) == "verify-deployment"; }

}  // namespace medic

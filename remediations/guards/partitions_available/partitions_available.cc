#include <algorithm>

#include "agent/store/kafka_words.h"
#include "remediations/guards/guard.h"

// A broker is stopped only where every partition keeps a leader and its min.insync.replicas without it, the
// controllers' quorum keeps its majority, and no log is being recovered. A person can't agree it away: who wants it all
// the same, stops it by hand. One whose process has ended already takes nothing with it; a frozen one that the
// controller still counts on is waited for, until its session has ended and others lead.
namespace medic::guards::partitions_available {
namespace {

Refusal wait(std::string why) { return {"partitions-available", std::move(why), Refusal::Kind::wait, {}}; }

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.takes_away || question.takes_away->role != "broker") return std::nullopt;
    const TakenAway& taking = *question.takes_away;
    const auto target = std::ranges::find(taking.nodes, taking.node, &RoleNode::name);
    if (target != taking.nodes.end() && target->up == false) return std::nullopt;
    if (taking.broker.empty()) return wait("which broker runs on " + taking.node + " is not known");
    if (!taking.needed_by) return wait("what would be lost without broker " + taking.broker + " is not known");
    if (*taking.needed_by != needed_by_nothing)
        return wait("broker " + taking.broker + " is needed: " + *taking.needed_by);
    if (taking.logs_to_recover.value_or(0) > 0)
        return wait("broker " + taking.broker + " is recovering its logs; a restart would begin that anew");
    return std::nullopt;
}

}  // namespace

Guard descriptor() {
    return {"partitions-available", "no broker is stopped that a partition or the quorum needs", object};
}

}  // namespace medic::guards::partitions_available

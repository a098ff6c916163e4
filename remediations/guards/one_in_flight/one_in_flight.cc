#include "remediations/guards/guard.h"

// One change at a time in a cluster: two at once can't be told apart by their effects, and may need each other's
// redundancy. Replicas that move by themselves hold up neither jobs nor connectors: the loop leaves them out.
namespace medic::guards::one_in_flight {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.history_complete)
        return Refusal{"one-in-flight", "it is not known whether another change is under way", Refusal::Kind::wait, {}};
    if (question.others_acting.empty()) return std::nullopt;
    return Refusal{"one-in-flight",
                   "incident " + question.others_acting.front() +
                       " is being healed in this cluster, or what was done for it may still take effect",
                   Refusal::Kind::wait,
                   {}};
}

}  // namespace

Guard descriptor() { return {"one-in-flight", "one change at a time in a cluster", object}; }

}  // namespace medic::guards::one_in_flight

#include <fmt/format.h>

#include "remediations/guards/guard.h"

// Whoever cordons a node knows something of it that no metric tells: a disk that is about to go, a host that is wanted
// back. Nothing is started there, not even by a plan that was begun before; what runs there runs on.
namespace medic::guards::cordoned {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.cordon) return std::nullopt;
    return Refusal{"cordoned",
                   fmt::format("{} is kept out of use by {}: {}", question.cordon->node, question.cordon->by,
                               question.cordon->reason),
                   Refusal::Kind::wait,
                   {}};
}

}  // namespace

Guard descriptor() { return {"cordoned", "nothing is started on a node that a person keeps out of use", object}; }

}  // namespace medic::guards::cordoned

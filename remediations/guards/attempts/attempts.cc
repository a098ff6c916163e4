#include <fmt/format.h>

#include "remediations/guards/guard.h"

// How often one step of an incident may be tried, with a growing pause between tries.
namespace medic::guards::attempts {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (question.attempt < 1)
        return Refusal{"attempts", "the number of earlier attempts is not known", Refusal::Kind::never, {}};
    const int attempts_max = question.policy.limits.attempts_max * question.step.attempts_factor;
    if (question.attempt > attempts_max)
        return Refusal{"attempts",
                       fmt::format("tried {} times, the policy allows {}", question.attempt - 1, attempts_max),
                       Refusal::Kind::never,
                       {}};
    if (question.not_before && question.now < *question.not_before)
        return Refusal{"attempts", "backing off before the next attempt", Refusal::Kind::wait, question.not_before};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"attempts", "a cap on attempts per step, with back-off", object}; }

}  // namespace medic::guards::attempts

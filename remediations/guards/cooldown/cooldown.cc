#include <fmt/format.h>

#include "remediations/guards/guard.h"

// The same remedy for the same subject only after a while: a fault that comes back at once is not healed by more of the
// same.
namespace medic::guards::cooldown {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (question.plan_begun || question.undo) return std::nullopt;
    if (!question.history_complete)
        return Refusal{"cooldown", "what was done before is not known", Refusal::Kind::wait, {}};
    std::optional<WallTime> last;
    for (const auto& past : question.history) {
        if (past.incident == question.incident || past.undo) continue;
        if (past.remedy != question.step.remedy || past.diagnosed != question.diagnosed) continue;
        if (past.at > question.now)
            return Refusal{"cooldown",
                           "the journal is ahead of the clock: the time since the last healing is not known",
                           Refusal::Kind::wait, past.at};
        if (!last || past.at > *last) last = past.at;
    }
    if (!last) return std::nullopt;
    const WallTime until = *last + question.policy.limits.cooldown;
    if (question.now >= until) return std::nullopt;
    return Refusal{
        "cooldown",
        fmt::format("{} was used on {} {} s ago; the cool-down is {} s", question.step.remedy, question.diagnosed.name,
                    (question.now - *last).count() / 1000, question.policy.limits.cooldown.count() / 1000),
        Refusal::Kind::wait, until};
}

}  // namespace

Guard descriptor() { return {"cooldown", "time between two healings of one subject by one remedy", object}; }

}  // namespace medic::guards::cooldown

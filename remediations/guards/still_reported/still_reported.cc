#include <fmt/format.h>

#include "remediations/guards/guard.h"

// A plan is made from what was so when it was made. Until its first step is known to have happened, the cause must be
// in the newest report: a process that has come back by itself while the plan waited for its turn is no longer a
// patient. What was begun goes on: the plan's own first step is what ends most causes.
namespace medic::guards::still_reported {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (question.undo || (question.plan_begun && question.steps_done > 0)) return std::nullopt;
    if (!question.cause_reported_at)
        return Refusal{"still-reported", "when the cause was last reported is not known", Refusal::Kind::wait, {}};
    // That nothing was ever reported is self-doubt's.
    if (!question.sight.reported_at || *question.cause_reported_at >= *question.sight.reported_at) return std::nullopt;
    return Refusal{"still-reported",
                   fmt::format("the cause was last reported {} s ago, and not since: nothing is begun for it",
                               (question.now - *question.cause_reported_at) / Duration{1'000}),
                   Refusal::Kind::wait,
                   {}};
}

}  // namespace

Guard descriptor() { return {"still-reported", "a plan begins only while its cause is reported", object}; }

}  // namespace medic::guards::still_reported

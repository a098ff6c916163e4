#include <fmt/format.h>

#include "remediations/guards/guard.h"

// Operations per cluster and window. A backlog after a pause or a restart goes through it like everything else.
// Taking back what we did, and ending a plan that is half done, are allowed: stopping in the middle would do more harm.
namespace medic::guards::budget {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.history_complete) return Refusal{"budget", "what was spent is not known", Refusal::Kind::wait, {}};
    if (question.undo || (question.plan_begun && question.attempt == 1)) return std::nullopt;
    const auto& limits = question.policy.limits;
    int spent = 0;
    std::optional<WallTime> oldest;
    for (const auto& past : question.history) {
        if (past.cluster != question.cluster || question.now - past.at >= limits.budget_window) continue;
        ++spent;
        if (!oldest || past.at < *oldest) oldest = past.at;
    }
    if (spent < limits.budget_operations) return std::nullopt;
    return Refusal{"budget",
                   fmt::format("{} operations in the last {} s, the policy allows {}", spent,
                               limits.budget_window.count() / 1000, limits.budget_operations),
                   Refusal::Kind::wait, *oldest + limits.budget_window};
}

}  // namespace

Guard descriptor() { return {"budget", "operations per cluster and window", object}; }

}  // namespace medic::guards::budget

#include <fmt/format.h>

#include "remediations/guards/guard.h"

// After a step of the wall clock, ages, cool-downs and budgets are not to be trusted until things have settled.
namespace medic::guards::clock_step {
namespace {

constexpr Duration settle{60'000};  // Every collector has looked again, the slowest default interval included.

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.clock.compared)
        return Refusal{"clock-step", "the clock has not been compared yet", Refusal::Kind::wait, {}};
    if (!question.clock.stepped_at) return std::nullopt;
    const WallTime until = *question.clock.stepped_at + settle;
    if (question.now >= until && *question.clock.stepped_at <= question.now) return std::nullopt;
    return Refusal{"clock-step", fmt::format("the wall clock stepped by {} ms", question.clock.step.count()),
                   Refusal::Kind::wait, until};
}

}  // namespace

Guard descriptor() { return {"clock-step", "the wall clock has stepped a short while ago", object}; }

}  // namespace medic::guards::clock_step

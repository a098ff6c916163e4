#include <fmt/format.h>

#include "remediations/guards/guard.h"

// A policy, a rule or a program that is new may be wrong, and is then wrong in every cluster at once. Where the policy
// names clusters that go first, the others let a person decide until the change has proved itself there.
namespace medic::guards::rollout {
namespace {

std::string spoken(Duration time) {
    const auto minutes = time.count() / 60'000;
    return minutes < 120 ? fmt::format("{} min", minutes) : fmt::format("{} h", minutes / 60);
}

std::optional<Refusal> object(const GuardQuestion& question) {
    const auto& change = question.unproven;
    if (!change || question.plan_begun || question.undo || is_approved(question)) return std::nullopt;
    const std::string what = fmt::format("policy, rules or program were changed {} ago and act in {} first",
                                         spoken(question.now - change->since), change->first);
    if (!change->until)
        return Refusal{"rollout", fmt::format("{}, where {}", what, change->harm), Refusal::Kind::needs_approval, {}};
    return Refusal{"rollout", fmt::format("{}; here by themselves in {}", what, spoken(*change->until - question.now)),
                   Refusal::Kind::needs_approval, change->until};
}

}  // namespace

Guard descriptor() { return {"rollout", "what is new acts where the policy says, before it acts elsewhere", object}; }

}  // namespace medic::guards::rollout

// What the policy says of a plan. One plan reaches several objects, and a rule may name any of them: the loop, the
// backtest and `medic diagnose` ask here, so that what is foretold is what happens.
//
// The strictest holds of
//   - what the rules say of each object that a step changes, also where they say nothing (then: observe). Only the
//     object that stands for the step (object_of) and those of its kind are asked about so: a rule that allows a job
//     need not allow the node under it as well;
//   - what rules that name an object say of every other one that the plan touches, undoes or is about. A rule of all
//     objects says nothing more of these: it was asked about what changes.
// It is one answer for the whole plan: what may not be ended or taken back is not begun. Limits are the strictest, each
// for itself.
#pragma once

#include <optional>
#include <string_view>

#include "classifiers/diagnosis/diagnosis.h"
#include "remediations/guards/policy.h"
#include "remediations/planning/plan.h"

namespace medic {

struct PlanInQuestion {
    const Plan& plan;
    const Diagnosis& diagnosis;
    std::optional<int> level{};  // As in PolicyQuestion.
};

[[nodiscard]] PolicyDecision decide_plan(const Policy& policy, const PlanInQuestion& question);
// The plan's answer, with the floor and the naming of the object of this step of it.
[[nodiscard]] PolicyDecision decide_step(const Policy& policy, const PlanInQuestion& question, const Step& step);

// Before there is a plan: by what the diagnosis names. A plan may reach more, so that this may promise too much, as far
// as rules name what nobody can know yet.
struct Foresight {
    std::string_view remedy;
    const Diagnosis& diagnosis;
    std::optional<int> level{};
};
[[nodiscard]] PolicyDecision foresee(const Policy& policy, const Foresight& question);

}  // namespace medic

// A remedy: a pure function from a diagnosis to a plan. One folder under remediations/remedies each; see
// all_remedies(). It proposes only. `needs` names the facts it reads, so that a decision's whole input can be recorded
// and replayed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "classifiers/diagnosis/diagnosis.h"
#include "remediations/planning/plan.h"
#include "remediations/planning/planning_view.h"

namespace medic {

// A cause that a remedy may be offered for. `since` is the catalogue level in which the pair appeared: a policy written
// for an older catalogue does not cover it with a wildcard.
struct Cures {
    std::string cause{};
    int since = 1;
};

struct Remedy {
    std::string name{};
    std::string what{};  // One line for a person.
    Destroys destroys = Destroys::nothing;
    std::vector<Cures> cures{};
    std::vector<FactKey> (*needs)(const Diagnosis&,
                                  const PlanningView&) = nullptr;  // The view's facts are still empty.
    // invalid: this remedy can't help here, try the next · not_ready: facts are missing or state must change first.
    Result<Plan> (*plan)(const Diagnosis&, const PlanningView&) = nullptr;
};

// What is the present catalogue's level; grows when a release adds remedies or pairs.
constexpr int catalogue_level = 2;

}  // namespace medic

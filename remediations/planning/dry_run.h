// A dry run of what a person asks for: its steps are shown and never sent. Each carries a precondition that nothing can
// ever meet, so that whichever agent finds such a plan in the journal refuses it. Made by remedies, read by the loop.
#pragma once

#include <utility>

#include "classifiers/diagnosis/diagnosis.h"
#include "remediations/planning/conditions.h"

namespace medic {

[[nodiscard]] inline bool is_dry_run(const Diagnosis& wish) { return wish.facts.contains("dry_run"); }

// No collector tells such a fact.
[[nodiscard]] inline Condition never_met(const Subject& subject) { return equals(subject, "dry_run_is_over", 1); }

// The step as it would be sent if it were meant.
[[nodiscard]] inline Step as_if_meant(Step step) {
    std::erase_if(step.precondition, [&](const Condition& one) { return one.fact == never_met(step.subject).fact; });
    return step;
}

}  // namespace medic

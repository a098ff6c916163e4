// Planned work takes the blame for what it brings about: symptoms and findings of an absence that a finding
// `planned-work` explains are set aside before causes are weighed. One that explains nothing (any more) is told as a
// hint with the diagnoses that it may be about. Called by the diagnoser, and by
// diagnose_once for the symptoms that it shows; brain reads the id.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "classifiers/diagnosis/diagnosis.h"
#include "classifiers/view.h"

namespace medic {

inline constexpr std::string_view planned_work_id = "planned-work";

// What is left to explain. Planned work itself is not among it.
struct Unplanned {
    std::vector<Symptom> symptoms;
    std::vector<Finding> findings;
};
[[nodiscard]] Unplanned set_aside_planned(std::span<const Symptom> symptoms, std::span<const Finding> findings);

void hint_at_planned(const View& view, std::vector<Diagnosis>& diagnoses);

}  // namespace medic

// A bundle's samples and events weighed again, by the rules, analyzers and catalogue of the program that reads it: a
// newer one may know better, and an older bundle's verdict is checked. What happened is played back to them in its
// order, as a running agent would have seen it. Offline; nothing but the bundle's files is read.
#pragma once

#include <string>
#include <vector>

#include "agent/bundle/archive.h"
#include "agent/daemon/diagnose_once.h"

namespace medic::bundle {

struct WeighOptions {
    std::string rules_directory;          // "" = the rules compiled into the program.
    Duration step{5'000};                 // Between two evaluations.
    std::size_t steps_max = 2'000;        // Longer stretches are evaluated at their end.
    std::size_t samples_max = 2'000'000;  // A stranger's file may hold anything.
    std::size_t events_max = 20'000;
    std::size_t relations_max = 100'000;
};

// Errors: invalid (samples that are none), not_ready (the bundle holds no samples).
[[nodiscard]] Result<Weighed> weigh_anew(const std::vector<File>& files, const WeighOptions& options = {});

// What differs between a bundle's diagnoses and those of now, a line each: "the same: …", "another cause: …",
// "not found any more: …", "new: …".
[[nodiscard]] std::vector<std::string> compared(const std::vector<Diagnosis>& said, const std::vector<Diagnosis>& now);

}  // namespace medic::bundle

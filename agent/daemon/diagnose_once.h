// One diagnosis for a person at a terminal: looks for a few seconds, reads only, and says what is wrong, whose it is
// and what to do.
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/daemon/knowledge.h"
#include "agent/loop/input.h"
#include "remediations/guards/policy.h"

namespace medic {

struct DiagnoseOptions {
    Config config;
    Policy policy;  // For "what would have happened by itself".
    std::string rules_directory;
    Duration look_for{8'000};  // Rates and standstills need a few looks.
};

struct BlindSpot {
    std::string target, why;
};

struct DiagnoseResult {
    DiagnosisReport report;
    std::vector<Symptom> symptoms;
    std::vector<BlindSpot> blind;  // Targets that could not be seen.
    std::size_t targets = 0;
    std::vector<std::string> unobserved;  // What the configuration does not watch, and the fault it would hide.
    std::vector<std::string> by_itself;   // One line per diagnosis: what the agent would have done under the policy.
    enum class Verdict : std::uint8_t { healthy, problem, cannot_tell } verdict = Verdict::cannot_tell;
};

[[nodiscard]] Result<DiagnoseResult> diagnose_once(DiagnoseOptions options);

// What each cluster of the configuration leaves in the dark.
[[nodiscard]] std::vector<std::string> unobserved(const Config& config);

}  // namespace medic

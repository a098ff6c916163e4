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
    std::vector<BlindSpot> blind;  // Targets that could not be seen, or not wholly.
    std::size_t targets = 0;
    std::vector<std::string> unobserved;  // What the configuration does not watch, and the fault it would hide.
    std::vector<std::string> by_itself;   // One line per diagnosis: what the agent would have done under the policy.
    enum class Verdict : std::uint8_t { healthy, problem, cannot_tell } verdict = Verdict::cannot_tell;
};

[[nodiscard]] Result<DiagnoseResult> diagnose_once(DiagnoseOptions options);

// Fills in `blind`, `targets` and `unobserved` of a look that has ended. A Prometheus server that answers and yet lacks
// targets or series is blind too: what it does not see may be down.
void note_sight(DiagnoseResult& result, const Config& config, const Knowledge& knowledge, WallTime now);
// healthy: only when nothing is wrong and everything that was asked has told all of it.
[[nodiscard]] DiagnoseResult::Verdict verdict_of(const DiagnoseResult& result);

// What each cluster of the configuration leaves in the dark.
[[nodiscard]] std::vector<std::string> unobserved(const Config& config);

}  // namespace medic

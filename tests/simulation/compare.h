// Several healers against the same faults: for each seed the schedule of what goes wrong, and of what people do
// meanwhile, is drawn once, and each healer lives through it alone. What is counted is what truly happened.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/healers.h"

namespace medic::simulation {

struct CompareOptions {
    std::uint64_t first = 1, seeds = 100;
    int minutes = 10;  // Of faults; as long a calm follows.
};

struct ArmResult {
    Arm arm = Arm::nothing;
    double job_available = 0,
           connector_available = 0;          // Shares of the time; a job that a person has ended is left out.
    std::uint64_t troubles = 0, mended = 0;  // Of the job, of a task, of the disk; mended: over before the end.
    double harmed_seconds = 0;               // Per trouble; one that is not mended counts to the end.
    std::uint64_t operations = 0;
    std::map<std::string, std::uint64_t> harmful;  // Operations, by the rule that they break.
    std::uint64_t job_looks = 0, task_looks = 0;   // That the shares are of.
    std::uint64_t left_to_people = 0;              // Incidents that wait for a person at the end.

    [[nodiscard]] std::uint64_t harmful_total() const;
};

[[nodiscard]] std::vector<ArmResult> compare(const CompareOptions& options);
[[nodiscard]] std::string comparison_text(const std::vector<ArmResult>& results);

}  // namespace medic::simulation

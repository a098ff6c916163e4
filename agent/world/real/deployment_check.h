// Would a new version of a Flink job start, and take what the running one holds? Read from Flink's answers (1.17 to
// 2.x). Pure: it asks nobody.
#pragma once

#include <set>
#include <string>

#include "agent/base/result.h"

namespace medic {

// Bodies of the answers; "" where there was none.
struct DeploymentAnswers {
    std::string plan;        // /jars/ID/plan: of the new version. Needed.
    std::string job;         // /jobs/ID: of the version that runs.
    std::string checkpoint;  // /jobs/ID/checkpoints/details/NUMBER of its newest one: which vertices hold state.
    std::string overview;    // /overview: slots.
};

// A line for each thing that was looked at. invalid: the plan can't be read, or there are doubts (of deployment_doubts)
// that nobody has accepted; all of them are named.
[[nodiscard]] Result<std::string> judge_deployment(const DeploymentAnswers& answers,
                                                   const std::set<std::string>& accepted);

// Of /jobs/ID/checkpoints: the number of the newest complete one; "" when there is none.
[[nodiscard]] std::string newest_checkpoint_number(const std::string& checkpoints);

}  // namespace medic

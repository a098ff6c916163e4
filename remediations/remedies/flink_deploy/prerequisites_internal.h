// What must be so before a version is deployed, as far as facts tell it; the driver is asked about the rest when the
// plan runs (VerifyDeployment). Only for this remedy.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "remediations/planning/remedy.h"

namespace medic::remedies::flink_deploy {

struct Wish {
    std::string name, version;
    std::string from, job_id;  // The version that runs, blue, and its job.
    std::set<std::string> accepted;
    Subject job;
    std::string state;
    std::string checkpoint;              // Of a job that completes no savepoint: where green goes on. "": a savepoint.
    int parallelism = 0;                 // Blue's. 0: as its version says.
    std::optional<double> lag_before{};  // Of the gate's group.
};

[[nodiscard]] std::vector<FactKey> facts_of_prerequisites(const Diagnosis& diagnosis, const PlanningView& view,
                                                          const DeploymentInfo& deployment, const std::string& version);

// not_ready: what runs now is not known. invalid: it is not in the configuration.
[[nodiscard]] Result<Wish> wish_in(const Diagnosis& diagnosis, const PlanningView& view);

// What was found, a line each. invalid: everything that speaks against it, and what a person may accept of that.
[[nodiscard]] Result<std::vector<std::string>> look_at_prerequisites(Wish& wish, const PlanningView& view,
                                                                     const DeploymentInfo& deployment);

}  // namespace medic::remedies::flink_deploy

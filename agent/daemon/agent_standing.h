// What the policy would let the agent do about what a drill makes, before it is made.
#pragma once

#include <string>
#include <vector>

#include "agent/practice/standing.h"
#include "classifiers/diagnosis/catalogue.h"
#include "remediations/guards/policy.h"

namespace medic {

// Of the causes that drills expect, and of the one that follows the loss of a job manager: that one is about `jobs`,
// all that are known in the cluster.
[[nodiscard]] std::vector<practice::ModeStanding> modes_of(const Catalogue& catalogue, const Policy& policy,
                                                           const std::string& cluster,
                                                           const std::vector<Subject>& jobs);

}  // namespace medic

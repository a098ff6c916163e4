// From medic.yaml to the plain values that other rooms take.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/world/real/real_world.h"
#include "remediations/planning/planning_view.h"

namespace medic {

[[nodiscard]] std::map<std::string, ClusterDoors> doors_of(const Config& config);
// Refuses what medic.yaml may say and this program can't do yet, rather than doing something else instead.
[[nodiscard]] Status supported(const Config& config);
[[nodiscard]] std::vector<ClusterInfo> clusters_of(const Config& config);

}  // namespace medic

// From medic.yaml to the plain values that other rooms take.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/world/real/http_access.h"
#include "agent/world/real/real_world.h"
#include "remediations/planning/planning_view.h"

namespace medic {

[[nodiscard]] std::map<std::string, ClusterDoors> doors_of(const Config& config);
[[nodiscard]] HttpAccessTable access_of(const Config& config);
[[nodiscard]] std::vector<ClusterInfo> clusters_of(const Config& config);

}  // namespace medic

// Whether `medic drill` may make faults on a cluster. Not part of Config: the agent never does, and nothing in it can
// ask. Only for whoever runs a drill (agent/practice).
#pragma once

#include <string>

#include "agent/base/result.h"

namespace medic {

struct DrillsConfig {
    bool allowed = false;
    std::string where{};  // file:line:column of the key, or of the cluster where the key is missing.
};

// Of a file that load_config_file() takes. Errors: invalid (no such file or cluster).
[[nodiscard]] Result<DrillsConfig> load_drills_config(const std::string& path, const std::string& cluster);

}  // namespace medic

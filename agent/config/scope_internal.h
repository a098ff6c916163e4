// What may stand in a file of which scope. Only for .cc files of agent/config.
#pragma once

#include "agent/base/yaml.h"
#include "agent/config/config.h"

namespace medic {

// `top`: the file that `config` was read from. The first thing that does not fit is refused.
[[nodiscard]] Status check_scope(const YamlNode& top, const Config& config);

}  // namespace medic

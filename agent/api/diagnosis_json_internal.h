// What every document that tells a diagnosis has in common: the API's incidents, `medic diagnose`, its answer on a
// text. For .cc files of agent/ that write such a document.
#pragma once

#include <vector>

#include "agent/api/json_internal.h"
#include "classifiers/diagnosis/diagnosis.h"

namespace medic {

[[nodiscard]] Json time_json(WallTime at);  // null for never.
[[nodiscard]] Json evidence_json(const std::vector<Evidence>& evidence);
[[nodiscard]] Json alternatives_json(const std::vector<Alternative>& alternatives);

}  // namespace medic

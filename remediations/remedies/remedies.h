// All remedies, from the folders beside this file, sorted by folder.
#pragma once

#include <vector>

#include "remediations/planning/remedy.h"

namespace medic::remedies {

[[nodiscard]] std::vector<Remedy> all_remedies();

}  // namespace medic::remedies

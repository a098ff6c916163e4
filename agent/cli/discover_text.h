// A picture of a cluster as text for a person.
#pragma once

#include <string>
#include <vector>

#include "agent/discovery/picture.h"
#include "agent/discovery/update.h"

namespace medic::cli {

// The first line counts what there is. `wide`: every row, and why each link is believed.
[[nodiscard]] std::string text_of(const discovery::Picture& picture, bool wide);
[[nodiscard]] std::string text_of(const std::vector<discovery::Change>& changes);

}  // namespace medic::cli

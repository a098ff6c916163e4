// Packages that are known by name, and whose they are. Only for owner.cc, which knows everything else.
#pragma once

#include <optional>
#include <string_view>

#include "classifiers/diagnosis/trace/owner.h"

namespace medic {

// Of the longest entry that `function` begins with; nullopt: nobody's that is known.
[[nodiscard]] std::optional<FrameOwner> known_owner(std::string_view function);

}  // namespace medic

// A picture as JSON (schema 1) for programs, and back, to compare with a later one.
#pragma once

#include <string>
#include <string_view>

#include "agent/discovery/picture.h"
#include "agent/discovery/update.h"

namespace medic::discovery {

[[nodiscard]] std::string to_json(const Picture& picture, const std::vector<Change>& changes = {});
// What compare() needs of it; unknown members are left out.
[[nodiscard]] Result<Picture> picture_from_json(std::string_view text, const std::string& path);

}  // namespace medic::discovery

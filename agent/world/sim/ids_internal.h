// Brokers in their order, as facts tell them: "2,1,3". Only for .cc files of this folder.
#pragma once

#include <string>
#include <vector>

#include <fmt/ranges.h>

namespace medic::sim {

inline std::string list(const std::vector<int>& ids) { return fmt::format("{}", fmt::join(ids, ",")); }

}  // namespace medic::sim

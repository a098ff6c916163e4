// For unordered maps that are keyed by text and asked with a view of one: std::unordered_map<std::string, T, TextHash,
// std::equal_to<>>. No copy is made to look something up.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace medic {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace medic

// Packages and whose they are, asked by qualified names: the longest package that a name begins with. Entries end at a
// package border ("a.b.", "a::"), so only a name's own borders are looked up, under a hash that grows with the name.
// For known_owners.cc. It knows no package itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "classifiers/diagnosis/trace/owner.h"

namespace medic {

class PackageTable {
public:
    using Entry = std::pair<std::string_view, FrameOwner>;

    // Keeps pointers into `entries`. Of two that are alike the first counts.
    explicit PackageTable(std::span<const Entry> entries);
    // Looks at the name's first eight borders.
    [[nodiscard]] std::optional<FrameOwner> longest(std::string_view name) const;

private:
    struct Slot {
        std::uint64_t hash = 0;
        const Entry* entry = nullptr;
    };
    // Where the package is, or a free slot where it is not.
    [[nodiscard]] std::size_t slot_of(std::uint64_t hash, std::string_view package) const;

    std::vector<Slot> slots_;  // A power of two of them, at most half of them taken.
};

}  // namespace medic

// What the lab's SQLite sink has written of the source's records: rows by topic, partition and offset, each with the
// number that the source gave it. Reads the sink's database and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"

namespace medic::engine::drill {

struct Inventory {
    std::uint64_t records = 0;   // Different ones, by the source's number.
    std::uint64_t repeated = 0;  // Rows of a record that has one already.
    // Offsets without a row, inside what each partition has delivered: what comes after its last row is on its way.
    std::uint64_t missing_offsets = 0;
    // Numbers without a row that every partition has come past: also those of records that never got to the topic.
    std::uint64_t missing_numbers = 0;

    // A record that the sink has left out lacks in both. `excused`: offsets that rightly have no row; what is written
    // there is no record of the source, and has no number.
    [[nodiscard]] std::uint64_t lost(std::uint64_t excused = 0) const;
};

// Errors: unavailable (no database), not_ready (it can't be read now, or has no row).
[[nodiscard]] Result<Inventory> count_inventory(const std::string& path);
// Offsets of a partition that have no row, up to the last one that has.
[[nodiscard]] Result<std::vector<std::int64_t>> missing_offsets(const std::string& path, std::int32_t partition);

}  // namespace medic::engine::drill

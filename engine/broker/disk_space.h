// How much of its capacity a log dir uses. The volume is real, its size is ours to set: a write that does not fit fails
// as ENOSPC would. Capacity 0 means "as large as the file system".
#pragma once

#include <cstdint>

namespace medic::engine::broker {

struct DiskSpace {
    std::int64_t capacity_bytes = 0;
    std::int64_t used_bytes = 0;

    [[nodiscard]] bool fits(std::int64_t bytes) const {
        return capacity_bytes == 0 || used_bytes + bytes <= capacity_bytes;
    }
};

}  // namespace medic::engine::broker

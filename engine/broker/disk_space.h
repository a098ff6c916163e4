// The volume of a log dir: how much of its capacity is used, and how fast it takes writes. The volume is real, its size
// and speed are ours to set: a write that does not fit fails as ENOSPC would, and one to a slow volume holds up whoever
// writes, as a failing disk or a cloud volume whose burst is used up does. 0 means "as the file system is".
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace medic::engine::broker {

struct DiskSpace {
    std::int64_t capacity_bytes = 0;
    std::int64_t used_bytes = 0;
    std::int64_t write_bytes_per_second = 0;

    [[nodiscard]] bool fits(std::int64_t bytes) const {
        return capacity_bytes == 0 || used_bytes + bytes <= capacity_bytes;
    }
    void take_time_for(std::int64_t bytes) const {
        if (write_bytes_per_second > 0)
            std::this_thread::sleep_for(std::chrono::microseconds(bytes * 1'000'000 / write_bytes_per_second));
    }
};

}  // namespace medic::engine::broker

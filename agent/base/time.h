// Time that is handed in, never fetched. Only agent/world/real (and the engine) read a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace medic {

// A clock without now(): the compiler rejects AgentTime::now().
struct AgentTime {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<AgentTime>;
    static constexpr bool is_steady = true;
};

using Instant = AgentTime::time_point;  // Monotonic; meaningless in another process or after a reboot.
using Duration = AgentTime::duration;

// Milliseconds since 1970-01-01T00:00:00Z: what survives a restart, and what people read.
struct WallTime {
    std::int64_t unix_ms = 0;
    auto operator<=>(const WallTime&) const = default;
};

constexpr WallTime operator+(WallTime at, Duration by) { return {at.unix_ms + by.count()}; }
constexpr WallTime operator-(WallTime at, Duration by) { return {at.unix_ms - by.count()}; }
constexpr Duration operator-(WallTime later, WallTime earlier) { return Duration{later.unix_ms - earlier.unix_ms}; }

// Both views of the same moment. Cool-downs use wall time (they survive a restart), age and time-outs monotonic time.
struct Now {
    Instant monotonic;
    WallTime wall;
};

}  // namespace medic

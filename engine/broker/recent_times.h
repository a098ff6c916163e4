// How long requests of one kind took lately, for the percentiles on the metrics page. As Kafka's reservoir it reaches
// back over about five minutes of work, and keeps what it has while nothing comes. Not thread safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "agent/base/time.h"

namespace medic::engine::broker {

class RecentTimes {
public:
    void record(Instant at, std::chrono::nanoseconds took);
    // In milliseconds, to about a seventh; nullopt: nothing was ever recorded. `share`: 0.99 for the 99th percentile.
    [[nodiscard]] std::optional<double> percentile(double share) const;

private:
    static constexpr std::size_t slots = 30, buckets = 96;
    static constexpr Duration slot_length{10'000};
    using Counts = std::array<std::uint32_t, buckets>;

    std::array<Counts, slots> counts_{};
    std::int64_t newest_slot_ = -1;  // Since the clock began.
};

}  // namespace medic::engine::broker

#include "engine/broker/recent_times.h"

#include <algorithm>
#include <cmath>

namespace medic::engine::broker {
namespace {

// Buckets grow by a sixth each, from 10 µs: the 96th is beyond twenty seconds.
constexpr double first_ms = 0.01, growth = 7.0 / 6.0;

}  // namespace

void RecentTimes::record(Instant at, std::chrono::nanoseconds took) {
    const std::int64_t slot = std::chrono::duration_cast<Duration>(at.time_since_epoch()).count() / slot_length.count();
    const std::int64_t fresh = std::min<std::int64_t>(slot - newest_slot_, slots);
    for (std::int64_t i = 0; i < fresh; ++i) counts_[static_cast<std::size_t>(slot - i) % slots] = {};
    newest_slot_ = std::max(newest_slot_, slot);
    const double ms = static_cast<double>(took.count()) / 1e6;
    const double bucket = ms <= first_ms ? 0 : std::floor(std::log(ms / first_ms) / std::log(growth)) + 1;
    ++counts_[static_cast<std::size_t>(slot) % slots][std::min(static_cast<std::size_t>(bucket), buckets - 1)];
}

std::optional<double> RecentTimes::percentile(double share) const {
    Counts sum{};
    std::uint64_t all = 0;
    for (const Counts& slot : counts_)
        for (std::size_t i = 0; i < buckets; ++i) sum[i] += slot[i], all += slot[i];
    if (all == 0) return std::nullopt;
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
    std::uint64_t seen = 0;
    std::size_t bucket = 0;
    while (bucket + 1 < buckets && (seen += sum[bucket]) < wanted) ++bucket;
    // The middle of the bucket.
    return bucket == 0 ? first_ms : first_ms * std::pow(growth, static_cast<double>(bucket) - 0.5);
}

}  // namespace medic::engine::broker

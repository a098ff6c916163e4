#include "engine/broker/replication_throttle.h"

#include <algorithm>
#include <charconv>

namespace medic::engine::broker {
namespace {

constexpr std::size_t windows_max = 11;   // Kafka's default: replication.quota.window.num
constexpr Duration window_length{1'000};  // Kafka's default: replication.quota.window.size.seconds = 1

bool is_number(std::string_view text, std::int32_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && number >= 0;
}

// Calls `take` with each pair; false: one can't be read.
bool each_pair(std::string_view list, const auto& take) {
    while (!list.empty()) {
        const auto one = list.substr(0, list.find(','));
        list.remove_prefix(std::min(one.size() + 1, list.size()));
        const auto colon = one.find(':');
        std::int32_t partition = 0, broker = 0;
        if (colon == std::string_view::npos || !is_number(one.substr(0, colon), partition) ||
            !is_number(one.substr(colon + 1), broker))
            return false;
        take(partition, broker);
    }
    return true;
}

}  // namespace

bool is_throttled_list(std::string_view list) {
    return list == "*" || (!list.ends_with(',') && each_pair(list, [](std::int32_t, std::int32_t) {}));
}

bool throttled_list_names(std::string_view list, std::int32_t partition, BrokerId broker) {
    if (list == "*") return true;
    bool named = false;
    each_pair(list, [&](std::int32_t its_partition, std::int32_t its_broker) {
        named = named || (its_partition == partition && its_broker == broker);
    });
    return named;
}

bool ReplicationThrottle::names(std::string_view topic, std::int32_t partition) const {
    const auto list = config_.topic(
        image_, topic,
        side_ == Side::leader ? "leader.replication.throttled.replicas" : "follower.replication.throttled.replicas");
    return !list.value.empty() && throttled_list_names(list.value, partition, self_);
}

void ReplicationThrottle::record(std::int64_t bytes, Instant now) {
    if (windows_.empty() || now - windows_.back().began >= window_length) windows_.push_back({now, 0});
    windows_.back().bytes += bytes;
    while (windows_.size() > windows_max || now - windows_.front().began >= windows_max * window_length)
        windows_.pop_front();
}

// The mean since the oldest window began, as Kafka's SimpleRate: a window at least.
bool ReplicationThrottle::exceeded(Instant now) const {
    const std::int64_t limit = config_.broker_number(
        image_, side_ == Side::leader ? "leader.replication.throttled.rate" : "follower.replication.throttled.rate");
    std::int64_t bytes = 0;
    Duration elapsed = window_length;
    for (const Window& one : windows_) {
        if (now - one.began >= windows_max * window_length) continue;
        bytes += one.bytes;
        elapsed = std::max(elapsed, now - one.began);
    }
    return static_cast<double>(bytes) * 1'000 > static_cast<double>(limit) * static_cast<double>(elapsed.count());
}

}  // namespace medic::engine::broker

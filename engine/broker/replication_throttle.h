// Kafka's replication throttle: which replicas it names (leader.replication.throttled.replicas and follower.…, of the
// topic) and how many of their bytes may pass in a second (….throttled.rate, of the broker). It holds back only
// replicas that are out of sync, as Kafka's ReplicationQuotaManager does: those that a move adds, or that catch up.
// Each broker has one for what it gives as a leader and one for what it takes as a follower. Not a quota for clients.
#pragma once

#include <deque>

#include "agent/base/time.h"
#include "engine/broker/config_registry.h"

namespace medic::engine::broker {

// "*", or "PARTITION:BROKER,PARTITION:BROKER,…".
[[nodiscard]] bool is_throttled_list(std::string_view list);
[[nodiscard]] bool throttled_list_names(std::string_view list, std::int32_t partition, BrokerId broker);

class ReplicationThrottle {
public:
    enum class Side : std::uint8_t { leader, follower };
    ReplicationThrottle(Side side, BrokerId self, const ClusterImage& image, const Config& config)
        : side_(side), self_(self), image_(image), config_(config) {}

    [[nodiscard]] bool names(std::string_view topic, std::int32_t partition) const;
    void record(std::int64_t bytes, Instant now);  // Of replicas that it names.
    [[nodiscard]] bool exceeded(Instant now) const;

private:
    struct Window {
        Instant began;
        std::int64_t bytes = 0;
    };
    Side side_;
    BrokerId self_;
    const ClusterImage& image_;
    const Config& config_;
    std::deque<Window> windows_;  // Ascending, of a second each; at most windows_max.
};

}  // namespace medic::engine::broker

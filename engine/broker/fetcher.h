// Follows leaders: one connection and one outstanding Fetch per leader, for all partitions that it leads and we follow.
// Appends what comes, cuts our log where it differs from the leader's, learns the high watermark.
#pragma once

#include "agent/wire/messages/fetch.h"
#include "engine/broker/peer.h"
#include "engine/broker/replicas.h"
#include "engine/broker/replication_throttle.h"

namespace medic::engine::broker {

struct FetcherOptions {
    BrokerId self = no_broker;
    std::int32_t wait_max_ms = 500;              // replica.fetch.wait.max.ms
    std::int32_t min_bytes = 1;                  // replica.fetch.min.bytes
    std::int32_t partition_bytes_max = 1 << 20;  // replica.fetch.max.bytes
    std::int32_t response_bytes_max = 10 << 20;  // replica.fetch.response.max.bytes
};

class Fetchers {
public:
    Fetchers(Loop& loop, FetcherOptions options, const ClusterImage& image, const Config& config, Replicas& replicas);
    ~Fetchers();

    void assign();  // Roles or addresses have changed: every leader gets the partitions that it leads.

    [[nodiscard]] std::int64_t max_lag() const;  // Records behind, over all followed partitions.
    [[nodiscard]] std::size_t failed_partitions() const;

private:
    struct Follow {
        TopicPartition id;
        Instant not_before;
        std::int64_t lag = 0;
        bool caught_up = false;  // At the last answer: it had all that is committed.
        bool failed = false;
    };
    struct Leader {
        std::unique_ptr<Peer> peer;
        std::map<TopicPartition, Follow> partitions;
        bool under_way = false;
        bool timer_set = false;
    };

    void fetch(BrokerId id);
    void fetch_later(BrokerId id, Duration delay);
    [[nodiscard]] wire::FetchRequest request_for(Leader& leader);
    [[nodiscard]] bool holds_back(const Follow& follow) const;
    void on_answer(BrokerId id, Result<std::string_view> answer);
    [[nodiscard]] bool take(Follow& follow, const wire::FetchResponse::Partition& partition);
    [[nodiscard]] bool take_good(Replica& replica, const wire::FetchResponse::Partition& partition);

    Loop& loop_;
    FetcherOptions options_;
    const ClusterImage& image_;
    Replicas& replicas_;
    ReplicationThrottle throttle_;
    std::map<BrokerId, Leader> leaders_;
};

}  // namespace medic::engine::broker

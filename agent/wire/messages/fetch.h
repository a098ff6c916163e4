// Fetch: reads record batches (records.h) from partitions; used by consumers and by followers alike.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

enum class Isolation : std::int8_t { read_uncommitted = 0, read_committed = 1 };

// Where two logs part; who leads now; which snapshot to load instead. Outside of the response, because an optional
// member needs their defaults complete.
struct EpochEndOffset {
    std::int32_t epoch = -1;
    std::int64_t end_offset = -1;
    void fields(Codec& c);
    bool operator==(const EpochEndOffset&) const = default;
};

struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1, leader_epoch = -1;
    void fields(Codec& c);
    bool operator==(const LeaderIdAndEpoch&) const = default;
};

struct SnapshotId {
    std::int64_t end_offset = -1;
    std::int32_t epoch = -1;
    void fields(Codec& c);
    bool operator==(const SnapshotId&) const = default;
};

struct FetchResponse {
    static constexpr ApiKey api = ApiKey::fetch;
    struct AbortedTransaction {
        std::int64_t producer_id = 0, first_offset = 0;
        void fields(Codec& c);
        bool operator==(const AbortedTransaction&) const = default;
    };
    struct Partition {
        std::int32_t partition = 0;
        KafkaError error = KafkaError::none;
        std::int64_t high_watermark = -1, last_stable_offset = -1, log_start_offset = -1;
        std::optional<EpochEndOffset> diverging_epoch;  // The follower's log and the leader's part after this point.
        std::optional<LeaderIdAndEpoch> current_leader;
        std::optional<SnapshotId> snapshot_id;
        std::optional<std::vector<AbortedTransaction>> aborted_transactions;
        std::int32_t preferred_read_replica = -1;
        std::optional<BytesView> records;  // A view into the response's frame; the last batch may be cut off.
        void fields(Codec& c);
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;  // v7+
    std::int32_t session_id = 0;          // 0: no session.
    std::vector<Topic> topics;

    void fields(Codec& c);
    bool operator==(const FetchResponse&) const = default;
};

struct FetchRequest {
    static constexpr ApiKey api = ApiKey::fetch;
    using Response = FetchResponse;
    struct Partition {
        std::int32_t partition = 0;
        std::int32_t current_leader_epoch = -1;
        std::int64_t fetch_offset = 0;
        std::int32_t last_fetched_epoch = -1;        // -1 from consumers.
        std::int64_t log_start_offset = -1;          // The follower's; -1 from consumers.
        std::int32_t partition_max_bytes = 1 << 20;  // Kafka's default: max.partition.fetch.bytes = 1 MiB
        void fields(Codec& c);
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    struct ForgottenTopic {
        std::string name;
        std::vector<std::int32_t> partitions;
        void fields(Codec& c);
        bool operator==(const ForgottenTopic&) const = default;
    };

    std::optional<std::string> cluster_id;
    std::int32_t replica_id = -1;       // A follower's broker id; -1 from consumers.
    std::int32_t max_wait_ms = 500;     // Kafka's default: fetch.max.wait.ms
    std::int32_t min_bytes = 1;         // Kafka's default: fetch.min.bytes
    std::int32_t max_bytes = 50 << 20;  // Kafka's default: fetch.max.bytes = 50 MiB
    std::int8_t isolation = static_cast<std::int8_t>(Isolation::read_uncommitted);
    std::int32_t session_id = 0, session_epoch = -1;  // 0 and -1: no fetch session.
    std::vector<Topic> topics;
    std::vector<ForgottenTopic> forgotten_topics;
    std::string rack_id;

    void fields(Codec& c);
    bool operator==(const FetchRequest&) const = default;
};

}  // namespace medic::wire

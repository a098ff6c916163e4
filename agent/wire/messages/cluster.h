// DescribeCluster, DescribeLogDirs, DescribeQuorum: the cluster's machinery rather than its data.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct DescribeClusterResponse {
    static constexpr ApiKey api = ApiKey::describe_cluster;
    struct Broker {
        std::int32_t broker_id = 0;
        std::string host;
        std::int32_t port = 0;
        std::optional<std::string> rack;
        void fields(Codec& c);
        bool operator==(const Broker&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::optional<std::string> error_message;
    std::int8_t endpoint_type = 1;
    std::string cluster_id;
    std::int32_t controller_id = -1;
    std::vector<Broker> brokers;
    std::int32_t authorized_operations = INT32_MIN;
    void fields(Codec& c);
    bool operator==(const DescribeClusterResponse&) const = default;
};

struct DescribeClusterRequest {
    static constexpr ApiKey api = ApiKey::describe_cluster;
    using Response = DescribeClusterResponse;
    bool include_authorized_operations = false;
    std::int8_t endpoint_type = 1;  // 1: brokers, 2: controllers.
    void fields(Codec& c);
    bool operator==(const DescribeClusterRequest&) const = default;
};

struct DescribeLogDirsResponse {
    static constexpr ApiKey api = ApiKey::describe_log_dirs;
    struct LogDir {
        struct Topic {
            struct Partition {
                std::int32_t partition = 0;
                std::int64_t size_bytes = 0;
                std::int64_t offset_lag =
                    0;                   // Behind the high watermark, or behind the current replica for a future one.
                bool is_future = false;  // Being moved here from another log dir of this broker.
                void fields(Codec& c);
                bool operator==(const Partition&) const = default;
            };
            std::string name;
            std::vector<Partition> partitions;
            void fields(Codec& c);
            bool operator==(const Topic&) const = default;
        };
        KafkaError error = KafkaError::none;  // KAFKA_STORAGE_ERROR: offline.
        std::string path;
        std::vector<Topic> topics;
        std::int64_t total_bytes = -1;  // Of the volume; -1: the broker does not say.
        std::int64_t usable_bytes = -1;
        void fields(Codec& c);
        bool operator==(const LogDir&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::vector<LogDir> log_dirs;
    void fields(Codec& c);
    bool operator==(const DescribeLogDirsResponse&) const = default;
};

// Answers for the broker that is asked.
struct DescribeLogDirsRequest {
    static constexpr ApiKey api = ApiKey::describe_log_dirs;
    using Response = DescribeLogDirsResponse;
    struct Topic {
        std::string name;
        std::vector<std::int32_t> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::optional<std::vector<Topic>> topics;  // Null: all.
    void fields(Codec& c);
    bool operator==(const DescribeLogDirsRequest&) const = default;
};

struct DescribeQuorumResponse {
    static constexpr ApiKey api = ApiKey::describe_quorum;
    struct Topic {
        struct Partition {
            struct Replica {
                std::int32_t replica_id = 0;
                Uuid directory_id;
                std::int64_t log_end_offset = 0;
                std::int64_t last_fetch_timestamp_ms = -1;
                std::int64_t last_caught_up_timestamp_ms = -1;
                void fields(Codec& c);
                bool operator==(const Replica&) const = default;
            };
            std::int32_t partition = 0;
            KafkaError error = KafkaError::none;
            std::optional<std::string> error_message;
            std::int32_t leader_id = -1;
            std::int32_t leader_epoch = -1;
            std::int64_t high_watermark = -1;
            std::vector<Replica> voters;
            std::vector<Replica> observers;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    struct Node {
        struct Listener {
            std::string name;
            std::string host;
            std::uint16_t port = 0;
            void fields(Codec& c);
            bool operator==(const Listener&) const = default;
        };
        std::int32_t node_id = 0;
        std::vector<Listener> listeners;
        void fields(Codec& c);
        bool operator==(const Node&) const = default;
    };
    KafkaError error = KafkaError::none;
    std::optional<std::string> error_message;
    std::vector<Topic> topics;
    std::vector<Node> nodes;
    void fields(Codec& c);
    bool operator==(const DescribeQuorumResponse&) const = default;
};

// Ask for topic __cluster_metadata, partition 0.
struct DescribeQuorumRequest {
    static constexpr ApiKey api = ApiKey::describe_quorum;
    using Response = DescribeQuorumResponse;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const DescribeQuorumRequest&) const = default;
};

}  // namespace medic::wire

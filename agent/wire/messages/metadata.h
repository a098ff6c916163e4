// Metadata: brokers, the controller, and topics with their partitions' leaders, replicas and in-sync replicas.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

// Kafka's Integer.MIN_VALUE: "authorized operations were not asked for".
inline constexpr std::int32_t kOperationsNotAsked = INT32_MIN;

struct MetadataResponse {
    static constexpr ApiKey api = ApiKey::metadata;
    struct Broker {
        std::int32_t node_id = 0;
        std::string host;
        std::int32_t port = 0;
        std::optional<std::string> rack;
        void fields(Codec& c);
        bool operator==(const Broker&) const = default;
    };
    struct Partition {
        KafkaError error = KafkaError::none;
        std::int32_t partition = 0;
        std::int32_t leader_id = -1;     // -1: no leader.
        std::int32_t leader_epoch = -1;  // v7+
        std::vector<std::int32_t> replicas, isr;
        std::vector<std::int32_t> offline_replicas;  // v5+
        void fields(Codec& c);
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        KafkaError error = KafkaError::none;
        std::optional<std::string> name = std::string();  // Null from v12 on when asked for by an unknown id.
        Uuid topic_id;                                    // v10+
        bool is_internal = false;
        std::vector<Partition> partitions;
        std::int32_t authorized_operations = kOperationsNotAsked;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Broker> brokers;
    std::optional<std::string> cluster_id;
    std::int32_t controller_id = -1;  // -1: none known.
    std::vector<Topic> topics;
    std::int32_t cluster_authorized_operations = kOperationsNotAsked;

    void fields(Codec& c);
    bool operator==(const MetadataResponse&) const = default;
};

struct MetadataRequest {
    static constexpr ApiKey api = ApiKey::metadata;
    using Response = MetadataResponse;
    struct Topic {
        Uuid topic_id;                                    // v10+
        std::optional<std::string> name = std::string();  // Null (v10+): look it up by id.
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    // Null: all topics; empty: none. In v0 an empty list means all and null can't be said.
    std::optional<std::vector<Topic>> topics;
    bool allow_auto_topic_creation = true;  // Kafka's default; false where nothing may change: v4+ can say so.
    bool include_cluster_authorized_operations = false, include_topic_authorized_operations = false;

    void fields(Codec& c);
    bool operator==(const MetadataRequest&) const = default;
};

}  // namespace medic::wire

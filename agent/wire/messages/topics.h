// CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords: a topic's life. Sent to the controller (DeleteRecords:
// to leaders).
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct CreateTopicsResponse {
    static constexpr ApiKey api = ApiKey::create_topics;
    struct Config {
        std::string name;
        std::optional<std::string> value;
        bool read_only = false;
        std::int8_t source = -1;
        bool is_sensitive = false;
        void fields(Codec& c);
        bool operator==(const Config&) const = default;
    };
    struct Topic {
        std::string name;
        Uuid topic_id;  // v7+
        KafkaError error = KafkaError::none;
        std::optional<std::string> error_message;
        std::optional<std::int16_t> topic_config_error;
        std::int32_t partitions = -1;          // v5+
        std::int16_t replication_factor = -1;  // v5+
        std::optional<std::vector<Config>> configs;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics;

    void fields(Codec& c);
    bool operator==(const CreateTopicsResponse&) const = default;
};

struct CreateTopicsRequest {
    static constexpr ApiKey api = ApiKey::create_topics;
    using Response = CreateTopicsResponse;
    struct Assignment {
        std::int32_t partition = 0;
        std::vector<std::int32_t> broker_ids;
        void fields(Codec& c);
        bool operator==(const Assignment&) const = default;
    };
    struct Config {
        std::string name;
        std::optional<std::string> value;
        void fields(Codec& c);
        bool operator==(const Config&) const = default;
    };
    struct Topic {
        std::string name;
        std::int32_t partitions = -1;          // -1: the broker's default (v4+), or the assignments say.
        std::int16_t replication_factor = -1;  // As above.
        std::vector<Assignment> assignments;
        std::vector<Config> configs;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> topics;
    std::int32_t timeout_ms = 60'000;
    bool validate_only = false;

    void fields(Codec& c);
    bool operator==(const CreateTopicsRequest&) const = default;
};

}  // namespace medic::wire

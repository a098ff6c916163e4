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

struct DeleteTopicsResponse {
    static constexpr ApiKey api = ApiKey::delete_topics;
    struct Topic {
        std::optional<std::string> name = std::string();
        Uuid topic_id;
        KafkaError error = KafkaError::none;
        std::optional<std::string> error_message;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const DeleteTopicsResponse&) const = default;
};

struct DeleteTopicsRequest {
    static constexpr ApiKey api = ApiKey::delete_topics;
    using Response = DeleteTopicsResponse;
    struct Topic {
        std::optional<std::string> name;  // Null: by id.
        Uuid topic_id;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::vector<Topic> topics;
    std::vector<std::string> names;
    std::int32_t timeout_ms = 60'000;
    void fields(Codec& c);
    bool operator==(const DeleteTopicsRequest&) const = default;
};

struct CreatePartitionsResponse {
    static constexpr ApiKey api = ApiKey::create_partitions;
    struct Topic {
        std::string name;
        KafkaError error = KafkaError::none;
        std::optional<std::string> error_message;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const CreatePartitionsResponse&) const = default;
};

struct CreatePartitionsRequest {
    static constexpr ApiKey api = ApiKey::create_partitions;
    using Response = CreatePartitionsResponse;
    struct Topic {
        struct Assignment {
            std::vector<std::int32_t> broker_ids;
            void fields(Codec& c);
            bool operator==(const Assignment&) const = default;
        };
        std::string name;
        std::int32_t count = 0;                              // The new total.
        std::optional<std::vector<Assignment>> assignments;  // Null: the controller places them.
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::vector<Topic> topics;
    std::int32_t timeout_ms = 60'000;
    bool validate_only = false;
    void fields(Codec& c);
    bool operator==(const CreatePartitionsRequest&) const = default;
};

struct DeleteRecordsResponse {
    static constexpr ApiKey api = ApiKey::delete_records;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            std::int64_t low_watermark = -1;
            KafkaError error = KafkaError::none;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const DeleteRecordsResponse&) const = default;
};

struct DeleteRecordsRequest {
    static constexpr ApiKey api = ApiKey::delete_records;
    using Response = DeleteRecordsResponse;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            std::int64_t offset = 0;  // Records below it go; -1: up to the high watermark.
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::vector<Topic> topics;
    std::int32_t timeout_ms = 60'000;
    void fields(Codec& c);
    bool operator==(const DeleteRecordsRequest&) const = default;
};

}  // namespace medic::wire

// DescribeConfigs, IncrementalAlterConfigs: settings of topics and brokers. A broker's own settings are asked of that
// broker.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

enum class ConfigResource : std::int8_t { topic = 2, broker = 4, broker_logger = 8, group = 32 };
enum class ConfigOperation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
enum class ConfigSource : std::int8_t {
    unknown = 0,
    topic = 1,
    dynamic_broker = 2,
    dynamic_default_broker = 3,
    static_broker = 4,
    default_value = 5,
    dynamic_broker_logger = 6,
    client_metrics = 7,
    group = 8
};

struct DescribeConfigsResponse {
    static constexpr ApiKey api = ApiKey::describe_configs;
    struct Resource {
        struct Config {
            struct Synonym {
                std::string name;
                std::optional<std::string> value;
                std::int8_t source = 0;
                void fields(Codec& c);
                bool operator==(const Synonym&) const = default;
            };
            std::string name;
            std::optional<std::string> value;  // Null when sensitive.
            bool read_only = false;
            std::int8_t source = -1;  // A ConfigSource.
            bool is_sensitive = false;
            std::vector<Synonym> synonyms;  // The chain that the value was taken from, first wins.
            std::int8_t type = 0;
            std::optional<std::string> documentation;
            void fields(Codec& c);
            bool operator==(const Config&) const = default;
        };
        KafkaError error = KafkaError::none;
        std::optional<std::string> error_message;
        std::int8_t type = 0;
        std::string name;
        std::vector<Config> configs;
        void fields(Codec& c);
        bool operator==(const Resource&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Resource> resources;
    void fields(Codec& c);
    bool operator==(const DescribeConfigsResponse&) const = default;
};

struct DescribeConfigsRequest {
    static constexpr ApiKey api = ApiKey::describe_configs;
    using Response = DescribeConfigsResponse;
    struct Resource {
        std::int8_t type = 0;  // A ConfigResource.
        std::string name;      // Topic, or broker id; empty: the brokers' cluster-wide defaults.
        std::optional<std::vector<std::string>> keys;  // Null: all.
        void fields(Codec& c);
        bool operator==(const Resource&) const = default;
    };
    std::vector<Resource> resources;
    bool include_synonyms = false;
    bool include_documentation = false;
    void fields(Codec& c);
    bool operator==(const DescribeConfigsRequest&) const = default;
};

struct IncrementalAlterConfigsResponse {
    static constexpr ApiKey api = ApiKey::incremental_alter_configs;
    struct Resource {
        KafkaError error = KafkaError::none;
        std::optional<std::string> error_message;
        std::int8_t type = 0;
        std::string name;
        void fields(Codec& c);
        bool operator==(const Resource&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Resource> resources;
    void fields(Codec& c);
    bool operator==(const IncrementalAlterConfigsResponse&) const = default;
};

struct IncrementalAlterConfigsRequest {
    static constexpr ApiKey api = ApiKey::incremental_alter_configs;
    using Response = IncrementalAlterConfigsResponse;
    struct Resource {
        struct Config {
            std::string name;
            std::int8_t operation = 0;         // A ConfigOperation.
            std::optional<std::string> value;  // Null to delete.
            void fields(Codec& c);
            bool operator==(const Config&) const = default;
        };
        std::int8_t type = 0;  // A ConfigResource.
        std::string name;
        std::vector<Config> configs;
        void fields(Codec& c);
        bool operator==(const Resource&) const = default;
    };
    std::vector<Resource> resources;
    bool validate_only = false;
    void fields(Codec& c);
    bool operator==(const IncrementalAlterConfigsRequest&) const = default;
};

}  // namespace medic::wire

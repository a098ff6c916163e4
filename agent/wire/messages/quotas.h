// DescribeClientQuotas: what clients are held to. Any broker answers.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct DescribeClientQuotasResponse {
    static constexpr ApiKey api = ApiKey::describe_client_quotas;
    struct Entry {
        struct Entity {
            std::string type;                 // user, client-id, ip
            std::optional<std::string> name;  // Null: the default for all that have none of their own.
            void fields(Codec& c);
            bool operator==(const Entity&) const = default;
        };
        struct Value {
            std::string key;  // producer_byte_rate, consumer_byte_rate, request_percentage, …
            double value = 0;
            void fields(Codec& c);
            bool operator==(const Value&) const = default;
        };
        std::vector<Entity> entity;
        std::vector<Value> values;
        void fields(Codec& c);
        bool operator==(const Entry&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::optional<std::string> error_message;
    std::optional<std::vector<Entry>> entries;
    void fields(Codec& c);
    bool operator==(const DescribeClientQuotasResponse&) const = default;
};

// No components and not strict: all quotas.
struct DescribeClientQuotasRequest {
    static constexpr ApiKey api = ApiKey::describe_client_quotas;
    using Response = DescribeClientQuotasResponse;
    struct Component {
        std::string entity_type;
        std::int8_t match_type = 2;        // 0: exact name, 1: default, 2: any.
        std::optional<std::string> match;  // Null but for an exact name.
        void fields(Codec& c);
        bool operator==(const Component&) const = default;
    };
    std::vector<Component> components;
    bool strict = false;
    void fields(Codec& c);
    bool operator==(const DescribeClientQuotasRequest&) const = default;
};

}  // namespace medic::wire

// DescribeClientQuotas, AlterClientQuotas: what clients are held to. Any broker answers the first, the controller the
// second.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

// An entry is about one or two of them: a client-id, a user, or a client-id of a user.
struct QuotaEntity {
    std::string type;                 // user, client-id, ip
    std::optional<std::string> name;  // Null: the default for all that have none of their own.
    void fields(Codec& c);
    bool operator==(const QuotaEntity&) const = default;
};

struct DescribeClientQuotasResponse {
    static constexpr ApiKey api = ApiKey::describe_client_quotas;
    struct Entry {
        struct Value {
            std::string key;  // producer_byte_rate, consumer_byte_rate, request_percentage, …
            double value = 0;
            void fields(Codec& c);
            bool operator==(const Value&) const = default;
        };
        std::vector<QuotaEntity> entity;
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

struct AlterClientQuotasResponse {
    static constexpr ApiKey api = ApiKey::alter_client_quotas;
    struct Entry {
        KafkaError error = KafkaError::none;
        std::optional<std::string> error_message;
        std::vector<QuotaEntity> entity;
        void fields(Codec& c);
        bool operator==(const Entry&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Entry> entries;
    void fields(Codec& c);
    bool operator==(const AlterClientQuotasResponse&) const = default;
};

struct AlterClientQuotasRequest {
    static constexpr ApiKey api = ApiKey::alter_client_quotas;
    using Response = AlterClientQuotasResponse;
    struct Entry {
        struct Change {
            std::string key;   // As DescribeClientQuotas tells it.
            double value = 0;  // Ignored when it is removed.
            bool remove = false;
            void fields(Codec& c);
            bool operator==(const Change&) const = default;
        };
        std::vector<QuotaEntity> entity;
        std::vector<Change> changes;
        void fields(Codec& c);
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;
    bool validate_only = false;
    void fields(Codec& c);
    bool operator==(const AlterClientQuotasRequest&) const = default;
};

}  // namespace medic::wire

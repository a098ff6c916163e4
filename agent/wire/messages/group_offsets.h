// OffsetCommit, OffsetFetch: where a group will go on reading. Sent to the group's coordinator.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct OffsetCommitResponse {
    static constexpr ApiKey api = ApiKey::offset_commit;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
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
    bool operator==(const OffsetCommitResponse&) const = default;
};

// Generation -1 and an empty member id: an administrator's commit, accepted while the group is empty.
struct OffsetCommitRequest {
    static constexpr ApiKey api = ApiKey::offset_commit;
    using Response = OffsetCommitResponse;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            std::int64_t offset = 0;  // The next record to read.
            std::int32_t leader_epoch = -1;
            std::optional<std::string> metadata;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::string group_id;
    std::int32_t generation_id = -1;  // The member epoch in the consumer protocol of KIP-848.
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::int64_t retention_time_ms = -1;  // -1: the broker's offsets.retention.minutes.
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const OffsetCommitRequest&) const = default;
};

struct OffsetFetchResponse {
    static constexpr ApiKey api = ApiKey::offset_fetch;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            std::int64_t offset = -1;  // -1: nothing committed.
            std::int32_t leader_epoch = -1;
            std::optional<std::string> metadata;
            KafkaError error = KafkaError::none;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    struct Group {
        std::string group_id;
        std::vector<Topic> topics;
        KafkaError error = KafkaError::none;
        void fields(Codec& c);
        bool operator==(const Group&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics;
    KafkaError error = KafkaError::none;
    std::vector<Group> groups;
    void fields(Codec& c);
    bool operator==(const OffsetFetchResponse&) const = default;
};

struct OffsetFetchRequest {
    static constexpr ApiKey api = ApiKey::offset_fetch;
    using Response = OffsetFetchResponse;
    struct Topic {
        std::string name;
        std::vector<std::int32_t> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    struct Group {
        std::string group_id;
        std::optional<std::string> member_id;
        std::int32_t member_epoch = -1;
        std::optional<std::vector<Topic>> topics;
        void fields(Codec& c);
        bool operator==(const Group&) const = default;
    };
    std::string group_id;
    std::optional<std::vector<Topic>> topics;  // Null: every partition with a committed offset.
    std::vector<Group> groups;                 // From v8 on several groups at once, instead of `group_id` and `topics`.
    bool require_stable = false;
    void fields(Codec& c);
    bool operator==(const OffsetFetchRequest&) const = default;
};

}  // namespace medic::wire

// AlterPartitionReassignments, ListPartitionReassignments, ElectLeaders, OffsetForLeaderEpoch: which broker holds and
// leads what. The first three go to the controller, OffsetForLeaderEpoch to leaders.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct AlterPartitionReassignmentsResponse {
    static constexpr ApiKey api = ApiKey::alter_partition_reassignments;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            KafkaError error = KafkaError::none;
            std::optional<std::string> error_message;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::optional<std::string> error_message;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const AlterPartitionReassignmentsResponse&) const = default;
};

struct AlterPartitionReassignmentsRequest {
    static constexpr ApiKey api = ApiKey::alter_partition_reassignments;
    using Response = AlterPartitionReassignmentsResponse;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            std::optional<std::vector<std::int32_t>> replicas;  // Null cancels a move under way.
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t timeout_ms = 60'000;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const AlterPartitionReassignmentsRequest&) const = default;
};

struct ListPartitionReassignmentsResponse {
    static constexpr ApiKey api = ApiKey::list_partition_reassignments;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            std::vector<std::int32_t> replicas;
            std::vector<std::int32_t> adding;
            std::vector<std::int32_t> removing;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::optional<std::string> error_message;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const ListPartitionReassignmentsResponse&) const = default;
};

struct ListPartitionReassignmentsRequest {
    static constexpr ApiKey api = ApiKey::list_partition_reassignments;
    using Response = ListPartitionReassignmentsResponse;
    struct Topic {
        std::string name;
        std::vector<std::int32_t> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t timeout_ms = 60'000;
    std::optional<std::vector<Topic>> topics;  // Null: all.
    void fields(Codec& c);
    bool operator==(const ListPartitionReassignmentsRequest&) const = default;
};

struct ElectLeadersResponse {
    static constexpr ApiKey api = ApiKey::elect_leaders;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            KafkaError error = KafkaError::none;
            std::optional<std::string> error_message;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const ElectLeadersResponse&) const = default;
};

struct ElectLeadersRequest {
    static constexpr ApiKey api = ApiKey::elect_leaders;
    using Response = ElectLeadersResponse;
    struct Topic {
        std::string name;
        std::vector<std::int32_t> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int8_t election_type = 0;             // 0: preferred replica, 1: unclean (loses records).
    std::optional<std::vector<Topic>> topics;  // Null: all.
    std::int32_t timeout_ms = 60'000;
    void fields(Codec& c);
    bool operator==(const ElectLeadersRequest&) const = default;
};

struct OffsetForLeaderEpochResponse {
    static constexpr ApiKey api = ApiKey::offset_for_leader_epoch;
    struct Topic {
        struct Partition {
            KafkaError error = KafkaError::none;
            std::int32_t partition = 0;
            std::int32_t leader_epoch = -1;
            std::int64_t end_offset = -1;  // Where the asked epoch ended.
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
    bool operator==(const OffsetForLeaderEpochResponse&) const = default;
};

struct OffsetForLeaderEpochRequest {
    static constexpr ApiKey api = ApiKey::offset_for_leader_epoch;
    using Response = OffsetForLeaderEpochResponse;
    struct Topic {
        struct Partition {
            std::int32_t partition = 0;
            std::int32_t current_leader_epoch = -1;
            std::int32_t leader_epoch = -1;  // The epoch whose end is asked for.
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t replica_id = -2;  // -1: a consumer, -2: a debugging tool.
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const OffsetForLeaderEpochRequest&) const = default;
};

}  // namespace medic::wire

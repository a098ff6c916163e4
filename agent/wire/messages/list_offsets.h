// ListOffsets: the first, last or time-stamped offset of partitions; asked of their leaders.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

// Special values of `timestamp`.
inline constexpr std::int64_t kLatestOffset = -1;
inline constexpr std::int64_t kEarliestOffset = -2;
inline constexpr std::int64_t kMaxTimestampOffset = -3;  // v7+

struct ListOffsetsResponse {
    static constexpr ApiKey api = ApiKey::list_offsets;
    struct Partition {
        std::int32_t partition = 0;
        KafkaError error = KafkaError::none;
        std::int64_t timestamp = -1;
        std::int64_t offset = -1;  // -1: no record at or after that time.
        std::int32_t leader_epoch = -1;
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
    std::vector<Topic> topics;

    void fields(Codec& c);
    bool operator==(const ListOffsetsResponse&) const = default;
};

struct ListOffsetsRequest {
    static constexpr ApiKey api = ApiKey::list_offsets;
    using Response = ListOffsetsResponse;
    struct Partition {
        std::int32_t partition = 0;
        std::int32_t current_leader_epoch = -1;
        std::int64_t timestamp = kLatestOffset;
        void fields(Codec& c);
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    std::int32_t replica_id = -1;
    std::int8_t isolation = 0;  // As in Fetch.
    std::vector<Topic> topics;

    void fields(Codec& c);
    bool operator==(const ListOffsetsRequest&) const = default;
};

}  // namespace medic::wire

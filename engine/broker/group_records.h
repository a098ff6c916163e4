// What a group coordinator keeps in __consumer_offsets, in Kafka's own record formats (offset commit key v1 and value
// v3, group metadata key v2 and value v3), so that any tool that reads the topic reads ours.
#pragma once

#include <variant>

#include "agent/base/result.h"
#include "engine/broker/group.h"
#include "engine/broker/replica.h"

namespace medic::engine::broker {

struct CommittedOffset {
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    std::string metadata;
    std::int64_t commit_ms = 0;
};

struct OffsetKey {
    std::string group;
    TopicPartition partition;
};
struct GroupKey {
    std::string group;
};
using GroupRecordKey = std::variant<OffsetKey, GroupKey>;

[[nodiscard]] std::string encode_key(const OffsetKey& key);
[[nodiscard]] std::string encode_key(const GroupKey& key);
[[nodiscard]] std::string encode_value(const CommittedOffset& offset);
[[nodiscard]] std::string encode_value(const Group::Stored& group, std::int64_t wall_ms);

// Errors: invalid (another version, or damaged).
[[nodiscard]] Result<GroupRecordKey> decode_key(std::string_view bytes);
[[nodiscard]] Result<CommittedOffset> decode_offset(std::string_view bytes);
[[nodiscard]] Result<Group::Stored> decode_group(std::string_view bytes);

// Which partition of __consumer_offsets a group belongs to: Java's String.hashCode of its id, as Kafka has it.
[[nodiscard]] std::int32_t coordinator_partition(std::string_view group, std::int32_t partitions);

}  // namespace medic::engine::broker

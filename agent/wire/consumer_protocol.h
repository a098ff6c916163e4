// What consumers put into JoinGroup's metadata and SyncGroup's assignment (protocol type "consumer"): opaque to the
// broker, read by whoever explains a group (which member holds which partition).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/wire/codec.h"

namespace medic::wire {

struct TopicPartitions {
    std::string topic;
    std::vector<std::int32_t> partitions;
    void fields(Codec& c);
    bool operator==(const TopicPartitions&) const = default;
};

struct ConsumerSubscription {
    static constexpr std::int16_t kVersionMax = 3;
    std::vector<std::string> topics;
    std::optional<Bytes> user_data;
    std::vector<TopicPartitions> owned;  // v1+
    std::int32_t generation_id = -1;     // v2+
    std::optional<std::string> rack_id;  // v3+
    void fields(Codec& c);
    bool operator==(const ConsumerSubscription&) const = default;
};

struct ConsumerAssignment {
    static constexpr std::int16_t kVersionMax = 3;
    std::vector<TopicPartitions> assigned;
    std::optional<Bytes> user_data;
    void fields(Codec& c);
    bool operator==(const ConsumerAssignment&) const = default;
};

[[nodiscard]] Result<Bytes> encode_consumer(const ConsumerSubscription& subscription, std::int16_t version);
[[nodiscard]] Result<Bytes> encode_consumer(const ConsumerAssignment& assignment, std::int16_t version);

// Versions above the newest known one are read as that one; bytes after its fields are ignored, as Kafka does it.
[[nodiscard]] Result<ConsumerSubscription> decode_subscription(BytesView bytes);
[[nodiscard]] Result<ConsumerAssignment> decode_assignment(BytesView bytes);

}  // namespace medic::wire

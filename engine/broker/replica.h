// One partition's replica on this broker: its log, its role, its high watermark, and who waits for it to move.
// Owned by Replicas; no thread of its own.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "engine/broker/leader_state.h"
#include "engine/broker/log.h"

namespace medic::engine::broker {

struct TopicPartition {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const TopicPartition&) const = default;
    [[nodiscard]] std::string to_string() const { return fmt::format("{}-{}", topic, partition); }
};

struct Replica {
    TopicPartition id;
    Uuid topic_id{};                    // A topic of the same name may follow a deleted one.
    PartitionState state;               // The controller's latest word.
    std::unique_ptr<Log> log;           // Null while the log dir is offline.
    std::optional<LeaderState> leader;  // Set while this broker leads.
    std::int32_t leads_since = -1;      // The epoch in which this broker took over; renewals of its reign don't count.
    std::int64_t high_watermark = 0;

    struct Waiter {
        std::uint64_t request = 0;
        std::int64_t offset = 0;  // Produce: fulfilled when the high watermark reaches it.
    };
    std::deque<Waiter> produce_waiters;  // Ascending by offset.
    std::vector<std::uint64_t> consumer_waiters;
    std::vector<std::uint64_t> follower_waiters;

    // Up to where readers of committed records may go. Needs a log.
    [[nodiscard]] std::int64_t last_stable_offset() const { return log->last_stable_offset(high_watermark); }
    // Needs a log, which forgets by it which ended transactions might still be lost.
    void set_high_watermark(std::int64_t offset) {
        high_watermark = offset;
        log->note_high_watermark(offset);
    }
    [[nodiscard]] bool leads() const { return leader.has_value() && log != nullptr; }
};

}  // namespace medic::engine::broker

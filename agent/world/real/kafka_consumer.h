// KafkaConsumer: reads assigned partitions in order, from offsets that the caller chooses, and can keep them as a
// group's committed offsets. For engine processes, checkers and workloads; one thread at a time. It doesn't join
// groups: whoever uses it decides who reads what.
//
// One fetch thread per broker reads ahead into a bounded queue, so that a dead or frozen broker delays only its own
// partitions, and a slow caller slows down the reading.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/wire/records.h"
#include "agent/world/real/kafka_client.h"

namespace medic {

struct TopicPartition {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const TopicPartition&) const = default;
};

// Special start positions; everything from 0 up is an offset.
inline constexpr std::int64_t kFromLatest = -1;
inline constexpr std::int64_t kFromEarliest = -2;

struct KafkaConsumerOptions {
    KafkaClientOptions client;
    std::string group_id;         // Only for commit and committed.
    bool read_committed = false;  // Leave out records of open and aborted transactions.
    Duration fetch_max_wait{
        500};  // Kafka's default: fetch.max.wait.ms. How long a broker may hold back an empty answer.
    std::int32_t fetch_min_bytes = 1;
    std::int32_t fetch_max_bytes = 8 << 20;      // Of one answer.
    std::int32_t partition_max_bytes = 1 << 20;  // Kafka's default: max.partition.fetch.bytes
    std::size_t answers_queued_max = 4;          // Read-ahead: at most this many answers wait for poll().
    // Where to go on when the wanted offset no longer exists: kFromEarliest, kFromLatest, or anything else to fail.
    std::int64_t on_lost_offset = kFromEarliest;
};

struct ConsumedRecord {
    std::string_view topic;
    std::int32_t partition = 0;
    const wire::Record& record;  // Its views end with the callback.
};

// Offsets by partition at a time stamp (ListOffsets): kFromEarliest, kFromLatest or Unix milliseconds. Partitions
// without such an offset get -1. Fails as a whole when one partition fails; a leader that moves is waited for briefly.
[[nodiscard]] Result<std::map<TopicPartition, std::int64_t>> list_offsets(KafkaClient& client,
                                                                          const std::vector<TopicPartition>& partitions,
                                                                          std::int64_t timestamp);

// A group's committed offsets; partitions without one are left out.
[[nodiscard]] Result<std::map<TopicPartition, std::int64_t>> fetch_committed(
    KafkaClient& client, const std::string& group_id, const std::vector<TopicPartition>& partitions);

// Commits for a group without members (`generation_id` -1), or as a member of one.
struct GroupMembership {
    std::int32_t generation_id = -1;
    std::string member_id;
};
[[nodiscard]] Status commit_offsets(KafkaClient& client, const std::string& group_id,
                                    const std::map<TopicPartition, std::int64_t>& offsets,
                                    const GroupMembership& membership = {});

class KafkaConsumer {
public:
    explicit KafkaConsumer(KafkaConsumerOptions options);
    KafkaConsumer(const KafkaConsumer&) = delete;
    KafkaConsumer& operator=(const KafkaConsumer&) = delete;
    ~KafkaConsumer();

    // Replaces the assignment; start positions are offsets, kFromEarliest or kFromLatest.
    [[nodiscard]] Status assign(const std::map<TopicPartition, std::int64_t>& starts);

    // Hands over the records of one answer, waiting up to `max_wait` for it; returns their number, 0 if none came.
    // Brokers that don't answer are tried again in the background and are no error here (see last_trouble); a lost
    // offset with no position to go on from, or a broken batch, is.
    [[nodiscard]] Result<std::size_t> poll(Duration max_wait,
                                           const std::function<void(const ConsumedRecord&)>& on_record);

    // The next offset that poll hands over, per partition: what to commit or to store in a checkpoint.
    [[nodiscard]] std::map<TopicPartition, std::int64_t> positions() const;

    // How far each partition is behind, as its last answer had it; those not yet heard of are left out. While answers
    // wait for poll() nothing is asked: whoever reads slowly knows less of now than of then.
    struct Lag {
        std::int64_t records = 0;  // Between position and high watermark.
        std::chrono::steady_clock::time_point as_of;
    };
    [[nodiscard]] std::map<TopicPartition, Lag> lag() const;

    [[nodiscard]] Status commit();  // positions() under options.group_id
    [[nodiscard]] Result<std::map<TopicPartition, std::int64_t>> committed(
        const std::vector<TopicPartition>& partitions);

    // The latest error that the fetch threads met, empty when the last round went well.
    [[nodiscard]] std::string last_trouble() const;

    [[nodiscard]] KafkaClient& client();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace medic

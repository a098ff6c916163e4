// What a task needs of Kafka, so that the runners can be tested without a broker. Implemented over agent/world/real's
// client. Called by a task's one working thread, except where it says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connect {

struct KafkaOptions {
    std::vector<std::string> bootstrap;  // "host:port"
    std::string client_id;
};

class KafkaWriter {
public:
    virtual ~KafkaWriter() = default;
    // All records are on all in-sync replicas when it succeeds (acks=all). After an error the same records must be
    // written again until it succeeds; what the brokers may or may not have stored by then can be there twice.
    virtual Status write(std::span<const SourceRecord> records) = 0;
    // Creates the topic unless it is there (KIP-158: sources whose configuration has topic.creation.default.*).
    struct NewTopic {
        std::string name;
        int partitions = 1, replication_factor = 1;
    };
    virtual Status create_topic(const NewTopic& topic) = 0;
    virtual void interrupt() = 0;  // Any thread: a write() that waits fails, and so do all later ones.
};

class KafkaReader {
public:
    enum class Flow : std::uint8_t { read, pause };

    virtual ~KafkaReader() = default;
    // Waits for records of the assigned partitions; with Flow::pause it only stays a member of the group.
    // Error invalid: the reader was fenced and is of no more use. Others may pass.
    virtual Result<std::vector<SinkRecord>> poll(std::chrono::milliseconds at_most, Flow flow) = 0;
    // The group is about to assign anew: commit now, the next poll() gives the partitions back.
    [[nodiscard]] virtual bool is_revoking() const = 0;
    // Changes when the group has assigned anew; positions must then be set again.
    [[nodiscard]] virtual std::uint64_t assignment_epoch() const = 0;
    [[nodiscard]] virtual std::vector<TopicPartition> assignment() const = 0;
    virtual void seek(const TopicPartition& partition, std::int64_t offset) = 0;
    virtual Status commit(const std::map<TopicPartition, std::int64_t>& next_offsets) = 0;
    virtual void leave() = 0;      // Gives the partitions back at once.
    virtual void interrupt() = 0;  // Any thread: a poll() that waits for the group returns.
};

struct ReaderOptions {
    KafkaOptions kafka;
    std::string group;
    // Static membership: a new process with the same id takes the place of the one before without a rebalance. Empty:
    // none.
    std::string instance_id;
    std::vector<std::string> topics;
    std::chrono::milliseconds session_timeout{45'000};     // Kafka's default: session.timeout.ms = 45 s
    std::chrono::milliseconds heartbeat_interval{3'000};   // Kafka's default: heartbeat.interval.ms = 3 s
    std::chrono::milliseconds poll_interval_max{300'000};  // Kafka's default: max.poll.interval.ms = 5 min
    std::size_t poll_records_max = 500;                    // Kafka's default: max.poll.records = 500
    bool read_committed = false;                           // Kafka's default: isolation.level = read_uncommitted
};

[[nodiscard]] std::unique_ptr<KafkaWriter> make_kafka_writer(const KafkaOptions& options);
[[nodiscard]] std::unique_ptr<KafkaReader> make_kafka_reader(const ReaderOptions& options);

}  // namespace medic::engine::connect

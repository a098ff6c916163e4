// Sink tasks read as a member of a consumer group, through the world's consumer.
#include <algorithm>
#include <deque>
#include <thread>

#include "agent/world/real/kafka_consumer.h"
#include "engine/connect/group_member.h"

namespace medic::engine::connect {
namespace {

using std::chrono::milliseconds;
using WirePartition = medic::TopicPartition;

std::optional<std::string> owned(const std::optional<wire::BytesView>& view) {
    return view ? std::optional<std::string>(*view) : std::nullopt;
}

RecordHeaders owned(const std::vector<wire::RecordHeader>& views) {
    RecordHeaders headers;
    for (const auto& [name, value] : views) headers.emplace_back(name, value.value_or(wire::BytesView()));
    return headers;
}

KafkaConsumerOptions consumer_options(const ReaderOptions& options) {
    KafkaConsumerOptions consumer;
    consumer.client = {.bootstrap = options.kafka.bootstrap, .client_id = options.kafka.client_id};
    consumer.group_id = options.group;
    consumer.read_committed = options.read_committed;
    consumer.fetch_max_bytes = 2 << 20;  // Tasks are many and small here.
    return consumer;
}

class Reader final : public KafkaReader {
public:
    explicit Reader(const ReaderOptions& options)
        : options_(options), member_(options), consumer_(consumer_options(options)) {}

    Result<std::vector<SinkRecord>> poll(milliseconds at_most, Flow flow) override {
        member_.note_poll();
        if (member_.must_rejoin() || member_.epoch() != epoch_) {
            MEDIC_CHECK(member_.ensure_joined());
            MEDIC_CHECK(find_starts());
            epoch_ = member_.epoch();
            return std::vector<SinkRecord>{};
        }
        if (flow == Flow::pause || member_.assignment().empty()) {
            std::this_thread::sleep_for(std::min(at_most, milliseconds(100)));
            return std::vector<SinkRecord>{};
        }
        if (starts_) {
            MEDIC_CHECK(consumer_.assign(*starts_));
            starts_.reset();
        }
        if (buffer_.empty()) {
            MEDIC_TRY([[maybe_unused]] const auto count, consumer_.poll(at_most, [this](const ConsumedRecord& record) {
                buffer_.push_back({std::string(record.topic), record.partition, record.record.offset,
                                   record.record.timestamp_ms, owned(record.record.key), owned(record.record.value),
                                   owned(record.record.headers)});
            }));
        }
        std::vector<SinkRecord> records;
        while (!buffer_.empty() && records.size() < options_.poll_records_max) {
            records.push_back(std::move(buffer_.front()));
            buffer_.pop_front();
        }
        return records;
    }

    bool is_revoking() const override { return member_.must_rejoin() && epoch_ > 0; }
    std::uint64_t assignment_epoch() const override { return epoch_; }
    std::vector<TopicPartition> assignment() const override { return member_.assignment(); }

    void seek(const TopicPartition& partition, std::int64_t offset) override {
        buffer_.clear();
        if (!starts_) starts_ = consumer_.positions();
        (*starts_)[{partition.topic, partition.partition}] = offset;
    }

    Status commit(const std::map<TopicPartition, std::int64_t>& next_offsets) override {
        // Joined, and the starts not yet found: these positions are of partitions that may be another member's by now.
        if (member_.epoch() != epoch_) return fail(ErrorCode::outdated, "group {}: assigned anew", options_.group);
        return member_.commit(next_offsets);
    }
    void leave() override { member_.leave(); }
    void interrupt() override { member_.interrupt(); }

private:
    // Where the group's offsets say, else at the beginning (Connect's default: auto.offset.reset = earliest).
    Status find_starts() {
        buffer_.clear();
        std::map<WirePartition, std::int64_t> starts;
        for (const auto& partition : member_.assignment())
            starts[{partition.topic, partition.partition}] = kFromEarliest;
        MEDIC_TRY(const auto committed, member_.committed());
        for (const auto& [partition, offset] : committed) starts[{partition.topic, partition.partition}] = offset;
        MEDIC_CHECK(consumer_.assign({}));  // What the old assignment read ahead is dropped.
        starts_ = std::move(starts);
        return {};
    }

    const ReaderOptions options_;
    GroupMember member_;
    KafkaConsumer consumer_;
    std::uint64_t epoch_ = 0;
    std::optional<std::map<WirePartition, std::int64_t>> starts_;  // To be assigned by the next poll.
    std::deque<SinkRecord> buffer_;
};

}  // namespace

std::unique_ptr<KafkaReader> make_kafka_reader(const ReaderOptions& options) {
    return std::make_unique<Reader>(options);
}

}  // namespace medic::engine::connect

#include "engine/flow/connectors/kafka_source.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "agent/world/real/kafka_consumer.h"
#include "engine/common/log.h"
#include "engine/common/throw_trace.h"

namespace medic::engine::flow {
namespace {

constexpr std::int32_t answer_bytes_max = 2 << 20;  // With two answers queued, a source holds a few MB at most.

std::vector<std::string> split_addresses(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(','));
        if (!one.empty()) out.emplace_back(one);
        text.remove_prefix(std::min(text.size(), one.size() + 1));
    }
    return out;
}

KafkaClientOptions client_options(const KafkaSourceOptions& options) {
    KafkaClientOptions out;
    out.bootstrap = split_addresses(options.bootstrap);
    out.client_id = options.group_id.empty() ? "flow" : options.group_id;
    return out;
}

[[noreturn]] void give_up(const std::string& doing, const Error& error) {
    throw NamedException(error.code == ErrorCode::unavailable ? "org.apache.kafka.common.errors.TimeoutException"
                                                              : "org.apache.kafka.common.KafkaException",
                         doing + ": " + error.message);
}

// Commits on a thread of its own: a slow or dead coordinator must not hold up the records.
class Committer {
public:
    Committer(const KafkaSourceOptions& options, SourceMetrics& metrics)
        : options_(options), client_(client_options(options)), metrics_(metrics), thread_([this] { loop(); }) {}
    ~Committer() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        client_.stop();
        changed_.notify_all();
        thread_.join();
    }
    void commit(const std::map<int, std::int64_t>& offsets) {
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [partition, offset] : offsets) wanted_[{options_.topic, partition}] = offset;
        }
        changed_.notify_all();
    }

private:
    void loop() {
        for (;;) {
            std::map<TopicPartition, std::int64_t> offsets;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return stop_ || !wanted_.empty(); });
                if (stop_) return;
                offsets.swap(wanted_);
            }
            if (const auto done = commit_offsets(client_, options_.group_id, offsets); !done) {
                metrics_.commits_failed.add();
                log_warn("taskmanager", "Failed to commit consumer offsets of group {}: {}", options_.group_id,
                         done.error().message);
                continue;
            }
            metrics_.commits_succeeded.add();
            for (const auto& partition : metrics_.partitions)
                if (const auto found = offsets.find({options_.topic, partition->partition}); found != offsets.end())
                    partition->committed_offset = found->second;
        }
    }

    const KafkaSourceOptions& options_;
    KafkaClient client_;
    SourceMetrics& metrics_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<TopicPartition, std::int64_t> wanted_;
    bool stop_ = false;
    std::thread thread_;
};

class KafkaSource final : public PartitionReader {
public:
    KafkaSource(const KafkaSourceOptions& options, const ReaderContext& context)
        : options_(options), metrics_(context.metrics) {
        KafkaConsumerOptions consumer;
        consumer.client = client_options(options);
        consumer.group_id = options.group_id;
        consumer.fetch_max_bytes = answer_bytes_max;
        consumer.answers_queued_max = 2;
        consumer_.emplace(std::move(consumer));
    }

    int partition_count() override {
        if (partition_count_ > 0) return partition_count_;
        const auto answer = consumer_->client().metadata(std::vector<std::string>{options_.topic});
        if (!answer) give_up("Failed to get metadata for topics [" + options_.topic + "]", answer.error());
        for (const auto& topic : answer->topics)
            if (topic.name == options_.topic && topic.error == wire::KafkaError::none)
                partition_count_ = static_cast<int>(topic.partitions.size());
        if (partition_count_ == 0)
            throw NamedException("org.apache.kafka.common.errors.UnknownTopicOrPartitionException",
                                 "This server does not host this topic-partition: topic '" + options_.topic + "'");
        return partition_count_;
    }

    void assign(const std::vector<PartitionStart>& starts) override {
        std::vector<TopicPartition> fresh;
        for (const PartitionStart& start : starts)
            if (start.next_offset < 0) fresh.push_back({options_.topic, start.partition});
        std::map<TopicPartition, std::int64_t> committed;
        if (!fresh.empty() && options_.start == StartFrom::group_offsets && !options_.group_id.empty()) {
            auto found = consumer_->committed(fresh);
            if (!found) give_up("Failed to get committed offsets of group " + options_.group_id, found.error());
            committed = *std::move(found);
        }
        std::map<TopicPartition, std::int64_t> at;
        for (const PartitionStart& start : starts) {
            const TopicPartition partition{options_.topic, start.partition};
            const auto found = committed.find(partition);
            at[partition] = start.next_offset >= 0                ? start.next_offset
                            : found != committed.end()            ? found->second
                            : options_.start == StartFrom::latest ? kFromLatest
                                                                  : kFromEarliest;
        }
        if (const auto assigned = consumer_->assign(at); !assigned)
            give_up("Failed to assign partitions of topic " + options_.topic, assigned.error());
        if (!options_.group_id.empty()) committer_.emplace(options_, metrics_);
    }

    [[nodiscard]] std::int64_t position(int partition) const override {
        const auto positions = consumer_->positions();
        const auto found = positions.find({options_.topic, partition});
        return found == positions.end() ? -1 : found->second;
    }

    bool next(SourceRecord& record) override {
        if (next_ == records_.size()) {
            poll(Duration(0));
            if (records_.empty()) return false;
        }
        const Held& held = records_[next_++];
        const std::string_view bytes(bytes_);
        record = {held.partition, held.offset, held.timestamp, bytes.substr(held.key_at, held.key_size),
                  bytes.substr(held.value_at, held.value_size)};
        return true;
    }

    void wait(std::chrono::milliseconds at_most) override {
        if (next_ == records_.size()) poll(at_most);
    }

    [[nodiscard]] bool exhausted(int) const override { return false; }

    [[nodiscard]] std::optional<std::int64_t> empty_at_ms(int partition) const override {
        for (std::size_t i = next_; i < records_.size(); ++i)
            if (records_[i].partition == partition) return std::nullopt;
        const auto lag = consumer_->lag();
        const auto found = lag.find({options_.topic, partition});
        if (found == lag.end() || found->second.records > 0) return std::nullopt;
        return std::chrono::duration_cast<std::chrono::milliseconds>(found->second.as_of.time_since_epoch()).count();
    }

    void commit(const std::map<int, std::int64_t>& next_offsets) override {
        if (committer_) committer_->commit(next_offsets);
    }

private:
    struct Held {
        int partition;
        std::int64_t offset;
        EventTime timestamp;
        std::size_t key_at, key_size, value_at, value_size;
    };

    // Takes over the records of one answer: the consumer's own views end with the call.
    void poll(Duration max_wait) {
        records_.clear();
        bytes_.clear();
        next_ = 0;
        const auto got = consumer_->poll(max_wait, [this](const ConsumedRecord& consumed) {
            const auto key = consumed.record.key.value_or(wire::BytesView()),
                       value = consumed.record.value.value_or(wire::BytesView());
            const std::int64_t at = consumed.record.timestamp_ms;
            records_.push_back({consumed.partition, consumed.record.offset, at < 0 ? no_time : at, bytes_.size(),
                                key.size(), bytes_.size() + key.size(), value.size()});
            bytes_.append(key).append(value);
        });
        if (!got) give_up("Failed to read topic " + options_.topic, got.error());
        note_ends();
    }

    void note_ends() {
        const auto now = std::chrono::steady_clock::now();
        if (now - ends_noted_ < std::chrono::seconds(1)) return;
        ends_noted_ = now;
        const auto lag = consumer_->lag();
        const auto positions = consumer_->positions();
        for (const auto& partition : metrics_.partitions) {
            const TopicPartition key{options_.topic, partition->partition};
            const auto behind = lag.find(key);
            const auto position = positions.find(key);
            if (behind != lag.end() && position != positions.end())
                partition->end_offset = position->second + behind->second.records;
        }
    }

    KafkaSourceOptions options_;
    SourceMetrics& metrics_;
    std::optional<KafkaConsumer> consumer_;
    std::optional<Committer> committer_;
    int partition_count_ = 0;
    std::vector<Held> records_;
    std::string bytes_;
    std::size_t next_ = 0;
    std::chrono::steady_clock::time_point ends_noted_;
};

}  // namespace

std::unique_ptr<PartitionReader> make_kafka_source(const KafkaSourceOptions& options, const ReaderContext& context) {
    return std::make_unique<KafkaSource>(options, context);
}

}  // namespace medic::engine::flow

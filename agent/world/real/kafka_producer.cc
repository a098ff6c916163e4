#include "agent/world/real/kafka_producer.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "agent/wire/messages/producer_id.h"

namespace medic {
namespace {

using namespace wire;
using Clock = std::chrono::steady_clock;

constexpr Duration kRetryPause{100};  // Kafka's default: retry.backoff.ms
constexpr std::int16_t kAcksAll = -1;
constexpr Duration kAnswerSlack{2'000};  // The broker's own time-out runs first; then its answer still needs to arrive.
constexpr std::size_t kTopicsMax = 10'000;  // Bound of the topic cache.

}  // namespace

std::uint32_t kafka_key_hash(BytesView key) {
    constexpr std::uint32_t kSeed = 0x9747b28c,
                            kMultiplier = 0x5bd1e995;  // org.apache.kafka.common.utils.Utils.murmur2
    constexpr int kShift = 24;
    std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
    while (key.size() >= 4) {
        std::uint32_t word;
        std::memcpy(&word, key.data(), sizeof word);
        word *= kMultiplier;
        word ^= word >> kShift;
        word *= kMultiplier;
        hash = (hash * kMultiplier) ^ word;
        key.remove_prefix(4);
    }
    if (!key.empty()) {
        for (std::size_t i = 0; i < key.size(); ++i)
            hash ^= static_cast<std::uint32_t>(static_cast<unsigned char>(key[i])) << (8 * i);
        hash *= kMultiplier;
    }
    hash ^= hash >> 13;
    hash *= kMultiplier;
    hash ^= hash >> 15;
    return hash & 0x7fffffff;
}

KafkaProducer::KafkaProducer(KafkaClient& client, KafkaProducerOptions options) : client_(client), options_(options) {}

Result<KafkaProducer::Topic*> KafkaProducer::find_topic(std::string_view name) {
    if (last_topic_ && last_topic_->name == name) return last_topic_;
    auto found = topics_.find(name);
    if (found == topics_.end()) {
        if (topics_.size() >= kTopicsMax)
            return fail(ErrorCode::invalid, "one producer writes to at most {} topics", kTopicsMax);
        MEDIC_TRY(const auto metadata, client_.metadata(std::vector<std::string>{std::string(name)}));
        if (metadata.topics.size() != 1)
            return fail(ErrorCode::unavailable, "metadata of topic {}: {} answers", name, metadata.topics.size());
        const auto& answer = metadata.topics.front();
        MEDIC_CHECK(check(answer.error, fmt::format("topic {}", name)));
        if (answer.partitions.empty()) return fail(ErrorCode::unavailable, "topic {} has no partitions yet", name);
        Topic topic{.name = std::string(name), .partitions = {}};
        topic.partitions.resize(answer.partitions.size());
        for (const auto& partition : answer.partitions) {
            const auto index = static_cast<std::size_t>(partition.partition);
            if (index < topic.partitions.size()) topic.partitions[index].leader = partition.leader_id;
        }
        found = topics_.emplace(topic.name, std::move(topic)).first;
    }
    last_topic_ = &found->second;
    return last_topic_;
}

Result<std::int32_t> KafkaProducer::partition_count(std::string_view topic) {
    MEDIC_TRY(const Topic* const found, find_topic(topic));
    return static_cast<std::int32_t>(found->partitions.size());
}

Status KafkaProducer::append(const KafkaRecord& record) {
    MEDIC_TRY(Topic* const topic, find_topic(record.topic));
    const std::size_t count = topic->partitions.size();
    std::size_t index = static_cast<std::size_t>(record.partition);
    if (record.partition < 0) index = (record.key ? kafka_key_hash(*record.key) : topic->next_without_key++) % count;
    if (index >= count)
        return fail(ErrorCode::invalid, "topic {} has no partition {}: expected 0–{}", topic->name, index, count - 1);
    BatchBuilder& builder = topic->partitions[index].builder;
    const std::size_t before = builder.size_bytes();
    builder.append(record.timestamp_ms, record.key, record.value, record.headers);
    buffered_bytes_ += builder.size_bytes() - before;
    ++buffered_records_;
    if (builder.size_bytes() < options_.batch_bytes && buffered_bytes_ < options_.buffered_bytes_max) return {};
    return flush();
}

Status KafkaProducer::flush() {
    if (buffered_records_ == 0) return {};
    const KafkaDeadline deadline = Clock::now() + options_.delivery_timeout;
    Status status;
    if (options_.idempotent && !producer_id_) {
        while (!(status = acquire_producer_id()) && status.error().code != ErrorCode::invalid &&
               Clock::now() < deadline)
            std::this_thread::sleep_for(kRetryPause);
    }
    if (status) status = seal_batches();
    if (status) status = send_sealed(deadline);
    if (!status) give_up();
    buffered_bytes_ = 0;
    buffered_records_ = 0;
    return status;
}

Status KafkaProducer::acquire_producer_id() {
    MEDIC_TRY(const auto response, client_.call(KafkaTarget::any(), InitProducerIdRequest{}));
    MEDIC_CHECK(check(response.error, "InitProducerId"));
    producer_id_ = {response.producer_id, response.producer_epoch};
    return {};
}

Status KafkaProducer::seal_batches() {
    for (auto& [name, topic] : topics_) {
        for (Partition& partition : topic.partitions) {
            const std::int32_t records = partition.builder.record_count();
            if (records == 0) continue;
            partition.builder.options().compression = options_.compression;
            if (producer_id_) {
                partition.builder.options().producer_id = producer_id_->first;
                partition.builder.options().producer_epoch = producer_id_->second;
                partition.builder.options().base_sequence = partition.next_sequence;
            }
            MEDIC_CHECK(partition.builder.finish(partition.batch));
            partition.batch_records = records;
            // Sequence numbers wrap to 0 after INT32_MAX, as in Kafka's DefaultRecordBatch.incrementSequence.
            partition.next_sequence =
                static_cast<std::int32_t>((std::int64_t{partition.next_sequence} + records) & INT32_MAX);
        }
    }
    return {};
}

bool KafkaProducer::anything_sealed() const {
    return std::ranges::any_of(topics_, [](const auto& entry) {
        return std::ranges::any_of(entry.second.partitions, [](const Partition& p) { return !p.batch.empty(); });
    });
}

Status KafkaProducer::send_sealed(KafkaDeadline deadline) {
    Status last;
    while (anything_sealed()) {
        if (Clock::now() >= deadline) {
            // Some earlier try may have been stored without our hearing of it.
            return fail(ErrorCode::outcome_unknown, "not delivered within {} ms: {}", options_.delivery_timeout.count(),
                        last ? "the partitions have no leader" : last.error().message);
        }
        std::map<std::int32_t, ProduceRequest> requests;
        for (const auto& [name, topic] : topics_) {
            for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
                const Partition& partition = topic.partitions[i];
                if (partition.batch.empty() || partition.leader < 0) continue;
                ProduceRequest& request = requests[partition.leader];
                request.acks = kAcksAll;
                request.timeout_ms = static_cast<std::int32_t>(options_.request_timeout.count());
                if (request.topics.empty() || request.topics.back().name != name) request.topics.push_back({name, {}});
                request.topics.back().partitions.push_back({static_cast<std::int32_t>(i), BytesView(partition.batch)});
            }
        }
        std::vector<Result<ProduceResponse>> answers(requests.size());
        std::vector<std::function<void()>> calls;
        for (const auto& [leader, request] : requests) {
            auto& answer = answers[calls.size()];
            calls.emplace_back([this, &answer, leader = leader, &request = request] {
                answer = client_.call(KafkaTarget::broker(leader), request, options_.request_timeout + kAnswerSlack);
            });
        }
        KafkaClient::run_all(calls);
        bool retry = requests.empty();
        for (const auto& answer : answers) {
            Status status = answer ? accept(*answer, retry) : Status(std::unexpected(answer.error()));
            if (status) continue;
            last = status;
            if (answer || status.error().code == ErrorCode::invalid) return status;
            // Without a producer id a second try could store the records twice.
            if (status.error().code == ErrorCode::outcome_unknown && !producer_id_) return status;
            retry = true;
        }
        if (!retry) continue;
        if (Status status = refresh_leaders(); !status) last = status;
        std::this_thread::sleep_for(kRetryPause);
    }
    return {};
}

Status KafkaProducer::accept(const ProduceResponse& response, bool& retry) {
    for (const auto& answered : response.topics) {
        const auto topic = topics_.find(answered.name);
        if (topic == topics_.end()) continue;
        for (const auto& result : answered.partitions) {
            const auto index = static_cast<std::size_t>(result.partition);
            if (index >= topic->second.partitions.size()) continue;
            Partition& partition = topic->second.partitions[index];
            // A duplicate is our own earlier try, whose answer was lost.
            if (result.error == KafkaError::none || result.error == KafkaError::duplicate_sequence_number) {
                acknowledged_ += partition.batch_records;
                partition.batch.clear();
                partition.batch_records = 0;
                continue;
            }
            const std::string what = fmt::format("produce to {}-{}", answered.name, index);
            const bool may_be_stored = error_code(result.error) == ErrorCode::outcome_unknown;
            if (!is_retriable(result.error) || (may_be_stored && !producer_id_))
                return check(result.error, what, result.error_message.value_or(""));
            retry = true;
        }
    }
    return {};
}

Status KafkaProducer::refresh_leaders() {
    std::vector<std::string> names;
    for (const auto& [name, topic] : topics_) {
        if (std::ranges::any_of(topic.partitions, [](const Partition& p) { return !p.batch.empty(); }))
            names.push_back(name);
    }
    MEDIC_TRY(const auto metadata, client_.metadata(names));
    for (const auto& answer : metadata.topics) {
        const auto topic = topics_.find(answer.name.value_or(""));
        if (topic == topics_.end()) continue;
        for (const auto& partition : answer.partitions) {
            const auto index = static_cast<std::size_t>(partition.partition);
            if (index < topic->second.partitions.size()) topic->second.partitions[index].leader = partition.leader_id;
        }
    }
    return {};
}

void KafkaProducer::give_up() {
    for (auto& [name, topic] : topics_) {
        for (Partition& partition : topic.partitions) {
            const std::int32_t leader = partition.leader;
            partition = Partition();
            partition.leader = leader;
        }
    }
    producer_id_.reset();  // Which sequence numbers the brokers have seen is no longer known.
}

}  // namespace medic

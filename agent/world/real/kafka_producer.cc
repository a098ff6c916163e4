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
    return start_round();
}

Status KafkaProducer::flush() {
    if (buffered_records_ > 0) MEDIC_CHECK(start_round());
    return finish_round();
}

Status KafkaProducer::start_round() {
    MEDIC_CHECK(finish_round());
    Status status;
    if (options_.idempotent && !producer_id_) status = acquire_producer_id(Clock::now() + options_.delivery_timeout);
    if (status) status = seal();
    if (!status) {
        give_up();
        return status;
    }
    sender_ = std::jthread([this] { round_.status = send(round_); });
    return {};
}

Status KafkaProducer::finish_round() {
    if (!sender_.joinable()) return {};
    sender_.join();
    for (const Sealed& sealed : round_.batches) {
        if (sealed.acknowledged) acknowledged_ += sealed.records;
        topics_.find(sealed.topic)->second.partitions[static_cast<std::size_t>(sealed.partition)].leader =
            sealed.leader;
    }
    round_.batches.clear();
    if (!round_.status) give_up();
    return std::exchange(round_.status, {});
}

// Buffered records must not overtake those that failed, and which sequence numbers the brokers have seen is not known.
void KafkaProducer::give_up() {
    for (auto& [name, topic] : topics_) {
        for (Partition& partition : topic.partitions) {
            partition.builder = BatchBuilder();
            partition.next_sequence = 0;
        }
    }
    round_.batches.clear();
    producer_id_.reset();
    buffered_bytes_ = 0;
    buffered_records_ = 0;
}

Status KafkaProducer::acquire_producer_id(KafkaDeadline deadline) {
    for (;;) {
        const auto response = client_.call(KafkaTarget::any(), InitProducerIdRequest{});
        const Status status =
            response ? check(response->error, "InitProducerId") : Status(std::unexpected(response.error()));
        if (status) {
            producer_id_ = {response->producer_id, response->producer_epoch};
            return {};
        }
        // A lost answer only wastes an id.
        if (status.error().code == ErrorCode::invalid || client_.stopped() || Clock::now() >= deadline) return status;
        std::this_thread::sleep_for(kRetryPause);
    }
}

Status KafkaProducer::seal() {
    for (auto& [name, topic] : topics_) {
        for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
            Partition& partition = topic.partitions[i];
            const std::int32_t records = partition.builder.record_count();
            if (records == 0) continue;
            partition.builder.options().compression = options_.compression;
            if (producer_id_) {
                partition.builder.options().producer_id = producer_id_->first;
                partition.builder.options().producer_epoch = producer_id_->second;
                partition.builder.options().base_sequence = partition.next_sequence;
            }
            Sealed& sealed = round_.batches.emplace_back();
            sealed.topic = name;
            sealed.partition = static_cast<std::int32_t>(i);
            sealed.leader = partition.leader;
            sealed.records = records;
            MEDIC_CHECK(partition.builder.finish(sealed.batch));
            // Sequence numbers wrap to 0 after INT32_MAX, as in Kafka's DefaultRecordBatch.incrementSequence.
            partition.next_sequence =
                static_cast<std::int32_t>((std::int64_t{partition.next_sequence} + records) & INT32_MAX);
        }
    }
    buffered_bytes_ = 0;
    buffered_records_ = 0;
    return {};
}

Status KafkaProducer::send(Round& round) const {
    const KafkaDeadline deadline = Clock::now() + options_.delivery_timeout;
    Error last{ErrorCode::unavailable, "the partitions have no leader"};
    while (!std::ranges::all_of(round.batches, &Sealed::acknowledged)) {
        // Either way some earlier try may have been stored without our hearing of it.
        if (client_.stopped())
            return fail(ErrorCode::outcome_unknown, "stopped before all was acknowledged: {}", last.message);
        if (Clock::now() >= deadline) {
            return fail(ErrorCode::outcome_unknown, "not delivered within {} ms: {}", options_.delivery_timeout.count(),
                        last.message);
        }
        bool retry = false;
        MEDIC_CHECK(send_once(round, retry, last));
        if (!retry) continue;
        if (Status status = refresh_leaders(round); !status) last = status.error();
        std::this_thread::sleep_for(kRetryPause);
    }
    return {};
}

// Sends every batch that is not acknowledged to its leader, all leaders at once. An error is final.
Status KafkaProducer::send_once(Round& round, bool& retry, Error& last) const {
    std::map<std::int32_t, ProduceRequest> requests;
    for (const Sealed& sealed : round.batches) {
        if (sealed.acknowledged) continue;
        if (sealed.leader < 0) {
            retry = true;
            continue;
        }
        ProduceRequest& request = requests[sealed.leader];
        request.acks = kAcksAll;
        request.timeout_ms = static_cast<std::int32_t>(options_.request_timeout.count());
        if (request.topics.empty() || request.topics.back().name != sealed.topic)
            request.topics.push_back({sealed.topic, {}});
        request.topics.back().partitions.push_back({sealed.partition, BytesView(sealed.batch)});
    }
    std::vector<Result<ProduceResponse>> answers(requests.size());
    std::vector<std::function<void()>> calls;
    for (const auto& [leader, request] : requests) {
        auto& answer = answers[calls.size()];
        calls.emplace_back([this, &answer, target = KafkaTarget::broker(leader), &asked = request] {
            answer = client_.call(target, asked, options_.request_timeout + kAnswerSlack);
        });
    }
    KafkaClient::run_all(calls);
    for (const auto& answer : answers) {
        if (answer) {
            MEDIC_CHECK(accept(round, *answer, retry, last));
            continue;
        }
        last = answer.error();
        // Without sequence numbers a second try could store the records twice.
        if (last.code == ErrorCode::invalid || (last.code == ErrorCode::outcome_unknown && !options_.idempotent))
            return std::unexpected(last);
        retry = true;
    }
    return {};
}

Status KafkaProducer::accept(Round& round, const ProduceResponse& response, bool& retry, Error& last) const {
    for (const auto& topic : response.topics) {
        for (const auto& result : topic.partitions) {
            const auto sealed = std::ranges::find_if(round.batches, [&](const Sealed& candidate) {
                return candidate.partition == result.partition && candidate.topic == topic.name;
            });
            if (sealed == round.batches.end()) continue;
            // A duplicate is our own earlier try, whose answer was lost.
            if (result.error == KafkaError::none || result.error == KafkaError::duplicate_sequence_number) {
                sealed->acknowledged = true;
                continue;
            }
            const bool may_be_stored = error_code(result.error) == ErrorCode::outcome_unknown;
            const Status refused = check(result.error, fmt::format("produce to {}-{}", topic.name, result.partition),
                                         result.error_message.value_or(""));
            if (!is_retriable(result.error) || (may_be_stored && !options_.idempotent)) return refused;
            last = refused.error();
            retry = true;
        }
    }
    return {};
}

Status KafkaProducer::refresh_leaders(Round& round) const {
    std::vector<std::string> names;
    for (const Sealed& sealed : round.batches)
        if (!sealed.acknowledged && (names.empty() || names.back() != sealed.topic)) names.push_back(sealed.topic);
    MEDIC_TRY(const auto metadata, client_.metadata(names));
    for (const auto& topic : metadata.topics) {
        for (const auto& partition : topic.partitions) {
            for (Sealed& sealed : round.batches)
                if (sealed.topic == topic.name && sealed.partition == partition.partition)
                    sealed.leader = partition.leader_id;
        }
    }
    return {};
}

}  // namespace medic

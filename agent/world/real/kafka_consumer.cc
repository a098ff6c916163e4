#include "agent/world/real/kafka_consumer.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "agent/wire/messages/list_offsets.h"

namespace medic {
namespace {

using namespace wire;
using Clock = std::chrono::steady_clock;

constexpr Duration kRetryPause{100};     // Kafka's default: retry.backoff.ms
constexpr Duration kAnswerSlack{2'000};  // On top of fetch_max_wait until a broker counts as silent.

struct Partition {
    std::int64_t position = 0;      // Next offset for the caller.
    std::int64_t fetch_offset = 0;  // Next offset to ask for; ahead of `position` by what is queued.
    std::int32_t leader = -1;
    bool in_flight = false;  // Asked for, or answered and still queued.
    std::optional<std::int64_t> high_watermark;
    Clock::time_point answered_at;
    std::set<std::int64_t> aborted_producers;  // read_committed: transactions that an abort marker will end.
};

struct Fetched {
    Bytes frame;  // What the response's records are views into.
    FetchResponse response;
    std::uint64_t assignment = 0;
};

}  // namespace

struct KafkaConsumer::Impl {
    explicit Impl(KafkaConsumerOptions given)
        : options(std::move(given)), client(options.client), fetch_client(options.client) {}

    const KafkaConsumerOptions options;
    KafkaClient client;
    KafkaClient
        fetch_client;  // A waiting fetch keeps its connection busy: commits and look-ups must not queue behind it.

    mutable std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false;
    std::uint64_t assignment = 0;  // Answers to an earlier assignment are dropped.
    std::map<TopicPartition, Partition> partitions;
    std::deque<Fetched> queue;
    std::string trouble;
    bool leaders_outdated = false;
    Clock::time_point next_look_up;
    std::map<std::int32_t, std::jthread> fetchers;  // Per broker; only poll, assign and the destructor touch the map.

    RecordReader reader;  // poll's own.
    Record record;

    void fetch_from(std::int32_t broker_id);
    FetchRequest next_request(std::int32_t broker_id);
    void take_answer(const FetchRequest& request, Result<FetchResponse> response, Bytes frame, std::uint64_t asked);
    Status look_up_leaders();
    Result<std::size_t> hand_over(const Fetched& fetched, const std::function<void(const ConsumedRecord&)>& on_record);
    Result<std::size_t> hand_over(const TopicPartition& at, const FetchResponse::Partition& answer,
                                  Partition& partition, const std::function<void(const ConsumedRecord&)>& on_record);
    Status handle_error(const TopicPartition& at, KafkaError error, Partition& partition);
    void start_over();
    void shut_down();
};

// After an answer that could not be handed over: everything read ahead is dropped, so that the next poll begins at the
// same record and nothing is left out. Needs the lock.
void KafkaConsumer::Impl::start_over() {
    ++assignment;
    queue.clear();
    for (auto& [at, partition] : partitions) {
        partition.fetch_offset = partition.position;
        partition.in_flight = false;
    }
}

KafkaConsumer::KafkaConsumer(KafkaConsumerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

KafkaConsumer::~KafkaConsumer() { impl_->shut_down(); }

void KafkaConsumer::Impl::shut_down() {
    {
        const std::lock_guard lock(mutex);
        stopping = true;
    }
    client.stop();
    fetch_client.stop();
    changed.notify_all();
    fetchers.clear();  // Joins.
}

Status KafkaConsumer::assign(const std::map<TopicPartition, std::int64_t>& starts) {
    std::map<TopicPartition, std::int64_t> offsets = starts;
    for (const std::int64_t special : {kFromEarliest, kFromLatest}) {
        std::vector<TopicPartition> wanted;
        for (const auto& [partition, start] : starts)
            if (start == special) wanted.push_back(partition);
        if (wanted.empty()) continue;
        MEDIC_TRY(const auto found, list_offsets(impl_->client, wanted, special));
        for (const auto& [partition, offset] : found) offsets[partition] = offset;
    }
    {
        const std::lock_guard lock(impl_->mutex);
        ++impl_->assignment;
        impl_->queue.clear();
        impl_->partitions.clear();
        for (const auto& [partition, offset] : offsets) {
            if (offset < 0)
                return fail(ErrorCode::invalid, "start of {}-{}: {} is no offset", partition.topic, partition.partition,
                            offset);
            impl_->partitions[partition] = {.position = offset, .fetch_offset = offset};
        }
    }
    return impl_->look_up_leaders();
}

Status KafkaConsumer::Impl::look_up_leaders() {
    std::vector<std::string> topics;
    {
        const std::lock_guard lock(mutex);
        for (const auto& [at, partition] : partitions)
            if (topics.empty() || topics.back() != at.topic) topics.push_back(at.topic);
    }
    if (topics.empty()) return {};
    MEDIC_TRY(const auto metadata, client.metadata(topics));
    fetch_client.learn(metadata);  // A leader that does not answer may have come back at another address.
    std::set<std::int32_t> leaders;
    {
        const std::lock_guard lock(mutex);
        leaders_outdated = false;
        for (const auto& topic : metadata.topics) {
            for (const auto& found : topic.partitions) {
                const auto partition = partitions.find({topic.name.value_or(""), found.partition});
                if (partition == partitions.end()) continue;
                partition->second.leader = found.leader_id;
                if (found.leader_id >= 0)
                    leaders.insert(found.leader_id);
                else
                    leaders_outdated = true;
            }
        }
        for (const auto& [at, partition] : partitions) leaders_outdated = leaders_outdated || partition.leader < 0;
    }
    for (const std::int32_t leader : leaders) {
        if (!fetchers.contains(leader)) fetchers.emplace(leader, std::jthread([this, leader] { fetch_from(leader); }));
    }
    changed.notify_all();
    return {};
}

FetchRequest KafkaConsumer::Impl::next_request(std::int32_t broker_id) {
    FetchRequest request;
    request.max_wait_ms = static_cast<std::int32_t>(options.fetch_max_wait.count());
    request.min_bytes = options.fetch_min_bytes;
    request.max_bytes = options.fetch_max_bytes;
    request.isolation =
        static_cast<std::int8_t>(options.read_committed ? Isolation::read_committed : Isolation::read_uncommitted);
    if (queue.size() >= options.answers_queued_max) return request;
    for (auto& [at, partition] : partitions) {
        if (partition.leader != broker_id || partition.in_flight) continue;
        if (request.topics.empty() || request.topics.back().name != at.topic) request.topics.push_back({at.topic, {}});
        request.topics.back().partitions.push_back({.partition = at.partition,
                                                    .fetch_offset = partition.fetch_offset,
                                                    .partition_max_bytes = options.partition_max_bytes});
        partition.in_flight = true;
    }
    return request;
}

void KafkaConsumer::Impl::fetch_from(std::int32_t broker_id) {
    std::unique_lock lock(mutex);
    while (!stopping) {
        const FetchRequest request = next_request(broker_id);
        if (request.topics.empty()) {
            changed.wait_for(lock, options.fetch_max_wait);
            continue;
        }
        const std::uint64_t asked = assignment;
        lock.unlock();
        Bytes frame;
        auto response = fetch_client.fetch(broker_id, request, frame, options.fetch_max_wait + kAnswerSlack);
        lock.lock();
        const bool failed = !response;
        take_answer(request, std::move(response), std::move(frame), asked);
        changed.notify_all();
        if (failed && !stopping) changed.wait_for(lock, kRetryPause, [this] { return stopping; });
    }
}

// A frame that goes into the queue keeps its bytes in place: it is far longer than what a string holds inside itself.
void KafkaConsumer::Impl::take_answer(const FetchRequest& request, Result<FetchResponse> response, Bytes frame,
                                      std::uint64_t asked) {
    if (asked != assignment) return;
    const bool refused = response && response->error != KafkaError::none;
    if (!response || refused) {
        trouble = refused ? "fetch: " + wire::to_string(response->error) : response.error().message;
        leaders_outdated = true;
        for (const auto& topic : request.topics)
            for (const auto& wanted : topic.partitions) partitions[{topic.name, wanted.partition}].in_flight = false;
        return;
    }
    trouble.clear();
    bool anything = false;
    for (const auto& topic : request.topics) {
        for (const auto& wanted : topic.partitions) partitions[{topic.name, wanted.partition}].in_flight = false;
    }
    for (const auto& topic : response->topics) {
        for (const auto& answer : topic.partitions) {
            const auto found = partitions.find({topic.name, answer.partition});
            if (found == partitions.end()) continue;
            Partition& partition = found->second;
            if (answer.error != KafkaError::none) {
                partition.in_flight = anything = true;  // poll decides how to go on.
                continue;
            }
            partition.high_watermark = answer.high_watermark;
            partition.answered_at = Clock::now();
            BatchReader batches(answer.records.value_or(BytesView()));
            while (const auto batch = batches.next()) {
                anything = true;
                partition.fetch_offset = std::max(partition.fetch_offset, batch->next_offset());
            }
            anything = anything || !batches.status();
        }
    }
    if (anything) queue.push_back({std::move(frame), *std::move(response), asked});
}

Result<std::size_t> KafkaConsumer::poll(Duration max_wait,
                                        const std::function<void(const ConsumedRecord&)>& on_record) {
    const auto deadline = Clock::now() + max_wait;
    std::unique_lock lock(impl_->mutex);
    for (;;) {
        if (impl_->leaders_outdated && Clock::now() >= impl_->next_look_up) {
            lock.unlock();
            const Status status = impl_->look_up_leaders();
            lock.lock();
            impl_->next_look_up = Clock::now() + kRetryPause;
            if (!status) impl_->trouble = status.error().message;
        }
        if (!impl_->queue.empty()) break;
        if (Clock::now() >= deadline) return 0;
        impl_->changed.wait_until(lock, std::min(deadline, Clock::now() + kRetryPause),
                                  [this] { return !impl_->queue.empty(); });
    }
    const Fetched fetched = std::move(impl_->queue.front());
    impl_->queue.pop_front();
    if (fetched.assignment != impl_->assignment) return 0;
    lock.unlock();
    impl_->changed.notify_all();
    return impl_->hand_over(fetched, on_record);
}

Result<std::size_t> KafkaConsumer::Impl::hand_over(const Fetched& fetched,
                                                   const std::function<void(const ConsumedRecord&)>& on_record) {
    std::size_t count = 0;
    for (const auto& topic : fetched.response.topics) {
        for (const auto& answer : topic.partitions) {
            const TopicPartition at{topic.name, answer.partition};
            std::unique_lock lock(mutex);
            const auto found = partitions.find(at);
            if (found == partitions.end()) continue;
            Partition local = found->second;  // Position and aborted producers are changed by this thread alone.
            lock.unlock();
            auto handed = answer.error == KafkaError::none ? hand_over(at, answer, local, on_record)
                                                           : Result<std::size_t>(std::size_t{0});
            Status status;
            if (answer.error != KafkaError::none) status = handle_error(at, answer.error, local);
            lock.lock();
            found->second.position = local.position;
            found->second.aborted_producers = std::move(local.aborted_producers);
            if (answer.error != KafkaError::none) {
                found->second.fetch_offset = local.fetch_offset;
                found->second.in_flight = false;
            }
            if (!status || !handed) start_over();
            MEDIC_CHECK(status);
            MEDIC_TRY(const std::size_t here, std::move(handed));
            count += here;
        }
    }
    changed.notify_all();
    return count;
}

Result<std::size_t> KafkaConsumer::Impl::hand_over(const TopicPartition& at, const FetchResponse::Partition& answer,
                                                   Partition& partition,
                                                   const std::function<void(const ConsumedRecord&)>& on_record) {
    std::size_t count = 0;
    auto aborted = answer.aborted_transactions.value_or(std::vector<FetchResponse::AbortedTransaction>());
    std::ranges::sort(aborted, {}, &FetchResponse::AbortedTransaction::first_offset);
    auto next_aborted = aborted.begin();
    BatchReader batches(answer.records.value_or(BytesView()));
    while (const auto batch = batches.next()) {
        if (!batch->crc_matches())
            return fail(ErrorCode::unavailable, "{}-{}: batch at offset {} has a wrong checksum", at.topic,
                        at.partition, batch->base_offset());
        reader.reset(*batch);
        if (options.read_committed) {
            for (; next_aborted != aborted.end() && next_aborted->first_offset <= batch->last_offset(); ++next_aborted)
                partition.aborted_producers.insert(next_aborted->producer_id);
            if (batch->is_control()) {
                if (reader.next(record) && control_type(record) == ControlType::abort)
                    partition.aborted_producers.erase(batch->producer_id());
            }
        }
        const bool skip = batch->is_control() || (options.read_committed && batch->is_transactional() &&
                                                  partition.aborted_producers.contains(batch->producer_id()));
        while (!skip && reader.next(record)) {
            if (record.offset < partition.position) continue;  // Batches come whole, from before the wanted offset.
            on_record({at.topic, at.partition, record});
            ++count;
        }
        if (!skip) MEDIC_CHECK(reader.status());
        partition.position = std::max(partition.position, batch->next_offset());
    }
    MEDIC_CHECK(batches.status());
    return count;
}

Status KafkaConsumer::Impl::handle_error(const TopicPartition& at, KafkaError error, Partition& partition) {
    const std::string what = fmt::format("fetch of {}-{} at offset {}", at.topic, at.partition, partition.fetch_offset);
    if (error == KafkaError::offset_out_of_range) {
        if (options.on_lost_offset != kFromEarliest && options.on_lost_offset != kFromLatest) return check(error, what);
        const auto found = list_offsets(client, {at}, options.on_lost_offset);
        // Without an answer the same fetch is tried again and comes back here.
        if (found && found->contains(at)) partition.position = partition.fetch_offset = found->at(at);
        return {};
    }
    if (!is_retriable(error)) return check(error, what);
    const std::lock_guard lock(mutex);
    trouble = what + ": " + wire::to_string(error);
    leaders_outdated = true;
    return {};
}

std::map<TopicPartition, std::int64_t> KafkaConsumer::positions() const {
    const std::lock_guard lock(impl_->mutex);
    std::map<TopicPartition, std::int64_t> positions;
    for (const auto& [at, partition] : impl_->partitions) positions[at] = partition.position;
    return positions;
}

std::map<TopicPartition, KafkaConsumer::Lag> KafkaConsumer::lag() const {
    const std::lock_guard lock(impl_->mutex);
    std::map<TopicPartition, Lag> lag;
    for (const auto& [at, partition] : impl_->partitions)
        if (partition.high_watermark)
            lag[at] = {std::max<std::int64_t>(0, *partition.high_watermark - partition.position),
                       partition.answered_at};
    return lag;
}

Status KafkaConsumer::commit() {
    if (impl_->options.group_id.empty()) return fail(ErrorCode::invalid, "a commit needs options.group_id");
    return commit_offsets(impl_->client, impl_->options.group_id, positions());
}

Result<std::map<TopicPartition, std::int64_t>> KafkaConsumer::committed(const std::vector<TopicPartition>& partitions) {
    if (impl_->options.group_id.empty()) return fail(ErrorCode::invalid, "committed offsets need options.group_id");
    return fetch_committed(impl_->client, impl_->options.group_id, partitions);
}

std::string KafkaConsumer::last_trouble() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->trouble;
}

KafkaClient& KafkaConsumer::client() { return impl_->client; }

}  // namespace medic

#include "engine/connect/group_member.h"

#include <algorithm>
#include <set>

#include "agent/wire/consumer_protocol.h"
#include "agent/wire/messages/membership.h"
#include "agent/world/real/kafka_consumer.h"
#include "engine/common/log.h"

namespace medic::engine::connect {
namespace {

using std::chrono::steady_clock;
using wire::KafkaError;

constexpr std::chrono::minutes metadata_max_age{5};   // Kafka's default: metadata.max.age.ms = 5 min
constexpr std::chrono::milliseconds topic_poll{500};  // While a subscribed topic does not exist yet.

KafkaClientOptions client_options(const ReaderOptions& options) {
    return {.bootstrap = options.kafka.bootstrap, .client_id = options.kafka.client_id};
}

bool is_wrong_coordinator(KafkaError error) {
    return error == KafkaError::not_coordinator || error == KafkaError::coordinator_not_available;
}

std::optional<std::string> maybe(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

}  // namespace

GroupMember::GroupMember(const ReaderOptions& options)
    : options_(options),
      joining_(client_options(options)),
      client_(client_options(options)),
      last_poll_(steady_clock::now()) {
    heartbeats_ = std::thread([this] { heartbeat_loop(); });
}

GroupMember::~GroupMember() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_.notify_all();
    joining_.stop();
    client_.stop();
    heartbeats_.join();
}

GroupMember::Identity GroupMember::identity() const {
    const std::lock_guard lock(mutex_);
    return identity_;
}

void GroupMember::note_poll() {
    const std::lock_guard lock(mutex_);
    last_poll_ = steady_clock::now();
}

void GroupMember::lose_membership() {
    const std::lock_guard lock(mutex_);
    identity_ = {};
    member_ = false;
    rejoin_ = true;
}

Status GroupMember::ensure_joined() {
    if (fenced_)
        return fail(ErrorCode::invalid, "group {}: another process has taken the place of {}", options_.group,
                    options_.instance_id);
    if (!rejoin_) return {};
    if (interrupted_) return fail(ErrorCode::unavailable, "group {}: interrupted", options_.group);
    return join();
}

Status GroupMember::join() {
    wire::ConsumerSubscription subscription;
    subscription.topics = options_.topics;
    MEDIC_TRY(const wire::Bytes metadata, wire::encode_consumer(subscription, 0));
    wire::JoinGroupRequest request;
    request.group_id = options_.group;
    request.session_timeout_ms = static_cast<std::int32_t>(options_.session_timeout.count());
    request.rebalance_timeout_ms = static_cast<std::int32_t>(options_.poll_interval_max.count());
    request.member_id = identity().member_id;
    request.group_instance_id = maybe(options_.instance_id);
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", metadata});
    const auto target = KafkaTarget::coordinator(options_.group);
    const auto timeout = std::chrono::duration_cast<Duration>(options_.poll_interval_max) + Duration{5'000};
    MEDIC_TRY(auto joined, joining_.call(target, request, timeout));
    if (joined.error == KafkaError::member_id_required) {
        request.member_id = joined.member_id;
        MEDIC_TRY(joined, joining_.call(target, request, timeout));
    }
    if (is_wrong_coordinator(joined.error)) joining_.forget_metadata();
    if (joined.error == KafkaError::unknown_member_id) lose_membership();
    if (joined.error == KafkaError::fenced_instance_id) fenced_ = true;
    MEDIC_CHECK(wire::check(joined.error, "JoinGroup " + options_.group));

    wire::SyncGroupRequest sync;
    sync.group_id = options_.group;
    sync.generation_id = joined.generation_id;
    sync.member_id = joined.member_id;
    sync.group_instance_id = maybe(options_.instance_id);
    sync.protocol_type = "consumer";
    sync.protocol_name = joined.protocol_name;
    {
        const std::lock_guard lock(mutex_);
        shared_out_.clear();
    }
    if (joined.leader == joined.member_id && !joined.skip_assignment) {
        std::vector<std::pair<std::string, std::string>> members;
        for (const auto& member : joined.members) members.emplace_back(member.member_id, member.metadata);
        MEDIC_TRY(const auto assignments, assign(members));
        for (const auto& [member, bytes] : assignments) sync.assignments.push_back({member, bytes});
    }
    MEDIC_TRY(const auto synced, joining_.call(target, sync, timeout));
    if (synced.error == KafkaError::unknown_member_id || synced.error == KafkaError::illegal_generation)
        lose_membership();
    if (synced.error == KafkaError::fenced_instance_id) fenced_ = true;
    MEDIC_CHECK(wire::check(synced.error, "SyncGroup " + options_.group));
    {
        const std::lock_guard lock(mutex_);
        identity_ = {joined.member_id, joined.generation_id};
        member_ = true;
        rejoin_ = false;
        last_poll_ = steady_clock::now();
    }
    wake_.notify_all();
    take_assignment(synced.assignment);
    return {};
}

// Kafka's range assignor: for each topic the members in order of their ids take equal runs of partitions.
Result<std::map<std::string, std::string>> GroupMember::assign(
    const std::vector<std::pair<std::string, std::string>>& members) {
    std::map<std::string, std::vector<std::string>> subscribers;  // Topic → members.
    std::map<std::string, wire::ConsumerAssignment> assignments;
    std::set<std::string> topics;
    for (const auto& [member, bytes] : members) {
        MEDIC_TRY(const auto subscription, wire::decode_subscription(bytes));
        assignments[member];
        for (const auto& topic : subscription.topics) {
            subscribers[topic].push_back(member);
            topics.insert(topic);
        }
    }
    MEDIC_TRY(const auto metadata, client_.metadata(std::vector<std::string>(topics.begin(), topics.end())));
    std::map<std::string, int> shared_out;
    for (const auto& topic : topics) shared_out[topic] = -1;
    for (const auto& topic : metadata.topics) {
        if (topic.error != KafkaError::none || !topic.name) continue;
        shared_out[*topic.name] = static_cast<int>(topic.partitions.size());
        auto& takers = subscribers[*topic.name];
        std::ranges::sort(takers);
        const std::size_t count = topic.partitions.size(), share = count / takers.size(), rest = count % takers.size();
        std::size_t next = 0;
        for (std::size_t i = 0; i < takers.size(); ++i) {
            wire::TopicPartitions run{*topic.name, {}};
            for (std::size_t n = share + (i < rest ? 1 : 0); n > 0; --n)
                run.partitions.push_back(static_cast<std::int32_t>(next++));
            if (!run.partitions.empty()) assignments[takers[i]].assigned.push_back(std::move(run));
        }
    }
    std::map<std::string, std::string> encoded;
    for (const auto& [member, assignment] : assignments) {
        MEDIC_TRY(encoded[member], wire::encode_consumer(assignment, 0));
    }
    const std::lock_guard lock(mutex_);
    shared_out_ = std::move(shared_out);
    last_look_ = steady_clock::now();
    return encoded;
}

void GroupMember::take_assignment(const std::string& bytes) {
    assignment_.clear();
    ++epoch_;
    if (bytes.empty()) return;
    const auto assignment = wire::decode_assignment(bytes);
    if (!assignment) {
        log_warn("connect-task", "group {}: assignment: {}", options_.group, assignment.error().message);
        return;
    }
    for (const auto& topic : assignment->assigned)
        for (const auto partition : topic.partitions) assignment_.push_back({topic.topic, partition});
}

void GroupMember::heartbeat_loop() {
    std::unique_lock lock(mutex_);
    auto next_beat = steady_clock::now() + options_.heartbeat_interval;
    while (!closing_) {
        wake_.wait_for(lock, std::min(options_.heartbeat_interval, topic_poll), [this] { return closing_; });
        if (closing_ || !member_) continue;
        const auto now = steady_clock::now();
        const bool owner_hangs = now - last_poll_ > options_.poll_interval_max;
        lock.unlock();
        if (owner_hangs) {
            log_warn("connect-task", "group {}: no poll for max.poll.interval.ms, leaving the group", options_.group);
            leave();
        } else {
            if (now >= next_beat) {
                beat();
                next_beat = now + options_.heartbeat_interval;
            }
            look_for_new_partitions();
        }
        lock.lock();
    }
}

// A topic that was created or grew after the group had shared its partitions out: its leader has it done anew.
void GroupMember::look_for_new_partitions() {
    std::map<std::string, int> known;
    {
        const std::lock_guard lock(mutex_);
        const bool incomplete = std::ranges::any_of(shared_out_, [](const auto& topic) { return topic.second < 0; });
        if (shared_out_.empty() || (!incomplete && steady_clock::now() - last_look_ < metadata_max_age)) return;
        last_look_ = steady_clock::now();
        known = shared_out_;
    }
    std::vector<std::string> topics;
    for (const auto& [topic, count] : known) topics.push_back(topic);
    const auto metadata = client_.metadata(topics);
    if (!metadata) return;
    for (const auto& topic : metadata->topics) {
        if (topic.error != KafkaError::none || !topic.name) continue;
        if (known[*topic.name] != static_cast<int>(topic.partitions.size())) rejoin_ = true;
    }
}

void GroupMember::beat() {
    const Identity self = identity();
    wire::HeartbeatRequest request;
    request.group_id = options_.group;
    request.generation_id = self.generation;
    request.member_id = self.member_id;
    request.group_instance_id = maybe(options_.instance_id);
    const auto answer = client_.call(KafkaTarget::coordinator(options_.group), request);
    if (!answer) {
        client_.forget_metadata();
        return;
    }
    switch (answer->error) {
        case KafkaError::none: break;
        case KafkaError::fenced_instance_id:
            fenced_ = true;
            rejoin_ = true;  // So that the next poll hears of it instead of reading on beside its successor.
            break;
        case KafkaError::rebalance_in_progress: rejoin_ = true; break;
        case KafkaError::unknown_member_id:
        case KafkaError::illegal_generation: lose_membership(); break;
        default: client_.forget_metadata();
    }
}

Status GroupMember::commit(const std::map<TopicPartition, std::int64_t>& next_offsets) {
    const Identity self = identity();
    // Without an id it would be a commit from outside the group, which a broker takes while the group is empty.
    if (self.member_id.empty()) return fail(ErrorCode::outdated, "group {}: not a member", options_.group);
    std::map<medic::TopicPartition, std::int64_t> offsets;
    for (const auto& [partition, offset] : next_offsets) offsets[{partition.topic, partition.partition}] = offset;
    return commit_offsets(client_, options_.group, offsets, {self.generation, self.member_id});
}

Result<std::map<TopicPartition, std::int64_t>> GroupMember::committed() {
    std::vector<medic::TopicPartition> partitions;
    for (const auto& partition : assignment_) partitions.push_back({partition.topic, partition.partition});
    MEDIC_TRY(const auto offsets, fetch_committed(client_, options_.group, partitions));
    std::map<TopicPartition, std::int64_t> known;
    for (const auto& [partition, offset] : offsets) known[{partition.topic, partition.partition}] = offset;
    return known;
}

void GroupMember::leave() {
    const Identity self = identity();
    if (self.member_id.empty()) return;
    wire::LeaveGroupRequest request;
    request.group_id = options_.group;
    request.member_id = self.member_id;
    request.members.push_back({self.member_id, maybe(options_.instance_id), std::nullopt});
    static_cast<void>(client_.call(KafkaTarget::coordinator(options_.group), request, Duration{2'000}));
    lose_membership();
}

void GroupMember::interrupt() {
    interrupted_ = true;
    joining_.stop();
}

}  // namespace medic::engine::connect

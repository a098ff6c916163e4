#include "engine/broker/group_requests.h"

#include <sys/random.h>

#include <algorithm>

#include "agent/wire/messages/membership.h"
#include "agent/wire/messages/topics.h"
#include "agent/wire/records.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "groups";

std::string random_member_id(const std::string& client_id) {
    std::array<std::uint8_t, 16> bytes{};
    static_cast<void>(!::getrandom(bytes.data(), bytes.size(), 0));
    std::string id = client_id + "-";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
        id += fmt::format("{:02x}", bytes[i]);
    }
    return id;
}

}  // namespace

void GroupRequests::on_request(const Incoming& request) {
    using wire::ApiKey;
    // Never answered: what comes after it on its connection waits as well, as behind any request that takes its time.
    if (!blocked_.empty() && meets_blocked(request)) return;
    switch (request.header.api) {
        case ApiKey::find_coordinator: return find_coordinator(request);
        case ApiKey::join_group: return join(request);
        case ApiKey::sync_group: return sync(request);
        case ApiKey::heartbeat: return heartbeat(request);
        case ApiKey::leave_group: return leave(request);
        case ApiKey::offset_commit: return commit(request);
        case ApiKey::offset_fetch: return fetch_offsets(request);
        case ApiKey::list_groups: return list(request);
        case ApiKey::describe_groups: return describe(request);
        case ApiKey::delete_groups: return remove(request);
        default: return parts_.server.hang_up(request.to);
    }
}

std::int32_t GroupRequests::partition_of(const std::string& group) const {
    const TopicState* topic = parts_.image.topic(offsets_topic);
    return topic ? coordinator_partition(group, static_cast<std::int32_t>(topic->partitions.size())) : -1;
}

Fault GroupRequests::check_coordinator(const std::string& group) const {
    const std::int32_t partition = partition_of(group);
    if (partition < 0) return Fault::coordinator_not_available;
    return led_.contains(partition) ? Fault::none : Fault::not_coordinator;
}

GroupRequests::Coordinated& GroupRequests::group(const std::string& id) {
    const auto found = groups_.find(id);
    if (found != groups_.end()) return found->second;
    const Duration delay(parts_.config.broker_number(parts_.image, "group.initial.rebalance.delay.ms"));
    Coordinated fresh{.group = Group({.initial_delay = delay, .new_member_id = random_member_id}),
                      .offsets = {},
                      .idle_since_ms = parts_.loop.wall_ms()};
    return groups_.emplace(id, std::move(fresh)).first->second;
}

Group* GroupRequests::known_group(const std::string& id) {
    const auto found = groups_.find(id);
    return found == groups_.end() ? nullptr : &found->second.group;
}

GroupToken GroupRequests::keep(const Incoming& request) {
    Incoming kept = request;
    kept.body = {};
    waiting_.emplace(++next_token_, std::move(kept));
    return next_token_;
}

void GroupRequests::on_leadership(const TopicPartition& id) {
    if (id.topic != offsets_topic) return;
    forget(id.partition);
    Replica* replica = parts_.replicas.find(id.topic, id.partition);
    if (replica && replica->leads()) load(*replica);
}

void GroupRequests::forget(std::int32_t partition) {
    led_.erase(partition);
    const bool silent = blocked_.contains(partition);
    for (auto at = groups_.begin(); at != groups_.end();) {
        if (partition_of(at->first) != partition) {
            ++at;
            continue;
        }
        GroupEffects effects;
        at->second.group.dissolve(effects);
        if (silent) effects = {};
        for (const auto& told : effects.joins) answer(told);
        for (const auto& told : effects.syncs) answer(told);
        at = groups_.erase(at);
    }
}

// The whole partition is read; compaction keeps it small.
void GroupRequests::load(Replica& replica) {
    constexpr std::int64_t chunk_bytes = 1 << 20;
    const Log& log = *replica.log;
    std::size_t records_read = 0;
    for (std::int64_t offset = log.start_offset(); offset < log.end_offset();) {
        const auto bytes = parts_.replicas.read(replica, offset, {.bytes_max = chunk_bytes});
        if (!bytes || bytes->empty()) break;
        wire::BatchReader batches(*bytes);
        while (const auto batch = batches.next()) {
            offset = batch->next_offset();
            wire::RecordReader records(*batch);
            wire::Record record;
            while (records.next(record)) {
                ++records_read;
                if (record.key) take_record(*record.key, record.value);
            }
        }
    }
    led_.insert(replica.id.partition);
    if (records_read > 0)
        log_info(who, "{}: {} records loaded, {} groups here", replica.id.to_string(), records_read, groups_.size());
}

void GroupRequests::take_record(std::string_view key_bytes, std::optional<std::string_view> value) {
    const auto key = decode_key(key_bytes);
    if (!key) return log_warn(who, "record skipped: {}", key.error().message);
    if (const auto* offset_key = std::get_if<OffsetKey>(&*key)) {
        const auto offset =
            value ? decode_offset(*value) : Result<CommittedOffset>(fail(ErrorCode::invalid, "tombstone"));
        if (offset) {
            group(offset_key->group).offsets[offset_key->partition] = *offset;
        } else if (const auto known = groups_.find(offset_key->group); known != groups_.end()) {
            known->second.offsets.erase(offset_key->partition);  // Of a deleted group: it must not come back by this.
        }
        return;
    }
    const std::string& id = std::get<GroupKey>(*key).group;
    auto stored = value ? decode_group(*value) : Result<Group::Stored>(fail(ErrorCode::invalid, "tombstone"));
    if (!stored) {
        groups_.erase(id);
        return;
    }
    Coordinated& restored = group(id);
    restored.group.restore(*std::move(stored), parts_.loop.now());
    restored.idle_since_ms = restored.group.members().empty() ? parts_.loop.wall_ms() : 0;
}

void GroupRequests::store(const std::string& group_id, const std::vector<Record>& records, ProduceRequests::Done done) {
    Replica* replica = parts_.replicas.find(offsets_topic, partition_of(group_id));
    if (!replica) return done(Fault::not_coordinator);
    wire::BatchBuilder builder;
    for (const auto& record : records) {
        builder.append(parts_.loop.wall_ms(), wire::BytesView(record.key),
                       record.value ? std::optional<wire::BytesView>(*record.value) : std::nullopt);
    }
    std::string batch;
    if (!builder.finish(batch)) return done(Fault::unknown_server_error);
    produce_.append_own(*replica, std::move(batch), [done = std::move(done)](Fault fault) {
        // What a replica's trouble means to a client of the group, as Kafka maps it.
        switch (fault) {
            case Fault::not_leader_or_follower:
            case Fault::unknown_topic_or_partition:
            case Fault::kafka_storage_error: return done(Fault::not_coordinator);
            case Fault::not_enough_replicas:
            case Fault::not_enough_replicas_after_append:
            case Fault::request_timed_out: return done(Fault::coordinator_not_available);
            default: return done(fault);
        }
    });
}

// Assignments are told only once they are stored: the next coordinator must know the same generation.
void GroupRequests::apply(const std::string& group_id, GroupEffects effects) {
    for (const auto& told : effects.joins) answer(told);
    const auto found = groups_.find(group_id);
    if (found != groups_.end()) {
        Coordinated& mine = found->second;
        const bool idle = mine.group.members().empty();
        mine.idle_since_ms = idle ? (mine.idle_since_ms != 0 ? mine.idle_since_ms : parts_.loop.wall_ms()) : 0;
    }
    const bool assigned = found != groups_.end() && found->second.group.state() == Group::State::stable;
    const bool emptied = found != groups_.end() && found->second.group.state() == Group::State::empty;
    if (!effects.store || (!assigned && !emptied)) {
        for (const auto& told : effects.syncs) answer(told);
        return;
    }
    const Record record{encode_key(GroupKey{group_id}),
                        encode_value(found->second.group.stored(), parts_.loop.wall_ms())};
    store(group_id, {record}, [this, group_id, syncs = std::move(effects.syncs)](Fault fault) {
        if (fault != Fault::none) log_warn(who, "{}: group not stored: {}", group_id, wire::to_string(fault));
        for (SyncAnswer told : syncs) {
            if (told.fault == Fault::none && fault != Fault::none) told.fault = fault;
            answer(told);
        }
    });
}

void GroupRequests::tick() {
    std::vector<std::pair<std::string, GroupEffects>> all;
    for (auto& [id, mine] : groups_) {
        if (!blocked_.empty() && is_blocked(id)) continue;
        GroupEffects effects;
        mine.group.tick(parts_.loop.now(), effects);
        if (effects.store || !effects.joins.empty() || !effects.syncs.empty()) all.emplace_back(id, std::move(effects));
    }
    for (auto& [id, effects] : all) apply(id, std::move(effects));
}

void GroupRequests::expire_offsets() {
    const std::int64_t keep_ms = parts_.config.broker_number(parts_.image, "offsets.retention.minutes") * 60'000;
    std::vector<std::string> expired;
    for (const auto& [id, mine] : groups_) {
        if (!is_blocked(id) && mine.idle_since_ms != 0 && parts_.loop.wall_ms() - mine.idle_since_ms > keep_ms)
            expired.push_back(id);
    }
    for (const auto& id : expired) {
        std::vector<Record> tombstones{{encode_key(GroupKey{id}), std::nullopt}};
        for (const auto& [partition, offset] : groups_.at(id).offsets) {
            tombstones.push_back({encode_key(OffsetKey{id, partition}), std::nullopt});
        }
        store(id, tombstones, [](Fault) {});
        groups_.erase(id);
    }
}

void GroupRequests::forget_topics(const std::set<std::string>& names) {
    std::vector<std::pair<std::string, std::vector<Record>>> all;
    for (auto& [id, mine] : groups_) {
        if (!blocked_.empty() && is_blocked(id)) continue;
        std::vector<Record> tombstones;
        for (const auto& [where, offset] : mine.offsets) {
            if (names.contains(where.topic)) tombstones.push_back({encode_key(OffsetKey{id, where}), std::nullopt});
        }
        std::erase_if(mine.offsets, [&](const auto& entry) { return names.contains(entry.first.topic); });
        if (!tombstones.empty()) all.emplace_back(id, std::move(tombstones));
    }
    // Only now: a disk that fails at this takes groups away.
    for (const auto& [id, tombstones] : all) store(id, tombstones, [](Fault) {});
}

void GroupRequests::create_topic(const std::string& name, std::int32_t partitions, std::int32_t replication_factor) {
    if (!creating_.insert(name).second) return;
    wire::CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions = partitions;
    topic.replication_factor = static_cast<std::int16_t>(replication_factor);
    if (name == offsets_topic) {
        topic.configs.push_back({"cleanup.policy", "compact"});
        topic.configs.push_back({"segment.bytes", "104857600"});  // offsets.topic.segment.bytes
    }
    constexpr std::int16_t version = 5;
    auto frame = wire::encode_request({.version = version, .client_id = "broker"}, request);
    if (!frame) return;
    frame->erase(0, wire::kSizePrefixBytes);
    parts_.link.forward(*std::move(frame), [this, name](Result<std::string_view> answer) {
        creating_.erase(name);
        if (!answer) return log_warn(who, "topic {} not created: {}", name, answer.error().message);
        const auto response = wire::decode<wire::CreateTopicsResponse>(answer->substr(1), version);
        if (response && !response->topics.empty() && response->topics.front().error != Fault::none) {
            log_warn(who, "topic {} not created: {}", name, response->topics.front().error_message.value_or(""));
        }
    });
}

void GroupRequests::find_coordinator(const Incoming& request) {
    const auto asked = wire::decode<wire::FindCoordinatorRequest>(request.body, request.header.version);
    if (!asked) return parts_.server.hang_up(request.to);
    const auto locate = [&](const std::string& key) {
        wire::FindCoordinatorResponse::Coordinator found{
            .key = key, .host = "", .error = Fault::coordinator_not_available, .error_message = {}};
        if (asked->key_type != 0) {
            found.error = Fault::invalid_request;
            found.error_message = "There is no transaction coordinator.";
            return found;
        }
        const std::int32_t partition = partition_of(key);
        if (partition < 0) {
            create_topic(
                std::string(offsets_topic),
                static_cast<std::int32_t>(parts_.config.broker_number(parts_.image, "offsets.topic.num.partitions")),
                static_cast<std::int32_t>(
                    parts_.config.broker_number(parts_.image, "offsets.topic.replication.factor")));
            return found;
        }
        const PartitionState* state = parts_.image.partition(offsets_topic, partition);
        const BrokerState* leader = state ? parts_.image.broker(state->leader) : nullptr;
        if (!leader || leader->fenced) return found;
        found.node_id = leader->id;
        found.host = leader->host;
        found.port = leader->port;
        found.error = Fault::none;
        return found;
    };
    wire::FindCoordinatorResponse response;
    if (asked->keys.empty()) {
        auto found = locate(asked->key);
        response.error = found.error;
        response.error_message = found.error_message;
        response.node_id = found.node_id;
        response.host = found.host;
        response.port = found.port;
    }
    for (const auto& key : asked->keys) response.coordinators.push_back(locate(key));
    send_response(parts_, request, response);
}

}  // namespace medic::engine::broker

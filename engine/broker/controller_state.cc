#include "engine/broker/controller_state.h"

#include <algorithm>

namespace medic::engine::broker {
namespace {

constexpr std::int32_t producer_id_block = 1'000;  // Kafka's ProducerIdsBlock size.

void drop(std::vector<BrokerId>& ids, BrokerId id) { std::erase(ids, id); }

}  // namespace

ControllerState::ControllerState(ControllerOptions options, RandomId random_id)
    : options_(std::move(options)), random_id_(std::move(random_id)) {}

void ControllerState::begin(Instant now) {
    if (image_.cluster_id().empty()) {
        std::string id;
        for (const std::uint8_t byte : random_id_().bytes) id += fmt::format("{:02x}", byte);
        commit(ClusterIdRecord{id});
    }
    for (const auto& [id, broker] : image_.brokers()) {
        if (!broker.fenced) last_contact_[id] = now;
    }
}

void ControllerState::commit(MetadataRecord record) {
    image_.apply(record);
    fresh_.push_back(std::move(record));
}

void ControllerState::change(PartitionState state) {
    ++state.partition_epoch;
    commit(PartitionRecord{std::move(state)});
}

RegisterReply ControllerState::register_broker(const RegisterRequest& request, std::int64_t epoch, Instant now) {
    RegisterReply reply{.fault = Fault::none,
                        .epoch = epoch,
                        .cluster_id = image_.cluster_id(),
                        .session_timeout_ms = options_.session_timeout.count()};
    if (!request.cluster_id.empty() && request.cluster_id != image_.cluster_id()) {
        reply.fault = Fault::invalid_request;
        return reply;
    }
    const BrokerState* known = image_.broker(request.id);
    if (known && known->incarnation == request.incarnation) {
        reply.epoch = known->epoch;
        last_contact_[request.id] = now;
        return reply;
    }
    BrokerState next{.id = request.id,
                     .epoch = epoch,
                     .incarnation = request.incarnation,
                     .host = request.host,
                     .port = request.port};
    update_broker(std::move(next));
    last_contact_.erase(request.id);
    return reply;
}

HeartbeatReply ControllerState::heartbeat(const HeartbeatRequest& request, Instant now) {
    const BrokerState* known = image_.broker(request.id);
    if (!known) return {.fault = Fault::broker_id_not_registered};
    if (known->epoch != request.epoch) return {.fault = Fault::stale_broker_epoch};
    last_contact_[request.id] = now;

    BrokerState next = *known;
    // A broker serves only after it has seen its own registration: before that it may believe it still leads.
    if (next.fenced && !request.want_shutdown && request.metadata_offset > next.epoch) next.fenced = false;
    next.shutting_down = request.want_shutdown;
    next.log_dir_offline = request.log_dir_offline;
    if (pack(next) != pack(*known)) update_broker(next);

    bool leads = false;
    for (const auto& [name, topic] : image_.topics()) {
        leads = leads || std::ranges::any_of(topic.partitions, [&](const PartitionState& state) {
                    return state.leader == request.id && state.isr.size() > 1;
                });
    }
    const bool may_shut_down = request.want_shutdown && !leads;
    // As Kafka does: who may go is no member any more, so that no client is sent to it (BrokerControlState
    // SHUTDOWN_NOW).
    if (may_shut_down && !next.fenced) {
        next.fenced = true;
        update_broker(next);
    }
    return {.fault = Fault::none, .fenced = next.fenced, .may_shut_down = may_shut_down};
}

void ControllerState::update_broker(BrokerState next) {
    const BrokerId id = next.id;
    const bool was = image_.usable(id);
    const BrokerState* known = image_.broker(id);
    const bool replaced = known && known->epoch != next.epoch;
    commit(BrokerRecord{std::move(next)});
    const bool is = image_.usable(id);
    if ((was && !is) || replaced) elect_after_loss(id);
    if (!was && is) elect_after_return(id);
}

void ControllerState::tick(Instant now) {
    std::vector<BrokerId> lost;
    for (const auto& [id, at] : last_contact_) {
        if (now - at > options_.session_timeout) lost.push_back(id);
    }
    for (const BrokerId id : lost) {
        last_contact_.erase(id);
        const BrokerState* known = image_.broker(id);
        if (!known || known->fenced) continue;
        BrokerState next = *known;
        next.fenced = true;
        update_broker(std::move(next));
    }
}

BrokerId ControllerState::pick_leader(const PartitionState& state) const {
    for (const BrokerId id : state.replicas) {
        if (contains(state.isr, id) && image_.usable(id)) return id;
    }
    return no_broker;
}

bool ControllerState::allows_unclean(const std::string& topic) const {
    return options_.config.topic(image_, topic, "unclean.leader.election.enable").value == "true";
}

void ControllerState::lead_uncleanly(PartitionState& state) const {
    const auto alive = std::ranges::find_if(state.replicas, [&](BrokerId id) { return image_.usable(id); });
    if (alive == state.replicas.end()) return;
    state.leader = *alive;
    state.isr = {*alive};
}

// The one who left leaves the ISR too, unless nobody else holds all acknowledged records: then it keeps its place there
// and the partition stays offline until it is back (or unclean.leader.election.enable allows the loss).
void ControllerState::elect_after_loss(BrokerId gone) {
    std::vector<PartitionState> changes;
    for (const auto& [name, topic] : image_.topics()) {
        const bool unclean = allows_unclean(name);
        for (const PartitionState& state : topic.partitions) {
            if (!contains(state.isr, gone) && state.leader != gone) continue;
            PartitionState next = state;
            if (next.isr.size() > 1) drop(next.isr, gone);
            if (next.leader == gone) {
                next.leader = pick_leader(next);
                ++next.leader_epoch;
                if (next.leader == no_broker && unclean) lead_uncleanly(next);
            }
            changes.push_back(std::move(next));
        }
    }
    for (auto& next : changes) change(std::move(next));
}

void ControllerState::elect_after_return(BrokerId back) {
    std::vector<PartitionState> changes;
    for (const auto& [name, topic] : image_.topics()) {
        const bool unclean = allows_unclean(name);
        for (const PartitionState& state : topic.partitions) {
            if (state.leader != no_broker || !contains(state.replicas, back)) continue;
            PartitionState next = state;
            next.leader = pick_leader(next);
            if (next.leader == no_broker && unclean) lead_uncleanly(next);
            if (next.leader == no_broker) continue;
            ++next.leader_epoch;
            changes.push_back(std::move(next));
        }
    }
    for (auto& next : changes) change(std::move(next));
}

Fault ControllerState::check_alter(const PartitionState& state, const AlterPartition& wish, BrokerId from) const {
    if (state.leader != from) return Fault::not_leader_or_follower;
    if (wish.leader_epoch != state.leader_epoch) return Fault::fenced_leader_epoch;
    if (wish.partition_epoch != state.partition_epoch) return Fault::invalid_update_version;
    if (!contains(wish.isr, from)) return Fault::invalid_request;
    for (const BrokerId id : wish.isr) {
        if (!contains(state.replicas, id)) return Fault::invalid_request;
        if (!contains(state.isr, id) && !image_.usable(id)) return Fault::ineligible_replica;
    }
    return Fault::none;
}

AlterPartitionsReply ControllerState::alter_partitions(const AlterPartitionsRequest& request) {
    AlterPartitionsReply reply;
    const BrokerState* broker = image_.broker(request.id);
    if (!broker || broker->epoch != request.epoch || broker->fenced) {
        reply.fault = Fault::stale_broker_epoch;
        return reply;
    }
    for (const AlterPartition& wish : request.partitions) {
        const PartitionState* state = image_.partition(wish.topic, wish.partition);
        const Fault fault = state ? check_alter(*state, wish, request.id) : Fault::unknown_topic_or_partition;
        reply.partitions.push_back(fault);
        if (fault != Fault::none) continue;
        PartitionState next = *state;
        next.isr = wish.isr;
        finish_reassignment(next);
        change(std::move(next));
    }
    return reply;
}

AllocateProducerIdsReply ControllerState::allocate_producer_ids() {
    const std::int64_t first = image_.next_producer_id();
    commit(ProducerIdsRecord{first + producer_id_block});
    return {.first = first, .count = producer_id_block};
}

// Cuts over once every replica of the target is in sync.
void ControllerState::finish_reassignment(PartitionState& state) const {
    if (!state.reassigning()) return;
    std::vector<BrokerId> target = state.replicas;
    std::erase_if(target, [&](BrokerId id) { return contains(state.removing, id); });
    if (!std::ranges::all_of(target, [&](BrokerId id) { return contains(state.isr, id); })) return;
    state.replicas = target;
    std::erase_if(state.isr, [&](BrokerId id) { return !contains(target, id); });
    state.adding.clear();
    state.removing.clear();
    // The epoch grows even when the leader stays: removed replicas must not be taken for followers again.
    ++state.leader_epoch;
    if (!contains(target, state.leader)) state.leader = pick_leader(state);
}

Outcome ControllerState::reassign(std::string_view topic, std::int32_t partition,
                                  std::optional<std::vector<BrokerId>> target) {
    const PartitionState* state = image_.partition(topic, partition);
    if (!state) return {Fault::unknown_topic_or_partition, "This server does not host this topic-partition."};
    PartitionState next = *state;
    std::vector<BrokerId> original = state->replicas;
    std::erase_if(original, [&](BrokerId id) { return contains(state->adding, id); });

    if (!target) {
        if (!state->reassigning())
            return {Fault::no_reassignment_in_progress, "No partition reassignment is in progress."};
        target = original;
    } else if (auto bad = check_replicas(*target); !bad.ok()) {
        return bad;
    }
    next.adding.clear();
    next.removing.clear();
    next.replicas = *target;
    for (const BrokerId id : *target) {
        if (!contains(original, id)) next.adding.push_back(id);
    }
    for (const BrokerId id : original) {
        if (contains(*target, id)) continue;
        next.removing.push_back(id);
        next.replicas.push_back(id);
    }
    std::erase_if(next.isr, [&](BrokerId id) { return !contains(next.replicas, id); });
    if (next.isr.empty()) {
        return {Fault::invalid_replica_assignment, "No replica of the resulting assignment is in sync."};
    }
    if (!contains(next.replicas, next.leader)) {
        next.leader = pick_leader(next);
        ++next.leader_epoch;
    }
    finish_reassignment(next);
    change(std::move(next));
    return {};
}

Outcome ControllerState::elect_preferred(std::string_view topic, std::int32_t partition) {
    // The sentences are those of Kafka's ReplicationControlManager and Errors.
    if (!image_.topic(topic)) return {Fault::unknown_topic_or_partition, fmt::format("No such topic as {}", topic)};
    const PartitionState* state = image_.partition(topic, partition);
    if (!state) return {Fault::unknown_topic_or_partition, fmt::format("No such partition as {}-{}", topic, partition)};
    const BrokerId preferred = state->replicas.front();
    if (state->leader == preferred)
        return {Fault::election_not_needed, "Leader election not needed for topic partition."};
    if (!contains(state->isr, preferred) || !image_.usable(preferred))
        return {Fault::preferred_leader_not_available, "The preferred leader was not available."};
    PartitionState next = *state;
    next.leader = preferred;
    ++next.leader_epoch;
    change(std::move(next));
    return {};
}

Outcome ControllerState::elect_unclean(std::string_view topic, std::int32_t partition) {
    if (!image_.topic(topic)) return {Fault::unknown_topic_or_partition, fmt::format("No such topic as {}", topic)};
    const PartitionState* state = image_.partition(topic, partition);
    if (!state) return {Fault::unknown_topic_or_partition, fmt::format("No such partition as {}-{}", topic, partition)};
    // As Kafka's controller: whatever leads is left alone, well or not.
    if (state->leader != no_broker)
        return {Fault::election_not_needed, "Leader election not needed for topic partition."};
    PartitionState next = *state;
    next.leader = pick_leader(next);
    if (next.leader == no_broker) lead_uncleanly(next);
    if (next.leader == no_broker)
        return {Fault::eligible_leaders_not_available, "Eligible topic partition leaders are not available."};
    ++next.leader_epoch;
    change(std::move(next));
    return {};
}

void ControllerState::balance_leaders() {
    std::vector<std::pair<std::string, std::int32_t>> all;
    for (const auto& [name, topic] : image_.topics()) {
        for (const PartitionState& state : topic.partitions) all.emplace_back(name, state.partition);
    }
    for (const auto& [name, partition] : all) static_cast<void>(elect_preferred(name, partition));
}

}  // namespace medic::engine::broker

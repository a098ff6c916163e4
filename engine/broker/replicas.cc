#include "engine/broker/replicas.h"

#include <algorithm>

#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "broker";

}  // namespace

Replicas::Replicas(ReplicasOptions options, const ClusterImage& image, const Config& config, Callbacks callbacks)
    : options_(std::move(options)), image_(image), config_(config), callbacks_(std::move(callbacks)) {}

void Replicas::apply(const std::set<std::string>& topics, Instant now) {
    std::erase_if(counters_.topics, [&](const auto& entry) { return !image_.topic(entry.first); });
    std::vector<TopicPartition> gone;
    for (const auto& [id, replica] : replicas_) {
        if (!topics.contains(id.topic)) continue;
        const TopicState* topic = image_.topic(id.topic);
        const PartitionState* state = image_.partition(id.topic, id.partition);
        const bool same = topic && topic->id == replica->topic_id;
        if (!same || !state || !contains(state->replicas, options_.self)) gone.push_back(id);
    }
    for (const auto& id : gone) remove(id);
    for (const std::string& name : topics) {
        const TopicState* topic = image_.topic(name);
        if (!topic) continue;
        for (const PartitionState& state : topic->partitions) {
            if (!contains(state.replicas, options_.self)) continue;
            auto& replica = replicas_[{name, state.partition}];
            if (!replica) {
                replica = std::make_unique<Replica>();
                replica->id = {name, state.partition};
                replica->topic_id = topic->id;
                replica->state.leader_epoch = -1;
            }
            if (!replica->log && !offline_) {
                if (const auto opened = open_log(*replica); !opened) open_failed(*replica, opened.error());
            }
            give_role(*replica, state, now);
        }
    }
    if (!strays_removed_) remove_strays();
}

void Replicas::give_role(Replica& replica, const PartitionState& state, Instant now) {
    const PartitionState before = std::exchange(replica.state, state);
    const bool same_reign = before.leader_epoch == state.leader_epoch;
    if (!replica.log || offline_) {
        replica.leader.reset();
        return;
    }
    if (state.leader != options_.self) {
        const bool led = replica.leader.has_value();
        replica.leader.reset();
        if (led || !same_reign) wake_all(replica);
        if (const auto done = replica.log->forget_empty_epochs(); !done) return disk_failed(done.error());
        if (led) callbacks_.leadership(replica.id);
        return;
    }
    if (replica.leader && same_reign) {
        if (state.isr.size() < before.isr.size()) ++counters_.isr_shrinks;
        if (state.isr.size() > before.isr.size()) ++counters_.isr_expands;
        replica.leader->update(state, now);
        advance(replica);
        return;
    }
    // The end of a reassignment renews the reign of a leader that stays. Nobody else has led in between: all that it
    // has stored stays, and who waits for it to be committed, or has state that was loaded from it, can go on.
    const bool stays = replica.leader && state.leader_epoch == before.leader_epoch + 1;
    if (const auto noted = replica.log->note_epoch(state.leader_epoch); !noted) return disk_failed(noted.error());
    replica.leader.emplace(state, options_.self, replica.log->end_offset(), now);
    if (stays) {
        wake_fetches(replica);
        return advance(replica);
    }
    replica.leads_since = state.leader_epoch;
    wake_all(replica);
    advance(replica);
    callbacks_.leadership(replica.id);
}

void Replicas::remove(const TopicPartition& id) {
    const auto found = replicas_.find(id);
    if (found == replicas_.end()) return;
    const auto replica = std::move(found->second);
    replicas_.erase(found);
    stored_high_watermarks_.erase(id);
    const bool led = replica->leader.has_value();
    replica->leader.reset();
    replica->log.reset();
    wake_all(*replica);
    if (led) callbacks_.leadership(id);
    std::error_code error;
    std::filesystem::remove_all(folder_of(id), error);
    log_info(who, "replica {} removed", id.to_string());
}

Replica* Replicas::find(std::string_view topic, std::int32_t partition) {
    const auto found = replicas_.find(TopicPartition{std::string(topic), partition});
    return found == replicas_.end() ? nullptr : found->second.get();
}

Fault Replicas::check_leader(const Replica* replica, std::int32_t epoch) const {
    if (!replica) return Fault::unknown_topic_or_partition;
    if (!replica->log || offline_) return Fault::kafka_storage_error;
    if (epoch >= 0 && epoch < replica->state.leader_epoch) return Fault::fenced_leader_epoch;
    if (epoch > replica->state.leader_epoch) return Fault::unknown_leader_epoch;
    return replica->leads() ? Fault::none : Fault::not_leader_or_follower;
}

std::size_t Replicas::min_in_sync(const std::string& topic) const {
    return static_cast<std::size_t>(config_.topic_number(image_, topic, "min.insync.replicas"));
}

TopicCounters& Replicas::counters(std::string_view topic) {
    const auto found = counters_.topics.find(topic);
    if (found != counters_.topics.end()) return found->second;
    // Names of topics that don't exist must not pile up.
    return image_.topic(topic) ? counters_.topics[std::string(topic)] : unknown_topic_;
}

}  // namespace medic::engine::broker

#include "engine/broker/leader_state.h"

#include <algorithm>

namespace medic::engine::broker {

LeaderState::LeaderState(const PartitionState& state, BrokerId self, std::int64_t epoch_start, Instant now)
    : self_(self), epoch_start_(epoch_start) {
    update(state, now);
}

void LeaderState::update(const PartitionState& state, Instant now) {
    isr_ = state.isr;
    asked_.reset();
    std::erase_if(followers_, [&](const auto& entry) {
        return std::ranges::find(state.replicas, entry.first) == state.replicas.end();
    });
    for (const BrokerId id : state.replicas) {
        // A new leader gives everyone the whole lag time before it judges them.
        if (id != self_) followers_.try_emplace(id, Follower{.caught_up = now, .last_fetch = now});
    }
}

bool LeaderState::in_sync(BrokerId id) const { return std::ranges::find(isr_, id) != isr_.end(); }

void LeaderState::on_fetch(BrokerId id, std::int64_t offset, std::int64_t log_end, Instant now) {
    const auto found = followers_.find(id);
    if (found == followers_.end()) return;
    Follower& follower = found->second;
    if (offset >= log_end) {
        follower.caught_up = now;
    } else if (offset >= follower.log_end_at_last_fetch) {
        // It has all that we had when it asked before: under steady writes nobody is ever at the very end.
        follower.caught_up = std::max(follower.caught_up, follower.last_fetch);
    }
    follower.end_offset = offset;
    follower.last_fetch = now;
    follower.log_end_at_last_fetch = log_end;
}

std::int64_t LeaderState::committed_end(std::int64_t log_end) const {
    std::int64_t committed = log_end;
    for (const auto& [id, follower] : followers_) {
        const bool about_to_be = asked_ && std::ranges::find(*asked_, id) != asked_->end();
        if (in_sync(id) || about_to_be) committed = std::min(committed, follower.end_offset);
    }
    return committed;
}

std::optional<std::vector<BrokerId>> LeaderState::wanted_isr(const IsrQuestion& question) {
    if (asked_) return std::nullopt;
    std::vector<BrokerId> wanted;
    for (const BrokerId id : isr_) {
        const auto found = followers_.find(id);
        if (found == followers_.end()) {
            wanted.push_back(id);  // Ourselves.
            continue;
        }
        const Follower& follower = found->second;
        const bool slow =
            follower.end_offset < question.log_end && question.now - follower.caught_up > question.lag_max;
        if (!slow) wanted.push_back(id);
    }
    for (const auto& [id, follower] : followers_) {
        if (in_sync(id) || follower.end_offset < std::max(question.high_watermark, epoch_start_)) continue;
        if (question.usable(id)) wanted.push_back(id);
    }
    if (wanted == isr_) return std::nullopt;
    asked_ = wanted;
    return wanted;
}

std::optional<std::int64_t> LeaderState::follower_end(BrokerId id) const {
    const auto found = followers_.find(id);
    if (found == followers_.end() || found->second.end_offset < 0) return std::nullopt;
    return found->second.end_offset;
}

}  // namespace medic::engine::broker

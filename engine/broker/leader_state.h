// What the leader of a partition knows of its followers: who is caught up, how far records are committed (the high
// watermark), and which ISR it wants. Sans-I/O: time and log ends are handed in.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "agent/base/time.h"
#include "engine/broker/cluster_image.h"

namespace medic::engine::broker {

class LeaderState {
public:
    // `epoch_start` is the log end when this reign began: a follower below it may still have to cut its log.
    LeaderState(const PartitionState& state, BrokerId self, std::int64_t epoch_start, Instant now);

    // The controller's latest word within the same leader epoch; settles a change asked for.
    void update(const PartitionState& state, Instant now);

    // A follower asks for `offset`: it has everything below. `log_end` is ours.
    void on_fetch(BrokerId follower, std::int64_t offset, std::int64_t log_end, Instant now);

    // Smallest end among those in sync (and those about to be): what all of them have.
    [[nodiscard]] std::int64_t committed_end(std::int64_t log_end) const;

    struct IsrQuestion {
        std::int64_t log_end = 0;
        std::int64_t high_watermark = 0;
        Instant now;
        Duration lag_max{30'000};              // replica.lag.time.max.ms
        std::function<bool(BrokerId)> usable;  // Neither fenced nor shutting down.
    };
    // The ISR to ask the controller for; nothing when the present one is right or a change is already under way.
    [[nodiscard]] std::optional<std::vector<BrokerId>> wanted_isr(const IsrQuestion& question);
    void change_failed() { asked_.reset(); }  // May be asked again.

    [[nodiscard]] std::size_t isr_size() const { return isr_.size(); }
    [[nodiscard]] std::optional<std::int64_t> follower_end(BrokerId follower) const;

private:
    struct Follower {
        std::int64_t end_offset = -1;  // Unknown until its first fetch.
        Instant caught_up;             // When it last had all that we had.
        Instant last_fetch;
        std::int64_t log_end_at_last_fetch = 0;
    };
    [[nodiscard]] bool in_sync(BrokerId id) const;

    BrokerId self_;
    std::int64_t epoch_start_;
    std::vector<BrokerId> isr_;
    std::optional<std::vector<BrokerId>> asked_;
    std::map<BrokerId, Follower> followers_;
};

}  // namespace medic::engine::broker

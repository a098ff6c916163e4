#include "engine/drill/recovery_watch.h"

#include <algorithm>

namespace medic::engine::drill {

RecoveryWatch::RecoveryWatch(RecoveryOptions options, double baseline_per_second, Instant injected_at)
    : options_(options), baseline_per_second_(baseline_per_second), injected_at_(injected_at) {}

void RecoveryWatch::observe(Instant at, std::uint64_t count) {
    if (recovered_after_) return;
    if (!window_.empty() && count < window_.back().count) window_.clear();
    window_.push_back({at, count});
    // One observation at or before the longest span's begin stays: each rate is over at least a whole span.
    const Duration longest = std::max(options_.window, options_.hold);
    while (window_.size() > 2 && window_[1].at <= at - longest) window_.pop_front();

    const auto rate = rate_over(options_.window);
    flowing_ = rate && *rate >= options_.recovered_ratio * baseline_per_second_;
    if (rate && *rate < options_.fallen_ratio * baseline_per_second_) fallen_ = true;
    const auto held = rate_over(options_.hold);
    if (fallen_ && flowing_ && held && *held >= options_.recovered_ratio * baseline_per_second_) {
        recovered_after_ = std::max(begin_of(options_.hold)->at - injected_at_, Duration(0));
    }
}

// The newest observation that is at least `span` old; none of before the fault.
std::optional<RecoveryWatch::Observation> RecoveryWatch::begin_of(Duration span) const {
    for (auto observation = window_.rbegin(); observation != window_.rend(); ++observation) {
        if (observation->at > window_.back().at - span) continue;
        if (observation->at < injected_at_) return std::nullopt;
        return *observation;
    }
    return std::nullopt;
}

std::optional<double> RecoveryWatch::rate_over(Duration span) const {
    const auto begin = begin_of(span);
    if (!begin) return std::nullopt;
    return static_cast<double>(window_.back().count - begin->count) / std::chrono::duration<double>(window_.back().at - begin->at).count();
}

void RecoveryWatch::observe_safety(Instant at, bool safe) {
    if (recovered_after_) return;
    if (!safe) {
        fallen_ = true;
        safe_since_.reset();
        return;
    }
    if (!safe_since_) safe_since_ = at;
    if (fallen_ && at - *safe_since_ >= options_.window) recovered_after_ = *safe_since_ - injected_at_;
}

}  // namespace medic::engine::drill

#include "engine/drill/recovery_watch.h"

#include <algorithm>
#include <iterator>

namespace medic::engine::drill {

RecoveryWatch::RecoveryWatch(RecoveryOptions options, double baseline_per_second, Instant injected_at)
    : options_(options), baseline_per_second_(baseline_per_second), injected_at_(injected_at) {}

void RecoveryWatch::observe(Instant at, std::uint64_t count) {
    if (last_rise_ && count > last_rise_->count)
        longest_standstill_ = std::max(longest_standstill_, std::chrono::duration_cast<Duration>(at - last_rise_->at));
    if (!last_rise_ || count != last_rise_->count) last_rise_ = {at, count};
    if (recovered_after_) return;
    if (!window_.empty() && count < window_.back().count) window_.clear();
    window_.push_back({at, count});
    // One observation at or before the window's begin stays: the rate is over at least a whole window.
    while (window_.size() > 2 && window_[1].at <= at - options_.window) window_.pop_front();
    const Observation& begin = window_.front();
    if (begin.at > at - options_.window || begin.at < injected_at_) return;

    const double rate = static_cast<double>(count - begin.count) / std::chrono::duration<double>(at - begin.at).count();
    if (rate < options_.fallen_ratio * baseline_per_second_) fallen_ = true;
    flowing_ = rate >= options_.recovered_ratio * baseline_per_second_;
    if (!flowing_) full_since_.reset();
    if (flowing_ && !full_since_) full_since_ = begin_of_flow();
    if (fallen_ && full_since_ && at - *full_since_ >= options_.hold) recovered_after_ = *full_since_ - injected_at_;
}

// A high rate makes a window full whose larger part was still: it counts from the last look at which the count stood.
Instant RecoveryWatch::begin_of_flow() const {
    const auto moved =
        std::ranges::find_if(window_, [&](const Observation& one) { return one.count != window_.front().count; });
    return moved == window_.begin() || moved == window_.end() ? window_.front().at : std::prev(moved)->at;
}

void RecoveryWatch::observe_safety(Instant at, bool safe) {
    if (recovered_after_) return;
    flowing_ = safe;
    if (!safe) {
        fallen_ = true;
        safe_since_.reset();
        return;
    }
    if (!safe_since_) safe_since_ = at;
    if (fallen_ && at - *safe_since_ >= options_.window) recovered_after_ = *safe_since_ - injected_at_;
}

}  // namespace medic::engine::drill

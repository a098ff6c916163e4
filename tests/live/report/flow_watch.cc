#include "tests/live/report/flow_watch.h"

namespace medic::live {

double FlowWatch::share_of_rate(const Seen& from, const Seen& to) const {
    const double seconds = std::chrono::duration<double>(to.at - from.at).count();
    return seconds <= 0 ? 0 : static_cast<double>(to.count - from.count) / seconds / rate_before_;
}

double FlowWatch::ahead(const Seen& seen) const {
    const double seconds = std::chrono::duration<double>(seen.at - injected_at_).count();
    return static_cast<double>(seen.count) - options_.recovered_ratio * rate_before_ * seconds;
}

void FlowWatch::observe(Instant at, std::uint64_t count) {
    if (recovered_after_) return;
    const Seen last = seen_.back(), now{at, count};
    const bool rose = count > last.count;
    if (fallen_ && rose && (!resumed_ || (rose_at_ && at - *rose_at_ > options_.gap))) resumed_ = Seen{at, last.count};
    if (rose) rose_at_ = at;
    seen_.push_back(now);
    // One look at or before the window's begin stays: the rate is over at least the whole of it.
    while (seen_.size() > 2 && seen_[1].at <= at - options_.hold) seen_.pop_front();

    if (at - seen_.front().at >= options_.hold) {
        const double share = share_of_rate(seen_.front(), now);
        flowing_ = share >= options_.recovered_ratio;
        if (share < options_.fallen_ratio) fallen_ = true;
    }
    const bool still = at - rose_at_.value_or(injected_at_) > options_.gap;
    if (still) fallen_ = true, flowing_ = false, resumed_.reset();
    // Where a part went on, what was held up comes in a burst and would make up for the time before it: the flow begins
    // where most was missing.
    if (resumed_ && ahead(now) < ahead(*resumed_)) resumed_ = now;
    if (!fallen_ || !resumed_ || at - resumed_->at < options_.hold) return;
    if (share_of_rate(*resumed_, now) >= options_.recovered_ratio)
        recovered_after_ = resumed_->at - injected_at_;
    else
        resumed_ = Seen{at, count};  // A trickle: the flow that counts begins later.
}

}  // namespace medic::live

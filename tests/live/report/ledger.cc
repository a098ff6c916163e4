#include "tests/live/report/ledger.h"

#include <algorithm>
#include <unordered_set>

namespace medic::live {

void Ledger::sent(std::int64_t key) {
    const std::scoped_lock lock(mutex_);
    order_.push_back(key);
    ++counts_[key].sent;
}

void Ledger::seen(std::int64_t key) {
    const std::scoped_lock lock(mutex_);
    ++counts_[key].seen;
    ++seen_;
}

std::size_t Ledger::sent_count() const {
    const std::scoped_lock lock(mutex_);
    return order_.size();
}

std::uint64_t Ledger::seen_count() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
}

RecordCheck Ledger::check(std::size_t from, std::size_t until) const {
    const std::scoped_lock lock(mutex_);
    RecordCheck check;
    std::unordered_set<std::int64_t> done;
    for (std::size_t i = from; i < std::min(until, order_.size()); ++i) {
        if (!done.insert(order_[i]).second) continue;
        const Counts& counts = counts_.at(order_[i]);
        check.checked += counts.sent;
        if (counts.seen < counts.sent) check.lost += counts.sent - counts.seen;
        if (counts.seen > counts.sent) check.doubled += counts.seen - counts.sent;
    }
    return check;
}

}  // namespace medic::live

#include "agent/store/fact_book.h"

namespace medic {

void FactBook::record(const Fact& fact, WallTime now) {
    if (fact.observed_at > now + options_.future_max) return;
    const FactKey key{fact.subject, fact.name};
    auto found = keys_.find(key);
    if (found == keys_.end()) {
        if (keys_.size() >= options_.keys_max) return;
        found = keys_.emplace(key, Entry{}).first;
    } else if (found->second.newest.known() && fact.known() && fact.observed_at < found->second.newest.observed_at) {
        return;
    }
    Entry& entry = found->second;
    entry.newest = fact;
    entry.heard_at = now;
    if (!fact.value) return;
    if (!entry.points.empty() && entry.points.back().first >= fact.observed_at) return;
    entry.points.emplace_back(fact.observed_at, *fact.value);
    if (entry.points.size() > options_.points_max) entry.points.pop_front();
}

void FactBook::forget_before(WallTime now) {
    std::erase_if(keys_, [&](const auto& item) { return now - item.second.heard_at > options_.kept; });
}

const Fact* FactBook::latest(const FactKey& key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? nullptr : &found->second.newest;
}

bool FactBook::answered_since(const FactKey& key, WallTime since) const {
    const auto found = keys_.find(key);
    return found != keys_.end() && found->second.heard_at >= since;
}

const Fact* FactBook::fresh(const FactKey& key, WallTime now, Duration age_max) const {
    const Fact* fact = latest(key);
    if (fact == nullptr || !fact->known() || now - fact->observed_at > age_max) return nullptr;
    return fact;
}

std::optional<bool> FactBook::rose_since(const FactKey& key, WallTime since) const {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return std::nullopt;
    std::optional<double> before;
    bool compared = false;
    for (const auto& [at, value] : found->second.points) {
        if (at <= since) continue;
        if (before) {
            if (value > *before) return true;
            compared = true;
        }
        before = value;
    }
    return compared ? std::optional(false) : std::nullopt;
}

std::optional<double> FactBook::rate_since(const FactKey& key, WallTime since) const {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return std::nullopt;
    const std::pair<WallTime, double>* before = nullptr;
    double gained = 0;
    Duration span{0};
    for (const auto& point : found->second.points) {
        if (point.first <= since) continue;
        if (before != nullptr) {
            if (point.second > before->second) gained += point.second - before->second;
            span += point.first - before->first;
        }
        before = &point;
    }
    if (span < Duration{1'000}) return std::nullopt;
    return gained * 1000.0 / static_cast<double>(span.count());
}

}  // namespace medic

#include "agent/daemon/look_schedule.h"

#include <algorithm>

namespace medic {
namespace {

// FNV-1a: the same in every build, unlike std::hash.
std::uint64_t hash_of(const std::string& text) {
    std::uint64_t hash = 14'695'981'039'346'656'037U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
    return hash;
}

// The first looks come this far apart; all of them within `first_within`.
constexpr Duration first_apart{37}, first_within{5'000};

}  // namespace

void DurationCounts::add(Duration duration) {
    const double seconds = static_cast<double>(std::max(duration, Duration{0}).count()) / 1000;
    sum_s_ += seconds;
    for (std::size_t i = 0; i < bounds_s.size(); ++i)
        if (seconds <= bounds_s[i]) ++counts_[i];
    ++counts_.back();
}

LookSchedule::Id LookSchedule::add(Target target) {
    ++counts_[target.kind].targets;
    Entry entry{.target = std::move(target), .slot = {}, .phase = Duration{0}};
    entry.phase = Duration{static_cast<std::int64_t>(hash_of(entry.target.name) %
                                                     static_cast<std::uint64_t>(entry.target.interval.count()))};
    entries_.push_back(std::move(entry));
    return entries_.size() - 1;
}

void LookSchedule::start(Instant now) {
    began_ = now;
    const std::int64_t apart_us =
        std::min<std::int64_t>(first_apart.count(),
                               first_within.count() / static_cast<std::int64_t>(entries_.size() + 1)) *
        1000;
    for (Id id = 0; id < entries_.size(); ++id) {
        Entry& entry = entries_[id];
        entry.slot = now + entry.target.first_after + Duration{apart_us * static_cast<std::int64_t>(id) / 1000};
        waiting_.emplace(entry.slot, id);
    }
}

std::optional<Instant> LookSchedule::next() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

std::vector<LookSchedule::Id> LookSchedule::due(Instant now) {
    std::vector<Id> ids;
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
        ids.push_back(waiting_.begin()->second);
        waiting_.erase(waiting_.begin());
    }
    return ids;
}

// The first slot at or after `not_before`.
void LookSchedule::arm(Id id, Instant not_before) {
    Entry& entry = entries_[id];
    const Duration interval = entry.target.interval;
    const Duration passed = not_before - (began_ + entry.phase);
    const std::int64_t slots = passed.count() <= 0 ? 0 : (passed.count() + interval.count() - 1) / interval.count();
    entry.slot = began_ + entry.phase + slots * interval;
    waiting_.emplace(entry.slot, id);
}

void LookSchedule::ended(Id id, Instant began, Outcome outcome, Instant now) {
    Entry& entry = entries_[id];
    LookCounts& counts = counts_[entry.target.kind];
    const bool was_suspect = suspect(id);
    entry.failures = outcome == Outcome::failed ? entry.failures + 1 : 0;
    counts.suspects += static_cast<std::size_t>(suspect(id)) - static_cast<std::size_t>(was_suspect);
    ++counts.looks;
    if (outcome == Outcome::failed) ++counts.failed;
    counts.lateness.add(began - entry.slot);
    counts.duration.add(now - began);

    // After the first look the grid begins: half an interval at least, so that nobody is asked twice at once.
    const Duration interval = entry.target.interval;
    const Instant earliest = entry.slot + interval / 2;
    if (now > entry.slot) counts.missed += static_cast<std::uint64_t>((now - entry.slot) / interval);
    const int extra = std::clamp(entry.failures - back_off_failures + 1, 0, back_off_intervals_max - 1);
    entry.began = began;
    entry.takes = std::max(now - began, entry.takes - entry.takes / 8);
    arm(id, std::max(earliest, now) + std::min(extra * interval, back_off_max));
    pull_forward(id, now);
}

void LookSchedule::hurry(Id id, Instant now) {
    entries_[id].hurried_until = now + hurried_for;
    pull_forward(id, now);
}

void LookSchedule::pull_forward(Id id, Instant now) {
    Entry& entry = entries_[id];
    if (entry.failures > 0 || !entry.began) return;
    Duration apart = Duration::max();
    if (entry.hurried_until && now < *entry.hurried_until) apart = hurried_interval;
    if (const Duration least = entry.target.interval_min; least > Duration{0})
        apart = std::min(apart, std::max(least, time_per_look * entry.takes));
    if (apart == Duration::max()) return;
    const Instant sooner = std::max(now, *entry.began + apart);
    if (sooner >= entry.slot || waiting_.erase(std::pair(entry.slot, id)) == 0) return;  // 0: a look is under way.
    entry.slot = sooner;
    waiting_.emplace(entry.slot, id);
}

void LookSchedule::skipped(Id id, Instant now) {
    Entry& entry = entries_[id];
    ++counts_[entry.target.kind].missed;
    arm(id, std::max(now, entry.slot + entry.target.interval / 2));
}

std::map<std::string, LookCounts> LookSchedule::counts() const { return counts_; }

}  // namespace medic

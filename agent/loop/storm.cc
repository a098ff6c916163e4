// Too many incidents at once: storm mode, until it has been calm for a while.
#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/state_internal.h"

namespace medic {

void StormWatch::add(WallTime at, const StormLimits& limits) {
    if (over_at && at >= *over_at) end();
    opened.push_back(at);
    while (opened.size() > StormLimits::incidents_max + 1) opened.pop_front();
    const auto within =
        static_cast<std::size_t>(std::ranges::count_if(opened, [&](WallTime one) { return at - one < limits.window; }));
    const auto allowed = static_cast<std::size_t>(limits.incidents);
    if (within <= allowed) return;
    most = std::max(most, within);
    // There are too many until so few are left in the window as the policy allows; then calm begins.
    const WallTime fewer_at = opened[opened.size() - 1 - allowed] + limits.window;
    over_at = std::max(over_at.value_or(fewer_at), fewer_at + limits.calm);
}

void StormWatch::end() {
    over_at.reset();
    most = 0;
    told = false;
}

void StormWatch::shift(Duration by) {
    for (auto& at : opened) at = at + by;
    if (over_at) over_at = *over_at + by;
}

// Where the clock was set back, what is recorded lies in times to come, or some of it: it counts as of now, so that a
// storm neither lasts until then nor is forgotten.
void StormWatch::restart(WallTime now, const StormLimits& limits) {
    std::vector<WallTime> all(opened.begin(), opened.end());
    for (auto& at : all) at = std::min(at, now);
    std::ranges::sort(all);
    StormWatch again;
    for (const auto at : all) again.add(at, limits);
    if (again.over_at && *again.over_at <= now) again.end();  // Unseen.
    again.told = again.over_at.has_value();                   // By the agent before.
    *this = std::move(again);
}

void Loop::State::restore_storms() {
    std::vector<std::pair<WallTime, std::string>> all;
    const auto take_up = [&](const Incident& incident) {
        const bool noted = incident.noticed_at.unix_ms != 0;  // Not in records of earlier releases.
        all.emplace_back(noted ? incident.noticed_at : incident.opened_at, incident.cluster);
    };
    for (const auto& incident : ended) take_up(incident);
    for (const auto& [number, incident] : open) take_up(incident);
    std::ranges::sort(all);
    for (const auto& [at, cluster] : all) storms[cluster].add(at, options.policy.storm);
}

void Loop::State::watch_storms() {
    for (auto& [cluster, storm] : storms) {
        if (!storm.over_at) continue;
        std::string text;
        if (now >= *storm.over_at) {
            text = fmt::format("the storm in {} is over: the agent acts again as the policy says", cluster);
            storm.end();
        } else if (!storm.told) {
            storm.told = true;
            text = fmt::format(
                "a storm in {}: {} incidents within {} s, more than {}. Nothing new begins there by itself before "
                "there were fewer for {} s; what was begun goes on, and what a person approves is done",
                cluster, storm.most, options.policy.storm.window.count() / 1000, options.policy.storm.incidents,
                options.policy.storm.calm.count() / 1000);
        }
        if (text.empty()) continue;
        effects.journal.emplace_back(DecisionRow{now, {}, {}, "storm", storm.told ? "begun" : "over", text, {}});
        tell_everybody(cluster, std::move(text));
    }
}

std::optional<Storm> Loop::State::storm_in(const std::string& cluster) const {
    const auto found = storms.find(cluster);
    if (found == storms.end() || !found->second.over_at) return std::nullopt;
    return Storm{found->second.most, *found->second.over_at};
}

}  // namespace medic

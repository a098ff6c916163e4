#include "classifiers/analyzers/places.h"

#include <algorithm>
#include <map>

namespace medic::analyzers {
namespace {

constexpr double saturated = 0.9;   // Who has time left holds nobody up.
constexpr double measurable = 0.1;  // Of a place that hardly works nothing can be said.
constexpr double slow_of_others = 0.5;
constexpr double cpu_of_others_max = 0.8;  // More would be more work, not a slower place.
constexpr std::size_t subtasks_min = 2;    // One alone may have got the hard records.

struct Place {
    double busy = 0, rate = 0;
    std::size_t subtasks = 0;
};

// By task manager; empty where the rate of one subtask is not known.
std::map<std::string, Place> places_of(const Lookup& lookup, const LabelValues& vertex, std::string_view records,
                                       Duration window, Duration span) {
    std::map<std::string, Place> places;
    for (const auto series : lookup.select("flink_subtask_busy_ratio", vertex)) {
        if (!lookup.value(series)) continue;
        const auto busy = lookup.history(series, window);
        auto which = vertex;
        const auto index = lookup.label(series, "subtask");
        which.emplace_back("subtask", index);
        std::optional<double> rate;
        std::string taskmanager;
        for (const auto count : lookup.select(records, which)) {
            if (!lookup.value(count)) continue;
            rate = rate_of(lookup.history(count, window), span);
            taskmanager = lookup.label(count, "taskmanager");
        }
        if (!rate || taskmanager.empty() || !spans(busy, span)) return {};
        Place& place = places[taskmanager];
        place.busy += mean_of(busy);
        place.rate += *rate;
        ++place.subtasks;
    }
    return places;
}

std::optional<double> cpu_of(const Lookup& lookup, const std::string& cluster, const std::string& taskmanager,
                             Duration window, Duration span) {
    const auto node = lookup.node_of({cluster, "taskmanager", taskmanager});
    if (!node) return std::nullopt;
    for (const auto series : lookup.select("process_cpu_seconds_total", {{"cluster", cluster}, {"node", *node}}))
        if (lookup.value(series)) return rate_of(lookup.history(series, window), span);
    return std::nullopt;
}

std::optional<SlowPlace> slowest(const std::map<std::string, Place>& places) {
    if (places.size() < 2) return std::nullopt;
    const auto per_busy = [](const Place& place) { return place.rate / place.busy; };
    const auto slow = std::ranges::min_element(places, {}, [&](const auto& one) { return per_busy(one.second); });
    const Place& place = slow->second;
    const double busy = place.busy / static_cast<double>(place.subtasks);
    std::vector<double> others;
    for (auto one = places.begin(); one != places.end(); ++one) {
        if (one->second.busy < measurable * static_cast<double>(one->second.subtasks)) return std::nullopt;
        if (one != slow) others.push_back(per_busy(one->second));
    }
    const double usual = median_of(others);
    if (place.subtasks < subtasks_min || busy < saturated || per_busy(place) > slow_of_others * usual)
        return std::nullopt;
    return SlowPlace{.taskmanager = slow->first,
                     .vertex = "",
                     .busy = busy,
                     .per_busy_second = per_busy(place),
                     .others_per_busy_second = usual,
                     .cpu = {},
                     .others_cpu = {}};
}

}  // namespace

std::optional<SlowPlace> slow_place(const Lookup& lookup, const Subject& job, const std::string& vertex,
                                    Duration window, Duration span) {
    const LabelValues which{{"cluster", job.cluster}, {"job", job.name}, {"vertex", vertex}};
    auto places = places_of(lookup, which, "flink_subtask_records_in_total", window, span);
    // Sources of many releases count only what they put out.
    if (std::ranges::all_of(places, [](const auto& one) { return one.second.rate <= 0; }))
        places = places_of(lookup, which, "flink_subtask_records_out_total", window, span);
    auto slow = slowest(places);
    if (!slow) return std::nullopt;
    slow->vertex = vertex;
    slow->cpu = cpu_of(lookup, job.cluster, slow->taskmanager, window, span);
    std::vector<double> others;
    for (const auto& [taskmanager, place] : places)
        if (taskmanager != slow->taskmanager)
            if (const auto cpu = cpu_of(lookup, job.cluster, taskmanager, window, span)) others.push_back(*cpu);
    if (!others.empty()) slow->others_cpu = median_of(others);
    if (slow->cpu && slow->others_cpu && *slow->cpu > cpu_of_others_max * *slow->others_cpu) return std::nullopt;
    return slow;
}

}  // namespace medic::analyzers

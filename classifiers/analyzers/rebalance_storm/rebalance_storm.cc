// rebalance-storm: the workers of a Connect cluster rebalance again and again, their connectors' tasks are stopped and
// started with it, and the changes of one connector (its settings, its failures) coincide with the rebalances while
// those of no other do. Never a worker's coming and going: that rebalances by itself, and then nobody is blamed; never
// more than one connector: a storm that outlasts the isolation of one has another reason.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::rebalance_storm {
namespace {

constexpr Duration window{5 * 60'000};
// A deployment of some connectors rebalances as often as it changes them: a handful, and then it is over.
constexpr double rebalances_min = 6;
constexpr int bystanders_min = 2;  // Starts of other connectors' tasks.
constexpr Duration told_late{10'000};
// With pages that are read once a minute.
constexpr Duration still_going{2 * 60'000};
constexpr Duration after_isolation{30 * 60'000};
// Of the rebalances: what makes one connector the culprit, and what clears all others.
constexpr double share_of_culprit = 0.8, share_of_others = 0.2;

// Rebalances that were completed between two looks at a worker's page.
struct Span {
    WallTime from, to;
    double rebalances = 0;
};

// As the worker tells them that has told of most.
std::vector<Span> rebalances_of(const Lookup& lookup, const std::string& cluster) {
    std::vector<Span> most;
    double most_of_all = 0;
    for (const SeriesId series : lookup.select("connect_worker_rebalances_total", {{"cluster", cluster}})) {
        std::vector<Span> spans;
        double all = 0;
        const auto samples = lookup.history(series, window);
        for (std::size_t i = 1; i < samples.size(); ++i) {
            const double rise = samples[i].value - samples[i - 1].value;
            if (rise <= 0) continue;  // Began anew: how often before that, nobody has seen.
            spans.push_back({{samples[i - 1].at_ms}, {samples[i].at_ms}, rise});
            all += rise;
        }
        if (all > most_of_all) most = std::move(spans), most_of_all = all;
    }
    return most;
}

double sum_of(const std::vector<Span>& spans) {
    double sum = 0;
    for (const Span& span : spans) sum += span.rebalances;
    return sum;
}

// A worker that came or went within the window, or may have: each such rebalances by itself.
bool workers_stayed(const Lookup& lookup, const std::string& cluster) {
    const auto reachable = lookup.select("connect_worker_reachable", {{"cluster", cluster}});
    const auto stayed = [&](SeriesId series) {
        return lookup.value(series) == 1.0 && lookup.is_only(series, 1, window + told_late);
    };
    if (reachable.empty() || !std::ranges::all_of(reachable, stayed)) return false;
    return std::ranges::none_of(
        lookup.select("process_start_time_seconds", {{"cluster", cluster}, {"role", "connect-worker"}}),
        [&](SeriesId series) {
            const auto samples = lookup.history(series, window + told_late);
            return std::ranges::any_of(samples, [&](const Sample& one) { return one.value != samples.front().value; });
        });
}

// When each connector's settings were changed, or a task of it failed.
std::map<std::string, std::vector<const Event*>> disturbances(const Lookup& lookup, const std::string& cluster) {
    std::map<std::string, std::vector<const Event*>> all;
    for (const Event* event : lookup.view().timeline.since(lookup.now().wall - window - told_late)) {
        if (event->subject.cluster != cluster) continue;
        const std::string& name = event->subject.name;
        if (event->kind == "config-change" && event->subject.kind == "connector") all[name].push_back(event);
        const auto to = event->fields.find("to");
        const bool failed = event->kind == "state-change" && event->subject.kind == "connector-task" &&
                            to != event->fields.end() && to->second == "FAILED";
        if (failed) all[name.substr(0, name.rfind('/'))].push_back(event);
    }
    return all;
}

// The share of the rebalances that have a disturbance of their own beside them.
double share_of(const std::vector<Span>& spans, const std::vector<const Event*>& events) {
    double beside = 0;
    for (const Span& span : spans)
        beside += std::min(span.rebalances, static_cast<double>(std::ranges::count_if(events, [&](const Event* event) {
                               return event->at > span.from - told_late && event->at <= span.to;
                           })));
    return beside / sum_of(spans);
}

// How often tasks of other connectors were started anew: they were seen without a worker for a moment, or, where nobody
// looked just then, their counters begin again.
int starts_of_others(const Lookup& lookup, const std::string& cluster, const std::string& culprit,
                     std::set<std::string>& who) {
    int starts = 0;
    for (const Event* event : lookup.view().timeline.since(lookup.now().wall - window)) {
        const auto to = event->fields.find("to");
        if (event->kind != "state-change" || event->subject.kind != "connector-task" ||
            event->subject.cluster != cluster || to == event->fields.end() || to->second != "UNASSIGNED")
            continue;
        const std::string connector = event->subject.name.substr(0, event->subject.name.rfind('/'));
        if (connector == culprit) continue;
        ++starts;
        who.insert(connector);
    }
    for (const SeriesId series : lookup.select("connect_task_records_total", {{"cluster", cluster}})) {
        const std::string connector = lookup.label(series, "connector");
        if (connector == culprit) continue;
        const auto samples = lookup.history(series, window);
        for (std::size_t i = 1; i < samples.size(); ++i) {
            if (samples[i].value >= samples[i - 1].value) continue;
            ++starts;
            who.insert(connector);
        }
    }
    return starts;
}

bool one_was_isolated(const Lookup& lookup, const std::string& cluster) {
    for (const char* state : {"STOPPED", "PAUSED"})
        for (const SeriesId series :
             lookup.select("connect_connector_state", {{"cluster", cluster}, {"state", state}})) {
            if (lookup.value(series) != 1.0) continue;
            const auto since = lookup.since(series, after_isolation);
            if (since && lookup.now().wall - *since < after_isolation - told_late) return true;
        }
    return false;
}

// "3.9.1": 3, 9.
std::optional<std::pair<int, int>> release_of(const std::string& version) {
    std::pair<int, int> release;
    const char* const end = version.data() + version.size();
    const auto major = std::from_chars(version.data(), end, release.first);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, release.second);
    return minor.ec == std::errc{} ? std::optional(release) : std::nullopt;
}

// The lowest release of the workers: which requests all of them know. nullopt: not told by all.
std::optional<std::pair<int, int>> lowest_release(const Lookup& lookup, const std::string& cluster) {
    std::optional<std::pair<int, int>> lowest;
    for (const Subject& worker : lookup.view().topology.all(cluster, "worker")) {
        const auto version = lookup.view().topology.attribute(worker, "version");
        const auto release = version ? release_of(*version) : std::nullopt;
        if (!release) return std::nullopt;
        lowest = std::min(lowest.value_or(*release), *release);
    }
    return lowest;
}

struct Storm {
    std::string cluster, culprit;
    std::vector<Span> spans;
    std::vector<const Event*> events;
    std::set<std::string> bystanders;
    int starts = 0;
};

Finding finding_of(const Lookup& lookup, const Storm& storm) {
    const int rebalances = static_cast<int>(sum_of(storm.spans));
    std::string others;
    constexpr std::size_t named_max = 5;
    for (const std::string& one : storm.bystanders)
        if (static_cast<std::size_t>(std::ranges::count(others, ',')) + 1 < named_max || others.empty())
            others += (others.empty() ? "" : ",") + one;
    Finding finding{
        .id = "rebalance-storm",
        .subject = {storm.cluster, "connector", storm.culprit},
        .since = storm.spans.front().from,
        .weight = 1,
        .summary = "connector " + storm.culprit + " makes its workers rebalance: " + std::to_string(rebalances) +
                   " times in " + spoken(window) + ", and other connectors stand meanwhile",
        .fields = {{"connector", storm.culprit},
                   {"rebalances", std::to_string(rebalances)},
                   {"disturbances", std::to_string(storm.events.size())},
                   {"others", others}},
        .evidence = {
            {"metric", "connect_worker_rebalances_total", std::to_string(rebalances) + " rebalances were completed",
             static_cast<double>(rebalances), storm.spans.back().to},
            {"event", storm.events.back()->id,
             std::to_string(storm.events.size()) + " changes or failures of " + storm.culprit +
                 " came with them, and those of no other connector did",
             0, storm.events.back()->at},
            {"metric", "connect_task_records_total",
             std::to_string(storm.starts) + " starts of tasks of other connectors (" + others + ")",
             static_cast<double>(storm.starts), storm.spans.back().to},
            {"topology", "connect_worker_reachable", "no worker came or went", 1, lookup.now().wall}}};
    // Stopping connectors came with Connect 3.5 (KIP-875).
    if (const auto release = lowest_release(lookup, storm.cluster))
        finding.fields["can_be_stopped"] = *release >= std::pair{3, 5} ? "true" : "false";
    return finding;
}

std::optional<Storm> storm_in(const Lookup& lookup, const std::string& cluster) {
    Storm storm{
        .cluster = cluster, .culprit = "", .spans = rebalances_of(lookup, cluster), .events = {}, .bystanders = {}};
    if (sum_of(storm.spans) < rebalances_min || !workers_stayed(lookup, cluster)) return std::nullopt;
    if (lookup.now().wall - storm.spans.back().to > still_going) return std::nullopt;
    for (auto& [connector, events] : disturbances(lookup, cluster)) {
        const double share = share_of(storm.spans, events);
        if (share <= share_of_others) continue;
        if (share < share_of_culprit || !storm.culprit.empty()) return std::nullopt;  // Not one alone.
        storm.culprit = connector;
        storm.events = std::move(events);
    }
    if (storm.culprit.empty() || one_was_isolated(lookup, cluster)) return std::nullopt;
    storm.starts = starts_of_others(lookup, cluster, storm.culprit, storm.bystanders);
    return storm.starts >= bystanders_min ? std::optional(std::move(storm)) : std::nullopt;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::set<std::string> clusters;
    for (const SeriesId series : lookup.select("connect_worker_rebalances_total"))
        clusters.insert(lookup.label(series, "cluster"));
    std::vector<Finding> found;
    for (const std::string& cluster : clusters)
        if (const auto storm = storm_in(lookup, cluster)) found.push_back(finding_of(lookup, *storm));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"rebalance_storm",
            "A connector whose changes make its workers rebalance again and again, so that the others stand.",
            {"rebalance-storm"},
            run,
            "connect_worker_rebalances_total and connect_worker_reachable and connect_task_records_total",
            Duration{5'000}};
}

}  // namespace medic::analyzers::rebalance_storm

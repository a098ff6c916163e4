// herder-blocked: a Connect worker's REST API answers, and what only its herder thread can answer has not come for a
// while: that thread hangs, mostly in a connector. It also waits for Kafka (a coordinator, a topic of its own) and, in
// a rebalance, for the other workers: neither is a fault of this worker. Workers that don't answer at all are
// service_silence's.
#include <algorithm>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/kafka_answers.h"
#include "classifiers/analyzers/lookup.h"
#include "classifiers/analyzers/sink_tasks.h"

namespace medic::analyzers::herder_silence {
namespace {

constexpr Duration look_back{10 * 60'000};
// Each question had 3 s for its answer already.
constexpr Duration blocked_floor{8'000};

// What only the herder can answer has come or not, look by look.
struct Herder {
    std::string cluster, worker;
    bool silent = false, has_answered = false;
    WallTime since, newest;  // Since when it is as it is; the newest look.
    Duration longest_silence_before{0};

    [[nodiscard]] Duration standing() const { return newest - since; }
};

std::optional<Herder> herder_of(const Lookup& lookup, SeriesId series) {
    Herder herder{.cluster = lookup.label(series, "cluster"), .worker = lookup.label(series, "worker")};
    if (!lookup.sample(series)) return std::nullopt;
    const auto host = lookup.node_of({herder.cluster, "worker", herder.worker});
    const Duration window =
        host ? lookup.within_its_life({{"cluster", herder.cluster}, {"node", *host}}, look_back) : look_back;
    const auto looks = lookup.history(series, window);
    if (looks.size() < 2) return std::nullopt;
    herder.since = {looks.front().at_ms};
    herder.newest = {looks.back().at_ms};
    herder.silent = looks.front().value == 0;
    for (const Sample& look : looks) {
        const bool silent = look.value == 0;
        herder.has_answered = herder.has_answered || !silent;
        if (silent == herder.silent) continue;
        if (herder.silent)
            herder.longest_silence_before =
                std::max(herder.longest_silence_before, WallTime{look.at_ms} - herder.since);
        herder.silent = silent;
        herder.since = {look.at_ms};
    }
    return herder;
}

bool is_silent(const Herder& herder) { return herder.silent; }

// For longer than a question may take, and than it has been silent and come back.
bool is_blocked(const Herder& herder) {
    return herder.has_answered && herder.standing() >= blocked_floor &&
           herder.standing() >= 2 * herder.longest_silence_before;
}

std::map<std::string, std::vector<Herder>> herders_by_cluster(const Lookup& lookup) {
    std::map<std::string, std::vector<Herder>> found;
    for (const SeriesId series : lookup.select("connect_worker_herder_answers"))
        if (auto herder = herder_of(lookup, series)) found[herder->cluster].push_back(*std::move(herder));
    return found;
}

bool kafka_answered_before(const Lookup& lookup, const std::string& cluster, WallTime at) {
    const auto answered = brokers_answered(lookup, cluster, look_back);
    return answered && answered->from < at;
}

Finding finding_of(const Lookup& lookup, const Herder& herder) {
    Finding finding{
        .id = "herder-blocked",
        .subject = {herder.cluster, "worker", herder.worker},
        .since = herder.since,
        .weight = 1,
        .summary = "the herder thread of Connect worker " + herder.worker + " has not answered for " +
                   spoken(herder.standing()),
        .fields = {{"worker", herder.worker}, {"sink_tasks", sink_tasks_of(lookup, herder.cluster, herder.worker)}},
        .evidence = {}};
    if (const auto node = lookup.node_of(finding.subject)) finding.fields["node"] = *node;
    finding.evidence = {
        {"metric", "connect_worker_herder_answers", "nothing comes that only the herder thread can answer", 0,
         herder.since},
        {"metric", "connect_worker_reachable", "its REST API answers what needs no herder", 1, herder.newest}};
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto& [cluster, all] : herders_by_cluster(lookup)) {
        // Two that wait at once wait for each other, or for the same thing.
        if (std::ranges::count_if(all, is_silent) != 1) continue;
        const Herder& herder = *std::ranges::find_if(all, is_silent);
        if (!is_blocked(herder) || lookup.starved(cluster)) continue;
        if (!kafka_answered_before(lookup, cluster, herder.since)) continue;
        const LabelValues which{{"cluster", cluster}, {"worker", herder.worker}};
        if (lookup.value("connect_worker_reachable", which) == 1) found.push_back(finding_of(lookup, herder));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"herder_silence",
            "Connect workers whose herder thread hangs while their REST API answers.",
            {"herder-blocked"},
            run,
            "connect_worker_herder_answers and (kafka_broker_up or kafka_broker_reachable)"};
}

}  // namespace medic::analyzers::herder_silence

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
// The longest that a client waits for Kafka by default, over all its tries: default.api.timeout.ms = 60 s.
constexpr Duration clients_wait_max{60'000};

struct Herder {
    std::string cluster, worker;
    Motion answers;
};

bool is_silent(const Herder& herder) { return herder.answers.value == 0; }

// At most so long nothing came, until something did. That all was well for long is no habit.
Duration longest_silence(const std::vector<Sample>& looks) {
    Duration longest{0};
    std::optional<WallTime> since;
    for (const Sample& look : looks) {
        const WallTime at{look.at_ms};
        if (look.value == 0) {
            if (!since) since = at;
        } else if (since) {
            longest = std::max(longest, at - *since);
            since.reset();
        }
    }
    return longest;
}

std::optional<Herder> herder_of(const Lookup& lookup, SeriesId series) {
    Herder herder{.cluster = lookup.label(series, "cluster"), .worker = lookup.label(series, "worker"), .answers = {}};
    const auto host = lookup.node_of({herder.cluster, "worker", herder.worker});
    const Duration window =
        host ? lookup.within_its_life({{"cluster", herder.cluster}, {"node", *host}}, look_back) : look_back;
    const auto answers = lookup.motion(series, window);
    if (!answers) return std::nullopt;
    herder.answers = *answers;
    herder.answers.longest_before = longest_silence(lookup.history(series, window));
    return herder;
}

std::map<std::string, std::vector<Herder>> herders_by_cluster(const Lookup& lookup) {
    std::map<std::string, std::vector<Herder>> found;
    for (const SeriesId series : lookup.select("connect_worker_herder_answers"))
        if (auto herder = herder_of(lookup, series)) found[herder->cluster].push_back(*std::move(herder));
    return found;
}

// Kafka answered when the silence began. One that began while a broker was away, or was back for so short that its
// clients may still wait, counts once the longest of their waits is over as well.
bool is_not_kafkas(const Lookup& lookup, const Herder& herder) {
    const auto answered = brokers_answered(lookup, herder.cluster, look_back);
    if (!answered) return false;
    return answered->from < herder.answers.changed || answered->until - answered->from >= clients_wait_max;
}

Finding finding_of(const Lookup& lookup, const Herder& herder) {
    const Motion& silence = herder.answers;
    Finding finding{
        .id = "herder-blocked",
        .subject = {herder.cluster, "worker", herder.worker},
        .since = silence.changed,
        .weight = 1,
        .summary = "the herder thread of Connect worker " + herder.worker + " has not answered for " +
                   spoken(silence.standing),
        .fields = {{"worker", herder.worker}, {"sink_tasks", sink_tasks_of(lookup, herder.cluster, herder.worker)}},
        .evidence = {}};
    if (const auto node = lookup.node_of(finding.subject)) finding.fields["node"] = *node;
    finding.evidence = {
        {"metric", "connect_worker_herder_answers", "nothing comes that only the herder thread can answer", 0,
         silence.changed},
        {"metric", "connect_worker_reachable", "its REST API answers what needs no herder", 1, silence.newest}};
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto& [cluster, all] : herders_by_cluster(lookup)) {
        // Two that wait at once wait for each other, or for the same thing.
        if (std::ranges::count_if(all, is_silent) != 1) continue;
        const Herder& herder = *std::ranges::find_if(all, is_silent);
        if (!herder.answers.moved || !unusual(herder.answers, blocked_floor) || lookup.starved(cluster)) continue;
        if (!is_not_kafkas(lookup, herder)) continue;
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

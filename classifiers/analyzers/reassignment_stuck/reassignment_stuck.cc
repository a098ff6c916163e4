// reassignment-stuck: replicas are being moved to a broker that has been away for minutes. Kafka waits for it without
// an end, and keeps everybody else from moving those partitions; most tools refuse any other work meanwhile.
#include <algorithm>
#include <cmath>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"

namespace medic::analyzers::reassignment_stuck {
namespace {

// Cruise Control looks after its own moves every 10 s (execution.progress.check.interval.ms), a supervisor or a remedy
// has the broker back within a minute or two.
constexpr Duration away_for{3 * 60'000};
// Where nobody can tell of its process: as long as replicas may stay out of sync without being told (sync_lost).
constexpr Duration unseen_for{30 * 60'000};

// One that starts, or is cut off, is not away for good: the controller lists it only when it has recovered its logs,
// which takes hours at times, and what has been copied to it would be lost.
bool comes_back(const Lookup& lookup, const std::string& cluster, const std::string& broker) {
    for (const SeriesId series :
         lookup.select("kafka_broker_logs_to_recover", {{"cluster", cluster}, {"broker", broker}}))
        if (const auto logs = lookup.view().series.latest(series, lookup.now().wall, page_fresh_within);
            logs && logs->value > 0)
            return true;
    const auto node = lookup.node_of({cluster, "broker", broker});
    if (!node) return false;
    const LabelValues process{{"cluster", cluster}, {"node", *node}};
    if (lookup.held("process_up", process, 0, away_for)) return false;
    if (lookup.value("process_up", process)) return true;
    // Its machine may be gone with it: then nobody tells of the process.
    return !lookup.held("kafka_broker_up", {{"cluster", cluster}, {"broker", broker}}, 0, unseen_for);
}

std::optional<Finding> examine(const Lookup& lookup, const std::string& cluster, const std::string& broker) {
    const LabelValues which{{"cluster", cluster}, {"broker", broker}};
    const auto adding = lookup.all_along("kafka_broker_replicas_adding", which, away_for);
    if (!adding || std::ranges::any_of(*adding, [](const Sample& one) { return one.value <= 0; })) return std::nullopt;
    if (!lookup.held("kafka_broker_up", which, 0, away_for)) return std::nullopt;
    if (comes_back(lookup, cluster, broker)) return std::nullopt;
    const double replicas = adding->back().value;
    const std::string count = std::to_string(std::lround(replicas));
    const WallTime now = lookup.now().wall;
    Finding finding{.id = "reassignment-stuck",
                    .subject = {cluster, "broker", broker},
                    .since = now - away_for,
                    .weight = 1,
                    .summary = count + " replicas are being moved to broker " + broker +
                               ", which has been away for longer than " + spoken(away_for),
                    .fields = {{"broker", broker}, {"replicas", count}},
                    .evidence = {}};
    finding.evidence = {
        {"metric", "kafka_broker_replicas_adding", count + " replicas are still to come to it", replicas, now},
        {"metric", "kafka_broker_up", "the cluster has not listed it for " + spoken(away_for) + " or longer", 0, now}};
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const std::string& cluster : kafka_clusters(lookup))
        for (const SeriesId series : lookup.select("kafka_broker_replicas_adding", {{"cluster", cluster}}))
            if (auto finding = examine(lookup, cluster, lookup.label(series, "broker")))
                found.push_back(*std::move(finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"reassignment_stuck",
            "Moves of replicas to a broker that is away.",
            {"reassignment-stuck"},
            run,
            "kafka_broker_up and kafka_broker_replicas_adding"};
}

}  // namespace medic::analyzers::reassignment_stuck

// broker-lost: a broker's process is gone, and the cluster misses it: it does not answer, or metadata no longer lists
// it. Two vantage points, and seconds before the cluster itself gives the broker up (Kafka's default:
// broker.session.timeout.ms = 9 s).
#include <algorithm>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::broker_silence {
namespace {

constexpr Duration look_back{10 * 60'000};
// Two looks at the process; a supervisor that restarts it at once takes longer to be answered again.
constexpr Duration gone_floor{2'000};

std::string broker_on(const Lookup& lookup, const std::string& cluster, const std::string& node) {
    for (const auto series : lookup.select("kafka_broker_up", {{"cluster", cluster}})) {
        const auto broker = lookup.label(series, "broker");
        if (lookup.node_of({cluster, "broker", broker}) == node) return broker;
    }
    // Who starts after the cluster gave it up has no series of it, but may remember who it was.
    return lookup.view().topology.attribute({cluster, "node", node}, "broker").value_or("");
}

std::vector<Evidence> cluster_misses_it(const Lookup& lookup, const std::string& cluster, const std::string& broker) {
    std::vector<Evidence> said;
    const auto says = [&](const char* series, const std::string& text) {
        for (const auto id : lookup.select(series, {{"cluster", cluster}, {"broker", broker}}))
            if (const auto sample = lookup.sample(id); sample && sample->value == 0)
                said.push_back({"metric", series, text, 0, {sample->at_ms}});
    };
    says("kafka_broker_reachable", "broker " + broker + " does not answer");
    says("kafka_broker_up", "the cluster's metadata no longer lists broker " + broker);
    const auto listed = lookup.select("kafka_broker_up", {{"cluster", cluster}});
    const bool others = std::ranges::any_of(listed, [&](SeriesId id) { return lookup.value(id) == 1; });
    const bool unknown =
        std::ranges::none_of(listed, [&](SeriesId id) { return lookup.label(id, "broker") == broker; });
    if (others && unknown)
        said.push_back({"metric", "kafka_broker_up", "the cluster's metadata lists others, not broker " + broker, 0,
                        lookup.now().wall});
    return said;
}

std::optional<Finding> examine(const Lookup& lookup, SeriesId up) {
    const auto cluster = lookup.label(up, "cluster"), node = lookup.label(up, "node");
    const auto motion = lookup.motion(up, look_back);
    if (!motion || motion->value != 0 || motion->standing < gone_floor) return std::nullopt;
    const auto broker = broker_on(lookup, cluster, node);
    if (broker.empty()) return std::nullopt;
    auto said = cluster_misses_it(lookup, cluster, broker);
    if (said.empty()) return std::nullopt;
    Finding finding{
        .id = "broker-lost",
        .subject = {cluster, "broker", broker},
        .since = motion->changed,
        .weight = 1,
        .summary = "broker " + broker + " is gone: no process on " + node,
        .fields = {{"broker", broker}, {"node", node}},
        .evidence = {{"metric", "process_up", "the process of node " + node + " does not exist", 0, motion->changed}}};
    finding.evidence.insert(finding.evidence.end(), said.begin(), said.end());
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto series : lookup.select("process_up", {{"role", "broker"}}))
        if (auto finding = examine(lookup, series)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"broker_silence",
            "Brokers whose process is gone while the cluster misses them.",
            {"broker-lost"},
            run,
            "process_up{role=\"broker\"} and (kafka_broker_reachable or kafka_broker_up)"};
}

}  // namespace medic::analyzers::broker_silence

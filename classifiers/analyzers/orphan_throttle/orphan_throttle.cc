// orphan-throttle: replicas are held back by a replication throttle that no reassignment needs any more. Whoever moves
// replicas sets one (kafka-reassign-partitions --throttle, Cruise Control) and takes it back at the end; a tool that
// died, or a --verify that nobody ran, leaves it. In-sync replicas pass unhindered, so it shows when one must catch up:
// after a restart it never gets back into sync. Throttles of "*" are standing limits and are left alone, as are the
// brokers' rates that they go by.
#include <algorithm>
#include <cmath>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"

namespace medic::analyzers::orphan_throttle {
namespace {

// Between two batches of a plan no move is under way for a moment (Cruise Control's
// execution.progress.check.interval.ms: 10 s); whoever moves by hand looks at the end some time later.
constexpr Duration left_behind_after{10 * 60'000};
// While it keeps a replica from catching up.
constexpr Duration hurts_after{60'000};
constexpr std::size_t topics_max = 50;  // Named in one finding; the rest is found when these are free.

struct Throttle {
    std::string cluster;
    std::set<std::string> topics, brokers;  // By number.
    double replicas = 0, rate = 0;          // The smallest rate.
    bool hurts = false;                     // One of the topics lacks in-sync replicas.
    bool rates_are_shared = false;          // A standing limit goes by the brokers' rates as well.
};

// Named topics whose throttle was there all along.
void find_topics(const Lookup& lookup, Duration window, Throttle& throttle) {
    for (const SeriesId series : lookup.select("kafka_topic_throttled_replicas", {{"cluster", throttle.cluster}})) {
        const std::string topic = lookup.label(series, "topic"), side = lookup.label(series, "side");
        const auto samples =
            lookup.all_along("kafka_topic_throttled_replicas",
                             {{"cluster", throttle.cluster}, {"topic", topic}, {"side", side}}, window);
        if (!samples || (throttle.topics.size() >= topics_max && !throttle.topics.contains(topic))) continue;
        throttle.topics.insert(topic);
        throttle.replicas += samples->back().value;
    }
}

void find_brokers(const Lookup& lookup, Throttle& throttle) {
    for (const SeriesId series :
         lookup.select("kafka_broker_replication_throttle_bytes_per_second", {{"cluster", throttle.cluster}})) {
        const auto rate = lookup.value(series);
        if (!rate) continue;
        throttle.rate = throttle.brokers.empty() ? *rate : std::min(throttle.rate, *rate);
        throttle.brokers.insert(lookup.label(series, "broker"));
    }
}

// "*" at a topic: whoever set it wants the brokers' rates to stay.
bool has_standing_limit(const Lookup& lookup, const std::string& cluster) {
    const auto all = [&](const Subject& topic, const char* setting) {
        return lookup.view().topology.attribute(topic, setting).value_or("") == "*";
    };
    return std::ranges::any_of(lookup.view().topology.all(cluster, "topic"), [&](const Subject& topic) {
        return all(topic, "leader.replication.throttled.replicas") ||
               all(topic, "follower.replication.throttled.replicas");
    });
}

// A partition of the topic has been without all of its replicas for as long.
bool lacks_replicas(const Lookup& lookup, const std::string& cluster, const std::string& topic, Duration window) {
    return std::ranges::any_of(
        lookup.select("kafka_partition_in_sync_replicas", {{"cluster", cluster}, {"topic", topic}}),
        [&](SeriesId series) {
            const std::string partition = lookup.label(series, "partition");
            const LabelValues which{{"cluster", cluster}, {"topic", topic}, {"partition", partition}};
            const auto all = lookup.value("kafka_partition_replicas", which);
            const auto in_sync = lookup.all_along("kafka_partition_in_sync_replicas", which, window);
            return all && in_sync && std::ranges::all_of(*in_sync, [&](const Sample& one) { return one.value < *all; });
        });
}

std::optional<Throttle> left_behind(const Lookup& lookup, const std::string& cluster, Duration window) {
    Throttle throttle{.cluster = cluster, .topics = {}, .brokers = {}};
    find_topics(lookup, window, throttle);
    find_brokers(lookup, throttle);
    // Without a rate, or without a replica that it is for, nothing is held back.
    if (throttle.topics.empty() || throttle.brokers.empty()) return std::nullopt;
    // Nobody moves anything, which must be known and not only not seen.
    if (!lookup.held("kafka_cluster_partitions_reassigning", {{"cluster", cluster}}, 0, window)) return std::nullopt;
    throttle.rates_are_shared = has_standing_limit(lookup, cluster);
    throttle.hurts = std::ranges::any_of(
        throttle.topics, [&](const std::string& topic) { return lacks_replicas(lookup, cluster, topic, hurts_after); });
    return throttle;
}

std::string joined(const std::set<std::string>& all) {
    std::string text;
    for (const std::string& one : all) text += (text.empty() ? "" : ",") + one;
    return text;
}

Finding finding_of(const Lookup& lookup, const Throttle& throttle, Duration window) {
    const WallTime now = lookup.now().wall;
    const std::string topics = joined(throttle.topics), brokers = joined(throttle.brokers);
    const std::string held = std::to_string(std::lround(throttle.replicas)) + " replicas of " + topics;
    Finding finding{.id = "orphan-throttle",
                    .subject = {throttle.cluster, "cluster", throttle.cluster},
                    .since = now - window,
                    .weight = 1,
                    .summary = held + " are throttled to " + megabytes_per_second(throttle.rate) + " on broker " +
                               brokers + ", and no reassignment is under way" +
                               (throttle.hurts ? ": some can't catch up" : ""),
                    .fields = {{"topics", topics}, {"brokers", throttle.rates_are_shared ? "" : brokers}},
                    .evidence = {}};
    finding.evidence = {
        {"metric", "kafka_topic_throttled_replicas", held + " are named by its throttle", throttle.replicas, now},
        {"metric", "kafka_broker_replication_throttle_bytes_per_second",
         "the throttle lets " + megabytes_per_second(throttle.rate) + " pass", throttle.rate, now},
        {"metric", "kafka_cluster_partitions_reassigning",
         "no partition has been reassigned for " + spoken(window) + " or longer", 0, now}};
    if (throttle.rates_are_shared)
        finding.evidence.push_back({"topology", "kafka_topic_throttled_replicas",
                                    "the rates are a standing limit of other topics, too, and are left alone", 0, now});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const std::string& cluster : kafka_clusters(lookup)) {
        const auto soon = left_behind(lookup, cluster, hurts_after);
        if (!soon) continue;
        if (soon->hurts)
            found.push_back(finding_of(lookup, *soon, hurts_after));
        else if (const auto late = left_behind(lookup, cluster, left_behind_after))
            found.push_back(finding_of(lookup, *late, left_behind_after));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"orphan_throttle",
            "Replication throttles that a reassignment has left behind.",
            {"orphan-throttle"},
            run,
            "kafka_broker_up and kafka_cluster_partitions_reassigning"};
}

}  // namespace medic::analyzers::orphan_throttle

// leaders-displaced: brokers that are in sync and well, and do not lead the partitions that they should lead, for
// longer than Kafka itself or a roll would leave it so. What it costs (an uneven load) is broker_skew's to say; this
// holds on a quiet cluster too, where the next peak would meet too few leaders.
#include <algorithm>
#include <cmath>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"

namespace medic::analyzers::leaders_displaced {
namespace {

constexpr double share_max = 0.1;  // Kafka's default: leader.imbalance.per.broker.percentage = 10
// Kafka's default: leader.imbalance.check.interval.seconds = 300
constexpr Duration check_interval{300'000};
constexpr int checks_missed = 2;  // A check may just have been before the broker was back; the second one decides.
// Where nobody else balances: long enough for a restart to be over.
constexpr Duration settled_after{60'000};

struct Broker {
    std::string id;
    double preferred = 0, displaced = 0;
};

// Those that hold replicas: one that was drained and taken out is remembered as away, and is none of them any more.
std::vector<std::string> members(const Lookup& lookup, const std::string& cluster) {
    std::vector<std::string> ids;
    for (const SeriesId series : lookup.select("kafka_broker_up", {{"cluster", cluster}})) {
        const std::string id = lookup.label(series, "broker");
        if (lookup.value(series) != 0.0 ||
            lookup.value("kafka_broker_partitions", {{"cluster", cluster}, {"broker", id}}))
            ids.push_back(id);
    }
    return ids;
}

// How long displaced leaders are left alone: where Kafka's own balancing is on, or may be, until it has had its chance.
struct Waiting {
    Duration window = settled_after;
    bool balancing_off = true;
};
Waiting waiting(const Lookup& lookup, const std::string& cluster) {
    Waiting result;
    for (const std::string& id : members(lookup, cluster)) {
        const Subject broker{cluster, "broker", id};
        const auto on = lookup.view().topology.attribute(broker, "auto.leader.rebalance.enable");
        if (on && *on == "false") continue;
        const auto seconds = lookup.number(broker, "leader.imbalance.check.interval.seconds");
        const Duration interval = seconds ? Duration{static_cast<std::int64_t>(*seconds) * 1'000} : check_interval;
        result.window = std::max(result.window, checks_missed * interval + settled_after);
        result.balancing_off = false;
    }
    return result;
}

// Every broker was there all along, and no replica is being moved: else leaders are where they are for a reason.
bool quiet(const Lookup& lookup, const std::string& cluster, Duration window) {
    for (const std::string& id : members(lookup, cluster))
        if (!lookup.held("kafka_broker_up", {{"cluster", cluster}, {"broker", id}}, 1, window)) return false;
    return lookup.held("kafka_cluster_partitions_reassigning", {{"cluster", cluster}}, 0, window);
}

std::vector<Broker> displaced_brokers(const Lookup& lookup, const std::string& cluster, Duration window) {
    std::vector<Broker> found;
    for (const SeriesId series : lookup.select("kafka_broker_leaders_displaced", {{"cluster", cluster}})) {
        const std::string id = lookup.label(series, "broker");
        const LabelValues which{{"cluster", cluster}, {"broker", id}};
        const auto preferred = lookup.value("kafka_broker_leaders_preferred", which);
        const auto samples = lookup.all_along("kafka_broker_leaders_displaced", which, window);
        if (!preferred || *preferred <= 0 || !samples) continue;
        const double least = std::ranges::min(*samples, {}, &Sample::value).value;
        if (least <= share_max * *preferred) continue;
        // One that has not caught up with everything yet has enough to do.
        if (!lookup.held("kafka_broker_replicas_out_of_sync", which, 0, window)) continue;
        found.push_back({id, *preferred, samples->back().value});
    }
    std::ranges::sort(found, [](const Broker& a, const Broker& b) {
        return a.id.size() != b.id.size() ? a.id.size() < b.id.size() : a.id < b.id;  // By number.
    });
    return found;
}

std::string count_of(double number) { return std::to_string(std::lround(number)); }

Finding finding_of(const Lookup& lookup, const std::string& cluster, const std::vector<Broker>& brokers,
                   const Waiting& waited) {
    Finding finding{.id = "leaders-displaced",
                    .subject = {cluster, "cluster", cluster},
                    .since = lookup.now().wall - waited.window,
                    .weight = 1,
                    .summary = "",
                    .fields = {},
                    .evidence = {}};
    double displaced = 0;
    std::string ids;
    for (const Broker& one : brokers) {
        displaced += one.displaced;
        ids += (ids.empty() ? "" : ",") + one.id;
        finding.evidence.push_back({"metric", "kafka_broker_leaders_displaced",
                                    "of the " + count_of(one.preferred) + " partitions that broker " + one.id +
                                        " should lead, and could, others lead " + count_of(one.displaced) + ", for " +
                                        spoken(waited.window) + " or longer",
                                    one.displaced, lookup.now().wall});
    }
    const std::string why = waited.balancing_off
                                ? "auto.leader.rebalance.enable is off"
                                : "Kafka's own leader balancing has not moved them, although it had the time";
    finding.evidence.push_back({"topology", "auto.leader.rebalance.enable", why, {}, lookup.now().wall});
    finding.summary = count_of(displaced) + " partitions are not led by their preferred leader (broker " + ids +
                      "), which is in sync; " + why;
    finding.fields = {{"brokers", ids}, {"displaced", count_of(displaced)}};
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const std::string& cluster : kafka_clusters(lookup)) {
        const Waiting waited = waiting(lookup, cluster);
        const auto brokers = displaced_brokers(lookup, cluster, waited.window);
        if (!brokers.empty() && quiet(lookup, cluster, waited.window))
            found.push_back(finding_of(lookup, cluster, brokers, waited));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"leaders_displaced",
            "Brokers that could lead their partitions and do not, for longer than Kafka or a roll leaves it so.",
            {"leaders-displaced"},
            run,
            "kafka_broker_up and kafka_broker_leaders_displaced and kafka_broker_replicas_out_of_sync and "
            "kafka_cluster_partitions_reassigning"};
}

}  // namespace medic::analyzers::leaders_displaced

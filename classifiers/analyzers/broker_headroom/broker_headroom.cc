// headroom-missing: which broker's death the cluster could not carry, and by which resource: request handlers that take
// over its leaders' traffic, replicas that writers need, disks and partitions where its replicas are made anew; with
// how long that would take. broker-partition-bound: a broker that holds about as many replicas as one should. A cluster
// that lacks a broker already is told by others. What no page tells is not guessed: a resource whose figures are
// missing is left out.
#include <algorithm>
#include <cmath>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"

namespace medic::analyzers::broker_headroom {
namespace {

// Kafka's documentation on monitoring: the request handlers' idle share should be above 0.3.
constexpr double handlers_busy_max = 0.7;
// Cruise Control's disk.capacity.threshold.
constexpr double disk_full_max = 0.8;
// Apache Kafka's and MSK's advice for the largest brokers: 4,000 replicas, leaders included.
constexpr double replicas_max = 4'000, bound_at = 0.9;
constexpr std::size_t survivors_min = 1;
// The fastest replication that the brokers have shown is what a replacement may hope for.
constexpr Duration replication_seen{2 * 3'600'000};

// What the death of one broker means for the others.
struct Loss {
    std::map<std::string, double> moved;  // Survivor → bytes in per second that come to it.
    double unwritable = 0;                // Partitions left with fewer replicas in sync than writers ask for.
    std::string unwritable_topic;         // One of them.
};

struct Cluster {
    std::string name;
    std::map<std::string, BrokerLoad> brokers;
    std::map<std::string, Loss> losses;  // By the broker that dies.
    double replicas_most = 0;            // The largest replication factor.
};

struct Leaders {
    std::map<std::string, std::pair<std::string, bool>> of;  // Partition → leader, whether all replicas are in sync.
    std::map<std::string, double> count;                     // Of this topic, by broker.
};

Leaders leaders_of(const Lookup& lookup, const Subject& topic) {
    Leaders leaders;
    const LabelValues which{{"cluster", topic.cluster}, {"topic", topic.name}};
    std::map<std::string, std::pair<double, double>> sync;  // Partition → replicas, in sync.
    for (const auto series : lookup.select("kafka_partition_replicas", which))
        sync[lookup.label(series, "partition")].first = lookup.value(series).value_or(-1);
    for (const auto series : lookup.select("kafka_partition_in_sync_replicas", which))
        sync[lookup.label(series, "partition")].second = lookup.value(series).value_or(-2);
    for (const auto series : lookup.select("kafka_partition_leader", which)) {
        const auto leader = lookup.value(series);
        if (!leader || *leader < 0) continue;
        const std::string partition = lookup.label(series, "partition");
        const auto& [replicas, in_sync] = sync[partition];
        const std::string id = std::to_string(static_cast<long>(*leader));
        leaders.of[partition] = {id, replicas > 0 && replicas == in_sync};
        leaders.count[id] += 1;
    }
    return leaders;
}

// Bytes in per second of one partition that `broker` leads, by its share of the topic's there.
std::optional<double> share_of(const BrokerLoad& broker, const std::string& topic, const Leaders& leaders) {
    if (const auto known = broker.topics.find(topic); known != broker.topics.end()) {
        const auto count = leaders.count.find(broker.id);
        if (count != leaders.count.end() && count->second > 0) return known->second / count->second;
    }
    if (!broker.topics.empty()) return 0;  // The page tells topics, and this one has had no traffic.
    if (broker.bytes_in && broker.leaders.value_or(0) > 0) return *broker.bytes_in / *broker.leaders;
    return std::nullopt;
}

void add_topic(const Lookup& lookup, Cluster& cluster, const Subject& topic) {
    const auto assignment = lookup.view().topology.attribute(topic, "assignment");
    if (!assignment) return;
    const Leaders leaders = leaders_of(lookup, topic);
    const double wanted = lookup.number(topic, "min.insync.replicas").value_or(0);
    each_partition(*assignment, [&](const PartitionPlace& place) {
        const auto replicas = static_cast<double>(place.replicas.size());
        cluster.replicas_most = std::max(cluster.replicas_most, replicas);
        const auto led = leaders.of.find(std::string{place.partition});
        if (led == leaders.of.end()) return;
        const auto& [leader, all_in_sync] = led->second;
        // Fewer replicas than writers ask for even in health is a setting, not a lack of brokers; a single replica,
        // too.
        if (all_in_sync && replicas > 1 && replicas >= wanted && replicas - 1 < wanted)
            for (const std::string_view replica : place.replicas) {
                Loss& loss = cluster.losses[std::string{replica}];
                loss.unwritable += 1;
                loss.unwritable_topic = topic.name;
            }
        const auto broker = cluster.brokers.find(leader);
        if (broker == cluster.brokers.end()) return;
        const auto heir = std::ranges::find_if(place.replicas, [&](std::string_view one) { return one != leader; });
        const auto share = share_of(broker->second, topic.name, leaders);
        if (heir != place.replicas.end() && share) cluster.losses[leader].moved[std::string{*heir}] += *share;
    });
}

struct Lack {
    std::string resource, text;
    double value = 0;
    std::string metric;
};

std::optional<Lack> handlers(const Cluster& cluster, const Loss& loss) {
    double busy = 0, bytes = 0;
    for (const auto& [id, broker] : cluster.brokers) {
        if (!broker.busy || !broker.bytes_in) return std::nullopt;
        busy += *broker.busy;
        bytes += *broker.bytes_in;
    }
    if (bytes < traffic_matters) return std::nullopt;
    std::optional<Lack> worst;
    for (const auto& [id, moved] : loss.moved) {
        const auto heir = cluster.brokers.find(id);
        if (heir == cluster.brokers.end()) continue;
        // A byte costs an heir what it costs the brokers on average.
        const double then = *heir->second.busy + moved * busy / bytes;
        if (then <= handlers_busy_max || (worst && worst->value >= then)) continue;
        worst =
            Lack{"request handlers",
                 "the request handlers of broker " + id + " would be busy " +
                     (then >= 1 ? std::string("all the time") : percent_of(then) + " of the time") + " (now " +
                     percent_of(*heir->second.busy) + "), with " + megabytes_per_second(moved) + " more from producers",
                 then, "kafka_broker_request_handler_idle_ratio"};
    }
    return worst;
}

// Where as many brokers are left as a partition has replicas, its replicas can be made anew on them.
bool can_replace(const Cluster& cluster) {
    return cluster.replicas_most > 0 && static_cast<double>(cluster.brokers.size()) - 1 >= cluster.replicas_most;
}

std::optional<Lack> disks(const Cluster& cluster, const std::string& dead) {
    if (!can_replace(cluster)) return std::nullopt;
    double used = 0, total = 0;
    for (const auto& [id, broker] : cluster.brokers) {
        if (!broker.disk_total || !broker.disk_used) return std::nullopt;
        used += *broker.disk_used;
        if (id != dead) total += *broker.disk_total;
    }
    if (total <= 0 || used <= disk_full_max * total) return std::nullopt;
    return Lack{"disk", "the disks of the others would be " + percent_of(used / total) + " full with its replicas",
                used / total, "kafka_log_dir_usable_bytes"};
}

std::optional<Lack> replicas(const Cluster& cluster, const std::string& dead) {
    if (!can_replace(cluster)) return std::nullopt;
    double all = 0;
    for (const auto& [id, broker] : cluster.brokers) {
        if (!broker.partitions) return std::nullopt;
        all += *broker.partitions;
    }
    const double each = all / (static_cast<double>(cluster.brokers.size()) - 1);
    if (each <= replicas_max) return std::nullopt;
    return Lack{"partitions",
                "each of the others would hold " + std::to_string(std::lround(each)) +
                    " replicas with those of broker " + dead + "; a broker should hold " +
                    std::to_string(std::lround(replicas_max)),
                each, "kafka_broker_partitions"};
}

std::vector<Lack> lacks_of(const Cluster& cluster, const std::string& dead) {
    std::vector<Lack> lacks;
    const auto known = cluster.losses.find(dead);
    if (known != cluster.losses.end()) {
        const Loss& loss = known->second;
        if (loss.unwritable > 0)
            lacks.push_back({"replicas in sync",
                             std::to_string(std::lround(loss.unwritable)) + " partitions (of " + loss.unwritable_topic +
                                 ", …) would have fewer replicas in sync than min.insync.replicas and take no writes "
                                 "with acks=all",
                             loss.unwritable, "kafka_partition_in_sync_replicas"});
        if (auto lack = handlers(cluster, loss)) lacks.push_back(*std::move(lack));
    }
    if (auto lack = disks(cluster, dead)) lacks.push_back(*std::move(lack));
    if (auto lack = replicas(cluster, dead)) lacks.push_back(*std::move(lack));
    return lacks;
}

// The fastest replication seen on any broker, bytes per second between two looks.
std::optional<double> fastest_replication(const Lookup& lookup, const std::string& cluster) {
    std::optional<double> fastest;
    for (const auto series : lookup.select("kafka_broker_replication_bytes_in_total", {{"cluster", cluster}})) {
        const auto samples = lookup.history(series, replication_seen);
        for (std::size_t i = 1; i < samples.size(); ++i) {
            const double seconds = static_cast<double>(samples[i].at_ms - samples[i - 1].at_ms) / 1000;
            const double rate = (samples[i].value - samples[i - 1].value) / std::max(1.0, seconds);
            if (rate >= traffic_matters) fastest = std::max(fastest.value_or(0), rate);
        }
    }
    return fastest;
}

void add_catch_up(const Lookup& lookup, const Cluster& cluster, const std::string& dead, Finding& finding) {
    double bytes = 0;
    for (const auto series : lookup.select("kafka_replica_size_bytes", {{"cluster", cluster.name}, {"broker", dead}}))
        bytes += lookup.value(series).value_or(0);
    const auto speed = fastest_replication(lookup, cluster.name);
    if (bytes <= 0 || !speed) return;
    const auto seconds = std::llround(bytes / *speed);
    finding.fields["catch_up_seconds"] = std::to_string(seconds);
    finding.evidence.push_back({"metric", "kafka_replica_size_bytes",
                                "an empty replacement of broker " + dead + " would need " +
                                    spoken(Duration{seconds * 1000}) + " for its " +
                                    std::to_string(std::lround(bytes / 1e9)) + " GB at " +
                                    megabytes_per_second(*speed) + ", the fastest replication of the last two hours",
                                static_cast<double>(seconds), lookup.now().wall});
}

std::optional<Finding> headroom(const Lookup& lookup, const Cluster& cluster) {
    std::vector<Lack> worst;
    std::string dead, all;
    for (const auto& [id, broker] : cluster.brokers) {
        auto lacks = lacks_of(cluster, id);
        if (lacks.empty()) continue;
        all += (all.empty() ? "" : ",") + id;
        if (lacks.size() > worst.size()) worst = std::move(lacks), dead = id;
    }
    if (worst.empty()) return std::nullopt;
    std::string resources;
    for (const Lack& lack : worst) resources += (resources.empty() ? "" : ", ") + lack.resource;
    // `dying`, not `broker`: nothing is wrong with it.
    Finding finding{.id = "headroom-missing",
                    .subject = {cluster.name, "cluster", cluster.name},
                    .since = lookup.now().wall - load_window,
                    .weight = 1,
                    .summary = "the death of broker " + dead + " could not be carried: " + worst.front().text,
                    .fields = {{"dying", dead}, {"resources", resources}, {"all_dying", all}},
                    .evidence = {}};
    for (const Lack& lack : worst)
        finding.evidence.push_back(
            {"metric", lack.metric, "if broker " + dead + " dies: " + lack.text, lack.value, lookup.now().wall});
    add_catch_up(lookup, cluster, dead, finding);
    return finding;
}

std::optional<Finding> partition_bound(const Lookup& lookup, const Cluster& cluster, const BrokerLoad& broker) {
    if (!broker.partitions || *broker.partitions < bound_at * replicas_max) return std::nullopt;
    const std::string text = "broker " + broker.id + " holds " + std::to_string(std::lround(*broker.partitions)) +
                             " replicas; " + std::to_string(std::lround(replicas_max)) + " are what one should hold";
    return Finding{.id = "broker-partition-bound",
                   .subject = {cluster.name, "broker", broker.id},
                   .since = lookup.now().wall,
                   .weight = 1,
                   .summary = text,
                   .fields = {{"broker", broker.id},
                              {"replicas", std::to_string(std::lround(*broker.partitions))},
                              {"limit", std::to_string(std::lround(replicas_max))}},
                   .evidence = {{"metric", "kafka_broker_partitions", text, *broker.partitions, lookup.now().wall}}};
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const std::string& name : kafka_clusters(lookup)) {
        Cluster cluster{.name = name, .brokers = broker_loads(lookup, name), .losses = {}, .replicas_most = 0};
        for (const auto& [id, broker] : cluster.brokers)
            if (auto finding = partition_bound(lookup, cluster, broker)) found.push_back(*std::move(finding));
        const bool all_up = std::ranges::all_of(cluster.brokers, [](const auto& one) { return one.second.up; });
        if (!all_up || cluster.brokers.size() <= survivors_min) continue;
        for (const Subject& topic : view.topology.all(name, "topic")) add_topic(lookup, cluster, topic);
        if (auto finding = headroom(lookup, cluster)) found.push_back(*std::move(finding));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"broker_headroom",
            "Whether the cluster could carry the death of any one broker, and by which resource it could not.",
            {"headroom-missing", "broker-partition-bound"},
            run,
            "kafka_broker_up and kafka_broker_partitions and kafka_partition_leader",
            Duration{60'000}};
}

}  // namespace medic::analyzers::broker_headroom

// topic-loads-broker and leaders-uneven: a broker that takes in far more than its peers and feels it: because of one
// topic (and one partition of it, where one stands out), or because it leads partitions that others should lead.
// A broker that is slow under the same load as its peers is told by slow_broker. Whose client writes is not known:
// brokers tell bytes by client only where quotas are set.
#include <algorithm>
#include <cmath>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"

namespace medic::analyzers::broker_skew {
namespace {

// Twice the median of its peers. Balancers act from 1.1 times on (Cruise Control); that is upkeep, not trouble.
constexpr double skewed = 2.0, leaders_skewed = 1.5;
// Below this share of its handlers' time the broker doesn't feel it (Kafka's documentation: idle should be above 0.3).
constexpr double feels_it = 0.5;
constexpr double decides = 0.5;        // Of what it takes in beyond its peers.
constexpr double hot_partition = 2.0;  // Times the median of the topic's partitions.
constexpr std::size_t peers_min = 2;

struct Skew {
    std::string cluster;
    const BrokerLoad* broker = nullptr;
    double excess = 0, usual = 0;
    std::vector<const BrokerLoad*> peers;
};

std::optional<Skew> skew_of(const std::string& cluster, const std::map<std::string, BrokerLoad>& loads,
                            const BrokerLoad& broker) {
    if (!broker.up || !broker.bytes_in || !broker.busy) return std::nullopt;
    if (*broker.bytes_in < traffic_matters || *broker.busy < feels_it) return std::nullopt;
    Skew skew{.cluster = cluster, .broker = &broker, .excess = 0, .usual = 0, .peers = {}};
    std::vector<double> others;
    for (const auto& [id, peer] : loads) {
        if (&peer == &broker) continue;
        // One that is down or just back carries nothing: its share lies on others for a while.
        if (!peer.up || !peer.bytes_in || !peer.leaders || *peer.leaders == 0) return std::nullopt;
        others.push_back(*peer.bytes_in);
        skew.peers.push_back(&peer);
    }
    if (others.size() < peers_min) return std::nullopt;
    skew.usual = median_of(std::move(others));
    skew.excess = *broker.bytes_in - skew.usual;
    if (*broker.bytes_in < skewed * skew.usual) return std::nullopt;
    return skew;
}

struct Topic {
    std::string name;
    double bytes = 0, excess = 0;
    std::string partition;  // That stands out; "" when none does.
    double partition_rate = 0, usual_rate = 0;
    std::size_t led = 0, partitions = 0;  // By the broker; in all.
};

// The partition that gets far more records than the topic's others, and is led by the broker.
void find_partition(const Lookup& lookup, const Skew& skew, Topic& topic) {
    const LabelValues which{{"cluster", skew.cluster}, {"topic", topic.name}};
    std::map<std::string, double> rates;
    for (const auto series : lookup.select("kafka_partition_log_end_offset", which))
        if (lookup.value(series))
            if (const auto rate = page_rate(lookup, series)) rates[lookup.label(series, "partition")] = *rate;
    std::vector<std::string> mine;
    for (const auto series : lookup.select("kafka_partition_leader", which)) {
        const auto leader = lookup.value(series);
        if (!leader) continue;
        ++topic.partitions;
        if (std::to_string(static_cast<long>(*leader)) == skew.broker->id)
            mine.push_back(lookup.label(series, "partition"));
    }
    topic.led = mine.size();
    if (rates.size() < 2) return;
    for (const std::string& partition : mine) {
        const auto rate = rates.find(partition);
        if (rate != rates.end() && rate->second > topic.partition_rate)
            topic.partition = partition, topic.partition_rate = rate->second;
    }
    std::vector<double> others;
    for (const auto& [partition, rate] : rates)
        if (partition != topic.partition) others.push_back(rate);
    topic.usual_rate = median_of(std::move(others));
    if (topic.partition_rate < hot_partition * std::max(1.0, topic.usual_rate)) topic.partition.clear();
}

std::optional<Topic> topic_at_fault(const Lookup& lookup, const Skew& skew) {
    std::optional<Topic> worst;
    for (const auto& [name, bytes] : skew.broker->topics) {
        std::vector<double> others;
        for (const BrokerLoad* peer : skew.peers) {
            const auto there = peer->topics.find(name);
            others.push_back(there == peer->topics.end() ? 0 : there->second);
        }
        const double excess = bytes - median_of(std::move(others));
        if (excess >= decides * skew.excess && (!worst || excess > worst->excess))
            worst = Topic{.name = name, .bytes = bytes, .excess = excess, .partition = ""};
    }
    if (worst) find_partition(lookup, skew, *worst);
    return worst;
}

// Partitions that the broker leads although another one is their preferred leader.
std::size_t not_preferred(const Lookup& lookup, const Skew& skew) {
    std::size_t count = 0;
    for (const Subject& topic : lookup.view().topology.all(skew.cluster, "topic")) {
        const auto assignment = lookup.view().topology.attribute(topic, "assignment");
        if (!assignment) continue;
        std::map<std::string, double> leaders;
        for (const auto series :
             lookup.select("kafka_partition_leader", {{"cluster", skew.cluster}, {"topic", topic.name}}))
            if (const auto leader = lookup.value(series)) leaders[lookup.label(series, "partition")] = *leader;
        each_partition(*assignment, [&](const PartitionPlace& place) {
            const auto leader = leaders.find(std::string{place.partition});
            if (leader != leaders.end() && std::to_string(static_cast<long>(leader->second)) == skew.broker->id &&
                place.replicas.front() != skew.broker->id)
                ++count;
        });
    }
    return count;
}

Finding start(const Lookup& lookup, const Skew& skew, std::string id, Subject subject) {
    const std::string text = "broker " + skew.broker->id + " takes in " + megabytes_per_second(*skew.broker->bytes_in) +
                             ", its peers " + megabytes_per_second(skew.usual);
    return Finding{
        .id = std::move(id),
        .subject = std::move(subject),
        .since = lookup.now().wall - load_window,
        .weight = 1,
        .summary = text,
        .fields = {{"broker", skew.broker->id}},
        .evidence = {{"metric", "kafka_broker_bytes_in_total", text, *skew.broker->bytes_in, lookup.now().wall},
                     {"metric", "kafka_broker_request_handler_idle_ratio",
                      "its request handlers are busy " + percent_of(*skew.broker->busy) + " of the time",
                      *skew.broker->busy, lookup.now().wall}}};
}

std::optional<Finding> by_leaders(const Lookup& lookup, const Skew& skew) {
    std::vector<double> others;
    for (const BrokerLoad* peer : skew.peers) others.push_back(*peer->leaders);
    const double usual = median_of(std::move(others));
    if (!skew.broker->leaders || *skew.broker->leaders < leaders_skewed * usual) return std::nullopt;
    const std::size_t away = not_preferred(lookup, skew);
    // They make the difference: without them it would lead no more than its peers do.
    if (static_cast<double>(away) < decides * (*skew.broker->leaders - usual)) return std::nullopt;
    auto finding = start(lookup, skew, "leaders-uneven", {skew.cluster, "broker", skew.broker->id});
    const std::string text = "it leads " + std::to_string(std::lround(*skew.broker->leaders)) +
                             " partitions, its peers " + std::to_string(std::lround(usual)) + "; of " +
                             std::to_string(away) + " another broker is the preferred leader";
    finding.summary += ": " + text;
    finding.fields["not_preferred"] = std::to_string(away);
    finding.evidence.push_back({"metric", "kafka_broker_leaders", text, *skew.broker->leaders, lookup.now().wall});
    return finding;
}

Finding by_topic(const Lookup& lookup, const Skew& skew, const Topic& topic) {
    auto finding = start(lookup, skew, "topic-loads-broker", {skew.cluster, "topic", topic.name});
    finding.fields["topic"] = topic.name;
    std::string text = megabytes_per_second(topic.bytes) + " of it are topic " + topic.name + "'s";
    finding.evidence.push_back({"metric", "kafka_topic_bytes_in_total", text, topic.bytes, lookup.now().wall});
    if (!topic.partition.empty()) {
        const std::string hot = "partition " + topic.partition + " gets " +
                                std::to_string(std::lround(topic.partition_rate)) + " records/s, the topic's others " +
                                std::to_string(std::lround(topic.usual_rate));
        finding.fields["partition"] = topic.partition;
        finding.evidence.push_back(
            {"metric", "kafka_partition_log_end_offset", hot, topic.partition_rate, lookup.now().wall});
        text += "; " + hot;
    } else if (topic.partitions > 0) {
        text += ", of whose " + std::to_string(topic.partitions) + " partitions it leads " + std::to_string(topic.led);
    }
    finding.summary += "; " + text;
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const std::string& cluster : kafka_clusters(lookup)) {
        const auto loads = broker_loads(lookup, cluster);
        for (const auto& [id, broker] : loads) {
            const auto skew = skew_of(cluster, loads, broker);
            if (!skew) continue;
            const auto topic = topic_at_fault(lookup, *skew);
            // A partition that stands out stays hot wherever its leader is.
            auto uneven = topic && !topic->partition.empty() ? std::nullopt : by_leaders(lookup, *skew);
            if (uneven)
                found.push_back(*std::move(uneven));
            else if (topic)
                found.push_back(by_topic(lookup, *skew, *topic));
        }
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"broker_skew",
            "Brokers that carry far more than their peers: the topic and partition at fault, or leaders out of place.",
            {"topic-loads-broker", "leaders-uneven"},
            run,
            "kafka_broker_up and kafka_broker_bytes_in_total and kafka_topic_bytes_in_total and "
            "kafka_broker_request_handler_idle_ratio",
            Duration{60'000}};
}

}  // namespace medic::analyzers::broker_skew

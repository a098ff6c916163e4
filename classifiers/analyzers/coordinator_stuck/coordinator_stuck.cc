// coordinator-stuck: the coordinator of one partition of __consumer_offsets does not serve its groups, while the broker
// that it runs on does all of its other work and other coordinators serve theirs. One group alone is its members' own
// trouble; a broker whose other work suffers is slow, frozen or lost, which others say.
#include <algorithm>
#include <set>

#include "agent/store/kafka_words.h"
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::coordinator_stuck {
namespace {

// No answer at all: three times a client's patience with one request would be 90 s; ours is shorter, and several groups
// say the same.
constexpr Duration silent_for{60'000};
// A rebalance may wait for a member as long as that may work on one batch (max.poll.interval.ms, 5 min): twice that.
constexpr Duration rebalances_for{10 * 60'000};
constexpr std::size_t groups_min = 2;
constexpr double idle_healthy = 0.3;  // Kafka's documentation
// What the analyzer of slow brokers calls slow, after Cruise Control.
constexpr double slow_seconds = 1.0;
// Pages are read once a minute.
constexpr Duration page_window{150'000};

struct Coordinator {
    std::string cluster, partition, broker;
    std::vector<std::string> groups;
    bool silent = false;  // … or all of its groups rebalance without an end.
    Duration window{0};
    [[nodiscard]] LabelValues labels() const {
        return {{"cluster", cluster}, {"topic", coordinators_topic}, {"partition", partition}};
    }
};

std::optional<std::string> led_by(const Lookup& lookup, const std::string& cluster, const std::string& partition) {
    const auto leader = lookup.value("kafka_partition_leader",
                                     {{"cluster", cluster}, {"topic", coordinators_topic}, {"partition", partition}});
    if (!leader || *leader < 0) return std::nullopt;
    return std::to_string(static_cast<int>(*leader));
}

// Groups that have members, as far as it was told when somebody still told it.
std::vector<std::string> inhabited(const Lookup& lookup, const std::string& cluster, const std::string& partition) {
    auto groups = listed(lookup.view().topology.attribute(
        {cluster, "partition", std::string(coordinators_topic) + "-" + partition}, "groups"));
    std::erase_if(groups, [&](const std::string& group) {
        double members = 0;
        for (const SeriesId series : lookup.select("kafka_group_members", {{"cluster", cluster}, {"group", group}}))
            if (const auto samples = lookup.history(series, 2 * rebalances_for); !samples.empty())
                members = samples.back().value;
        return members <= 0;
    });
    return groups;
}

// The same members in the same rebalance, all the while.
bool rebalances_on(const Lookup& lookup, const std::string& cluster, const std::string& group) {
    const LabelValues which{{"cluster", cluster}, {"group", group}};
    const auto state = lookup.state("kafka_group_state", which, 2 * rebalances_for);
    if (!state || (state->first != "PreparingRebalance" && state->first != "CompletingRebalance")) return false;
    if (lookup.now().wall - state->second < rebalances_for) return false;
    const auto members = lookup.all_along("kafka_group_members", which, rebalances_for);
    return members &&
           std::ranges::all_of(*members, [&](const Sample& one) { return one.value == members->front().value; });
}

std::optional<Coordinator> stuck(const Lookup& lookup, SeriesId answers) {
    Coordinator one{.cluster = lookup.label(answers, "cluster"),
                    .partition = lookup.label(answers, "partition"),
                    .broker = {},
                    .groups = {}};
    const auto broker = led_by(lookup, one.cluster, one.partition);
    if (!broker) return std::nullopt;
    one.broker = *broker;
    one.groups = inhabited(lookup, one.cluster, one.partition);
    if (one.groups.size() < groups_min) return std::nullopt;
    one.silent = lookup.held("kafka_coordinator_answers", one.labels(), 0, silent_for);
    one.window = one.silent ? silent_for : rebalances_for;
    if (one.silent) return one;
    const bool rebalancing = std::ranges::all_of(
        one.groups, [&](const std::string& group) { return rebalances_on(lookup, one.cluster, group); });
    return rebalancing ? std::optional(one) : std::nullopt;
}

// It was the leader all the while, and does what else it has to do.
bool broker_is_well(const Lookup& lookup, const Coordinator& one) {
    const LabelValues broker{{"cluster", one.cluster}, {"broker", one.broker}};
    const double id = std::atoi(one.broker.c_str());
    if (!lookup.held("kafka_partition_leader", one.labels(), id, one.window) ||
        !lookup.held("kafka_broker_up", broker, 1, one.window) ||
        !lookup.held("kafka_broker_reachable", broker, 1, one.window) ||
        !lookup.held("kafka_broker_replicas_out_of_sync", broker, 0, one.window))
        return false;
    // What pages tell is not told everywhere; where it is, it must be well.
    for (const SeriesId series : lookup.select("kafka_broker_request_handler_idle_ratio", broker))
        for (const Sample& sample : handlers_idle(lookup, series, page_window))
            if (sample.value < idle_healthy) return false;
    for (const SeriesId series : lookup.select("kafka_broker_produce_local_seconds", broker))
        for (const Sample& sample : lookup.history(series, page_window))
            if (sample.value > slow_seconds) return false;
    // It answers for the partitions that it leads.
    for (const SeriesId leader : lookup.select("kafka_partition_leader", {{"cluster", one.cluster}})) {
        if (lookup.value(leader) != id) continue;
        const std::string topic = lookup.label(leader, "topic"), partition = lookup.label(leader, "partition");
        if (!lookup.value("kafka_partition_log_end_offset",
                          {{"cluster", one.cluster}, {"topic", topic}, {"partition", partition}}))
            return false;
    }
    return true;
}

// Every other coordinator that was asked served all the while, at least one of them on another broker.
bool others_serve(const Lookup& lookup, const Coordinator& one) {
    bool elsewhere = false;
    for (const SeriesId series : lookup.select("kafka_coordinator_answers", {{"cluster", one.cluster}})) {
        const std::string partition = lookup.label(series, "partition");
        if (partition == one.partition || !lookup.sample(series)) continue;
        if (!lookup.held("kafka_coordinator_answers",
                         {{"cluster", one.cluster}, {"topic", coordinators_topic}, {"partition", partition}}, 1,
                         silent_for))
            return false;
        const auto broker = led_by(lookup, one.cluster, partition);
        elsewhere = elsewhere || (broker && *broker != one.broker);
        if (one.silent) continue;
        // Where it is rebalances, others' must be over.
        for (const std::string& group : inhabited(lookup, one.cluster, partition))
            if (rebalances_on(lookup, one.cluster, group)) return false;
    }
    return elsewhere;
}

// Who holds the partition as well.
std::string peers(const Lookup& lookup, const Coordinator& one) {
    std::string list;
    const auto assignment =
        lookup.view().topology.attribute({one.cluster, "topic", std::string(coordinators_topic)}, "assignment");
    each_partition(assignment.value_or(""), [&](const PartitionPlace& place) {
        if (place.partition != one.partition) return;
        for (const std::string_view id : place.replicas)
            if (id != one.broker) list += (list.empty() ? "" : ",") + std::string(id);
    });
    return list;
}

Finding finding_of(const Lookup& lookup, const Coordinator& one) {
    const std::string partition = std::string(coordinators_topic) + "-" + one.partition;
    std::string groups;
    for (const std::string& group : one.groups) groups += (groups.empty() ? "" : ",") + group;
    const std::string what = one.silent
                                 ? "answers for none of its groups"
                                 : "has all of its groups in a rebalance that does not end, with the same members,";
    const WallTime now = lookup.now().wall;
    Finding finding{.id = "coordinator-stuck",
                    .subject = {one.cluster, "partition", partition},
                    .since = now - one.window,
                    .weight = 1,
                    .summary = "broker " + one.broker + ", the coordinator of " + partition + ", " + what + " for " +
                               spoken(one.window) + " or longer (" + groups + "), and does all of its other work",
                    .fields = {{"broker", one.broker},
                               {"offsets_partition", one.partition},
                               {"groups", groups},
                               {"peers", peers(lookup, one)}},
                    .evidence = {}};
    const std::string measure = one.silent ? "kafka_coordinator_answers" : "kafka_group_state";
    finding.evidence.push_back(
        {"metric", measure,
         "the coordinator of " + partition + " " + what + " for " + spoken(one.window) + " or longer", 0, now});
    finding.evidence.push_back(
        {"metric", "kafka_broker_reachable",
         "broker " + one.broker + " answers, its replicas are in sync, and other coordinators serve", 1, now});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::map<std::string, std::vector<Coordinator>> by_cluster;
    for (const SeriesId series : lookup.select("kafka_coordinator_answers"))
        if (auto one = stuck(lookup, series)) by_cluster[one->cluster].push_back(*std::move(one));
    std::vector<Finding> found;
    for (const auto& [cluster, all] : by_cluster) {
        // Several at once are a broker's trouble, or all of Kafka's.
        if (all.size() != 1) continue;
        const LabelValues which{{"cluster", cluster}};
        if (!lookup.held("kafka_cluster_partitions_reassigning", which, 0, all.front().window)) continue;
        if (broker_is_well(lookup, all.front()) && others_serve(lookup, all.front()))
            found.push_back(finding_of(lookup, all.front()));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"coordinator_stuck",
            "Coordinators that do not serve their groups on a broker that does all else.",
            {"coordinator-stuck"},
            run,
            "kafka_coordinator_answers and kafka_partition_leader and kafka_broker_reachable"};
}

}  // namespace medic::analyzers::coordinator_stuck

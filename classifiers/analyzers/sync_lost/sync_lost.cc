// in-sync-replicas-gone: partitions without a leader of which nobody comes back who holds every acknowledged record,
// while other replicas serve; by topic, with what an election of the best of those would cost. A replica that may come
// back is waited for: its broker is only just lost, its process runs (it may be recovering its logs), somebody has
// stopped it in good order, or its disk ran full, where the data is whole. Who is lost, and whether its process can be
// started again, is broker_silence's to say.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "agent/store/kafka_words.h"
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"
#include "classifiers/analyzers/kafka_disks.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::sync_lost {
namespace {

// A dir that its own running broker has given up stays offline until that broker is started anew.
constexpr Duration dir_gone_after{60'000};
// As Orion gives a dead broker (300 s): starting it again has been tried by then, where anybody may.
constexpr Duration process_gone_after{5 * 60'000};
// Nobody sees whether its process runs: recovering the logs of a large broker after a hard stop takes so long.
constexpr Duration unseen_gone_after{30 * 60'000};
constexpr Duration leaderless_for{30'000};
constexpr Duration look_back{60 * 60'000};
constexpr std::size_t told_max = 20;  // Partitions of one topic; the others are told when those have a leader.
constexpr std::size_t groups_named_max = 5;

struct Partition {
    std::string cluster, topic, number;
    [[nodiscard]] Subject subject() const { return {cluster, "partition", topic + "-" + number}; }
    [[nodiscard]] LabelValues labels() const { return {{"cluster", cluster}, {"topic", topic}, {"partition", number}}; }
};

std::vector<std::string> ids(const std::optional<std::string>& list) {
    return list == no_replica ? std::vector<std::string>() : listed(list);
}

// Why it is not waited for any longer, as a person and as the remedy read it; nullopt: it may come back, or nobody
// knows.
struct Gone {
    std::string why, how;  // how: "disk", "away" or "away:NODE".
};

std::optional<Gone> disk_gone(const Lookup& lookup, const std::string& cluster, const std::string& broker) {
    const LabelValues which{{"cluster", cluster}, {"broker", broker}};
    if (!lookup.held("kafka_broker_reachable", which, 1, dir_gone_after)) return std::nullopt;
    bool any = false;
    for (const SeriesId series : lookup.select("kafka_log_dir_online", which)) {
        if (lookup.value(series) != 0.0) continue;
        const std::string dir = lookup.label(series, "log_dir");
        const auto since = lookup.since(series, look_back);
        if (!since || lookup.now().wall - *since < dir_gone_after) return std::nullopt;
        // What ran full holds its data, and comes back with room. Not known is no reason to give it up.
        const auto room =
            room_before(lookup, {cluster, broker, dir}, lookup.first_told(series, look_back).value_or(*since));
        if (!room || room->full()) return std::nullopt;
        any = true;
    }
    if (!any) return std::nullopt;
    return Gone{"broker " + broker + " runs and has given its log dir up, which had room, for " +
                    spoken(dir_gone_after) + " or longer",
                "disk"};
}

std::optional<Gone> broker_gone(const Lookup& lookup, const std::string& cluster, const std::string& broker) {
    const LabelValues which{{"cluster", cluster}, {"broker", broker}};
    if (lookup.value("kafka_broker_up", which) != 0.0) return std::nullopt;
    for (const SeriesId series : lookup.select("kafka_broker_logs_to_recover", which))
        if (lookup.value(series).value_or(0) > 0) return std::nullopt;
    if (ran_full_lately(lookup, cluster, broker, look_back)) return std::nullopt;
    const auto node = lookup.node_of({cluster, "broker", broker});
    if (node) {
        const LabelValues of_node{{"cluster", cluster}, {"node", *node}};
        // Somebody has stopped it: it starts when they say so.
        if (lookup.value("process_stopped_in_order", of_node) == 1.0) return std::nullopt;
        const auto process = lookup.value("process_up", of_node);
        if (process && *process != 0) return std::nullopt;
        if (process) {
            if (!lookup.held("process_up", of_node, 0, process_gone_after) ||
                !lookup.held("kafka_broker_up", which, 0, process_gone_after))
                return std::nullopt;
            return Gone{"broker " + broker + " has had no process on " + *node + " for " + spoken(process_gone_after) +
                            " or longer",
                        "away:" + *node};
        }
    }
    if (!lookup.held("kafka_broker_up", which, 0, unseen_gone_after)) return std::nullopt;
    return Gone{"broker " + broker + " has been missing from the cluster for " + spoken(unseen_gone_after) +
                    " or longer; whether its process runs is not known",
                "away"};
}

struct Candidate {
    std::string broker;
    double end = 0;
};

// The one whose log reaches furthest; nullopt: nobody serves, or it is not known of each how far it got.
std::optional<Candidate> best(const Lookup& lookup, const Partition& partition,
                              const std::vector<std::string>& serving) {
    std::optional<Candidate> found;
    for (const std::string& broker : serving) {
        LabelValues which = partition.labels();
        which.emplace_back("broker", broker);
        const auto end = lookup.value("kafka_replica_log_end_offset", which);
        if (!end) return std::nullopt;
        if (!found || *end > found->end) found = {broker, *end};
    }
    return found;
}

struct Loss {
    Partition partition;
    Candidate candidate;
    std::optional<double> last_end;  // As far as it was readable when that was last seen.
    Duration seen_before{0};         // … and how long before it lost its leader.
    WallTime since;
    std::string awaited;  // "1=disk+3=away:broker-3"
    std::vector<Evidence> evidence;
    std::map<std::string, double> readers;  // Groups that have read beyond, and where they stand.

    [[nodiscard]] std::optional<double> records() const {
        return last_end ? std::optional(std::max(0.0, *last_end - candidate.end)) : std::nullopt;
    }
};

std::string whole(double number) { return std::to_string(std::llround(number)); }

void readable_before(const Lookup& lookup, Loss& loss) {
    for (const SeriesId series : lookup.select("kafka_partition_log_end_offset", loss.partition.labels())) {
        const auto samples = lookup.history(series, look_back);
        if (samples.empty()) continue;
        loss.last_end = samples.back().value;
        loss.seen_before = Duration{std::max<std::int64_t>(0, loss.since.unix_ms - samples.back().at_ms)};
    }
}

void readers_beyond(const Lookup& lookup, Loss& loss) {
    for (const SeriesId series : lookup.select("kafka_group_committed_offset", loss.partition.labels())) {
        const auto committed = lookup.value(series);
        if (committed && *committed > loss.candidate.end) loss.readers[lookup.label(series, "group")] = *committed;
    }
}

// Everybody who may hold every acknowledged record. Brokers that keep eligible leaders beside the ISR (KIP-966) may
// tell an empty one: then any replica that does not serve may be one of them; one that does would lead.
std::vector<std::string> awaited(const Lookup& lookup, const Partition& partition,
                                 const std::vector<std::string>& serving) {
    const auto in_sync = lookup.view().topology.attribute(partition.subject(), "in_sync");
    auto all = ids(in_sync);
    if (!all.empty() || !in_sync) return all;
    const auto assignment =
        lookup.view().topology.attribute({partition.cluster, "topic", partition.topic}, "assignment");
    each_partition(assignment.value_or(""), [&](const PartitionPlace& place) {
        if (place.partition != partition.number) return;
        for (const std::string_view id : place.replicas)
            if (std::ranges::find(serving, id) == serving.end()) all.emplace_back(id);
    });
    return all;
}

std::optional<Loss> examine(const Lookup& lookup, SeriesId leader) {
    if (lookup.value(leader) != -1.0) return std::nullopt;
    const auto since = lookup.since(leader, look_back);
    if (!since || lookup.now().wall - *since < leaderless_for) return std::nullopt;
    Loss loss{.partition = {lookup.label(leader, "cluster"), lookup.label(leader, "topic"),
                            lookup.label(leader, "partition")},
              .candidate = {},
              .last_end = {},
              .since = *since,
              .awaited = {},
              .evidence = {},
              .readers = {}};
    const auto serving = ids(lookup.view().topology.attribute(loss.partition.subject(), "serving"));
    const auto all = awaited(lookup, loss.partition, serving);
    if (all.empty()) return std::nullopt;
    for (const std::string& broker : all) {
        // One that serves again leads at once: what was told is out of date.
        if (std::ranges::find(serving, broker) != serving.end()) return std::nullopt;
        auto gone = disk_gone(lookup, loss.partition.cluster, broker);
        if (!gone) gone = broker_gone(lookup, loss.partition.cluster, broker);
        if (!gone) return std::nullopt;
        loss.awaited += (loss.awaited.empty() ? "" : "+") + broker + "=" + gone->how;
        loss.evidence.push_back({"metric", gone->how == "disk" ? "kafka_log_dir_online" : "kafka_broker_up", gone->why,
                                 0, lookup.now().wall});
    }
    const auto candidate = best(lookup, loss.partition, serving);
    if (!candidate) return std::nullopt;
    loss.candidate = *candidate;
    readable_before(lookup, loss);
    readers_beyond(lookup, loss);
    return loss;
}

std::string told(const Loss& loss) {
    std::string text = "partition " + loss.partition.number + ": ";
    if (const auto records = loss.records())
        text += "about " + whole(*records) + " records (it was readable to offset " + whole(*loss.last_end) +
                " when that was last seen, " + spoken(loss.seen_before) + " before it lost its leader";
    else
        text += "an unknown number of records (how far it was readable is not known";
    text += "; broker " + loss.candidate.broker + " has it to " + whole(loss.candidate.end) + ")";
    std::size_t named = 0;
    for (const auto& [group, at] : loss.readers)
        if (++named <= groups_named_max)
            text += (named == 1 ? ", read beyond by " : ", ") + group + " (at " + whole(at) + ")";
    if (loss.readers.size() > groups_named_max)
        text += " and " + std::to_string(loss.readers.size() - groups_named_max) + " more groups";
    return text;
}

Finding finding_of(const Lookup& lookup, const Subject& topic, const std::vector<Loss>& losses) {
    Finding finding{.id = "in-sync-replicas-gone",
                    .subject = topic,
                    .since = losses.front().since,
                    .weight = 1,
                    .summary = "",
                    .fields = {{"topic", topic.name}},
                    .evidence = {}};
    std::string identities, estimate;
    std::set<std::string> said;
    for (const Loss& loss : losses) {
        finding.since = std::min(finding.since, loss.since);
        identities += (identities.empty() ? "" : ";") + loss.partition.number + "/" + loss.candidate.broker + "/" +
                      whole(loss.candidate.end) + "/" + loss.awaited;
        estimate += (estimate.empty() ? "" : "; ") + told(loss);
        for (const Evidence& one : loss.evidence)
            if (said.insert(one.text).second) finding.evidence.push_back(one);
        finding.evidence.push_back(
            {"metric", "kafka_replica_log_end_offset", told(loss), loss.candidate.end, lookup.now().wall});
    }
    finding.summary = std::to_string(losses.size()) + (losses.size() == 1 ? " partition" : " partitions") + " of " +
                      topic.name + (losses.size() == 1 ? " has" : " have") +
                      " no leader, and none of the replicas that were in sync comes back; an election of another one "
                      "loses of " +
                      estimate;
    finding.fields["lost_partitions"] = identities;
    finding.fields["loss_estimate"] = estimate;
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::map<Subject, std::vector<Loss>> by_topic;
    for (const SeriesId series : lookup.select("kafka_partition_leader"))
        if (auto loss = examine(lookup, series))
            by_topic[{loss->partition.cluster, "topic", loss->partition.topic}].push_back(*std::move(loss));
    std::vector<Finding> found;
    for (auto& [topic, losses] : by_topic) {
        std::ranges::sort(losses, {}, [](const Loss& one) { return std::atoi(one.partition.number.c_str()); });
        losses.resize(std::min(losses.size(), told_max));
        found.push_back(finding_of(lookup, topic, losses));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"sync_lost",
            "Partitions without a leader of which no in-sync replica comes back, and what electing another would cost.",
            {"in-sync-replicas-gone"},
            run,
            "kafka_partition_leader and kafka_broker_up and kafka_broker_reachable"};
}

}  // namespace medic::analyzers::sync_lost

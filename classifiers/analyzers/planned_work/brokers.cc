// A broker that went through a controlled shutdown: it was no longer a member, or led nothing any more, at the very
// look that first found it silent. One that was killed is listed, as a leader, until its session ends.
#include <algorithm>

#include "classifiers/analyzers/planned_work/planned_internal.h"

namespace medic::analyzers::planned_work {
namespace {

struct Broker {
    std::string cluster, id;
    [[nodiscard]] LabelValues labels() const { return {{"cluster", cluster}, {"broker", id}}; }
};

// The sample of the look at `at`, also when it is not fresh any more.
std::optional<double> at_look(const Lookup& lookup, std::string_view series, const Broker& broker, WallTime at) {
    for (const auto id : lookup.select(series, broker.labels()))
        for (const auto& sample : lookup.history(id, look_back))
            if (sample.at_ms == at.unix_ms) return sample.value;
    return std::nullopt;
}

// It led something since it was last started.
bool led_before(const Lookup& lookup, const Broker& broker, const Absence& absence) {
    WallTime started{0};
    for (const auto id : lookup.select("kafka_broker_reachable", broker.labels()))
        for (const auto& sample : lookup.history(id, look_back))
            if (sample.value == 0 && sample.at_ms < absence.began.unix_ms) started = {sample.at_ms};
    for (const auto id : lookup.select("kafka_broker_leaders", broker.labels()))
        for (const auto& sample : lookup.history(id, look_back))
            if (sample.value > 0 && sample.at_ms > started.unix_ms && sample.at_ms < absence.began.unix_ms) return true;
    return false;
}

std::optional<Evidence> controlled_shutdown(const Lookup& lookup, const Broker& broker, const Absence& absence) {
    if (absence.began - absence.last_there > signed_off_within) return std::nullopt;
    const auto listed = at_look(lookup, "kafka_broker_up", broker, absence.began);
    if (!listed) return std::nullopt;
    if (*listed == 0)
        return Evidence{"metric", "kafka_broker_up",
                        "the cluster no longer listed broker " + broker.id +
                            " when it fell silent: it signed off before its session could end",
                        0, absence.began};
    const auto leads = at_look(lookup, "kafka_broker_leaders", broker, absence.began);
    if (!leads || *leads != 0 || !led_before(lookup, broker, absence)) return std::nullopt;
    return Evidence{"metric", "kafka_broker_leaders",
                    "all leaders had been moved away from broker " + broker.id + " before it fell silent", 0,
                    absence.began};
}

// It held replicas once and gave the last one away while it was still there.
bool drained(const Lookup& lookup, const Broker& broker, const Absence& absence) {
    std::optional<double> last;
    for (const auto id : lookup.select("kafka_broker_partitions", broker.labels()))
        for (const auto& sample : lookup.history(id, look_back)) {
            if (sample.at_ms >= absence.began.unix_ms && sample.value > 0) return false;
            if (sample.at_ms < absence.began.unix_ms) last = sample.value;
        }
    return last == 0.0;
}

// Another broker is away that holds replicas.
std::string second_away(const Lookup& lookup, const Broker& broker) {
    for (const auto* series : {"kafka_broker_reachable", "kafka_broker_up"})
        for (const auto id : lookup.select(series, {{"cluster", broker.cluster}})) {
            const auto other = lookup.label(id, "broker");
            if (other == broker.id || lookup.value(id).value_or(1) != 0) continue;
            if (lookup.value("kafka_broker_partitions", {{"cluster", broker.cluster}, {"broker", other}}).value_or(0) >
                0)
                return "broker " + other + " is away at the same time";
        }
    return "";
}

std::string partitions_suffer(const Lookup& lookup, const std::string& cluster) {
    for (const auto id : lookup.select("kafka_partition_leader", {{"cluster", cluster}}))
        if (lookup.value(id).value_or(0) == -1)
            return "partition " + lookup.label(id, "topic") + "-" + lookup.label(id, "partition") + " has no leader";
    for (const auto id : lookup.select("kafka_partition_in_sync_replicas", {{"cluster", cluster}})) {
        const auto topic = lookup.label(id, "topic");
        // As far as the topic's own setting or its brokers' default is known.
        const auto least = lookup.number({cluster, "topic", topic}, "min.insync.replicas");
        const auto in_sync = lookup.value(id);
        if (in_sync && least && *in_sync < *least)
            return "partition " + topic + "-" + lookup.label(id, "partition") + " is under its min.insync.replicas";
    }
    return "";
}

// Other brokers went and came back in the last while: it is their turn one by one.
bool others_had_their_turn(const Lookup& lookup, const Broker& broker) {
    return std::ranges::any_of(lookup.select("kafka_broker_reachable", {{"cluster", broker.cluster}}),
                               [&](SeriesId id) {
                                   if (lookup.label(id, "broker") == broker.id) return false;
                                   const auto absence = last_absence(lookup, id);
                                   return absence && absence->ended;
                               });
}

std::optional<Finding> examine(const Lookup& lookup, SeriesId reachable) {
    const Broker broker{lookup.label(reachable, "cluster"), lookup.label(reachable, "broker")};
    const auto absence = last_absence(lookup, reachable);
    if (!absence || settled(lookup, *absence)) return std::nullopt;
    const auto node = lookup.node_of({broker.cluster, "broker", broker.id}).value_or("");
    auto evidence = controlled_shutdown(lookup, broker, *absence);
    if (!evidence) evidence = ended_by_request(lookup, broker.cluster, node, *absence);
    if (!evidence) return std::nullopt;
    Work work{.subject = {broker.cluster, "broker", broker.id},
              .kind = others_had_their_turn(lookup, broker) ? "roll" : "stop",
              .since = absence->began,
              .what = "",
              .who = {{"broker", broker.id}},
              .evidence = {*std::move(evidence)},
              .doubt = ""};
    if (!node.empty()) work.who["node"] = node;
    if (absence->ended) {
        work.what = "broker " + broker.id + " was restarted in good order and is back";
    } else if (drained(lookup, broker, *absence)) {
        work.kind = "decommission";
        work.what = "broker " + broker.id + " was drained and taken out of the cluster";
    } else {
        work.what = "broker " + broker.id + " was stopped in good order";
        work.doubt = second_away(lookup, broker);
        if (work.doubt.empty()) work.doubt = partitions_suffer(lookup, broker.cluster);
        if (work.doubt.empty()) work.doubt = overdue(lookup, *absence);
    }
    return finding_of(std::move(work));
}

}  // namespace

void find_brokers(const Lookup& lookup, std::vector<Finding>& found) {
    for (const auto series : lookup.select("kafka_broker_reachable"))
        if (auto finding = examine(lookup, series)) found.push_back(*std::move(finding));
}

}  // namespace medic::analyzers::planned_work

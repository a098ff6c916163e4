// writes-refused: a topic was written to until lately and takes nothing more, because min.insync.replicas asks for more
// replicas than it has, although all of them are in sync: who writes with acks=all is refused, and no broker that comes
// back will change that. A topic that lacks replicas waits for them; one that nobody writes to has no trouble yet.
#include <algorithm>
#include <map>

#include "agent/store/kafka_words.h"
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::writes_refused {
namespace {

constexpr Duration written_within{30 * 60'000};
// Two looks of the default interval: nothing has come in since.
constexpr Duration stands_for{10'000};

struct Written {
    std::optional<WallTime> last_rise;  // Of any partition.
    bool known = false;
};

Written written(const Lookup& lookup, const Subject& topic) {
    Written all;
    WallTime seen_since{};  // Of all partitions.
    for (const auto series :
         lookup.select("kafka_partition_log_end_offset", {{"cluster", topic.cluster}, {"topic", topic.name}})) {
        if (!lookup.sample(series)) return {};
        all.known = true;
        const auto samples = lookup.history(series, written_within);
        seen_since = std::max(seen_since, WallTime{samples.front().at_ms});
        for (std::size_t i = 1; i < samples.size(); ++i)
            if (samples[i].value > samples[i - 1].value)
                all.last_rise = std::max(all.last_rise.value_or(WallTime{}), WallTime{samples[i].at_ms});
    }
    if (all.last_rise) return all;
    // An agent that was started after the last write: what one before it has seen.
    const auto until = lookup.number(topic, std::string(written_until));
    const WallTime now = lookup.now().wall;
    if (!until || now - seen_since < stands_for) return all;
    const WallTime at{static_cast<std::int64_t>(*until)};
    if (at <= seen_since && now - at <= written_within) all.last_rise = at;
    return all;
}

// Partitions whose replicas are all in sync and still too few.
struct Refused {
    std::size_t partitions = 0;
    double replicas = 0;
};

Refused refused(const Lookup& lookup, const Subject& topic, double least) {
    Refused all;
    for (const auto series :
         lookup.select("kafka_partition_in_sync_replicas", {{"cluster", topic.cluster}, {"topic", topic.name}})) {
        // Nearly all have enough, at every look: only of those that have not is more asked.
        const auto in_sync = lookup.value(series);
        if (!in_sync || *in_sync >= least) continue;
        const std::string partition = lookup.label(series, "partition");
        const LabelValues which{{"cluster", topic.cluster}, {"topic", topic.name}, {"partition", partition}};
        const auto replicas = lookup.value("kafka_partition_replicas", which),
                   leader = lookup.value("kafka_partition_leader", which);
        if (!replicas || !leader || *leader < 0 || *in_sync < *replicas) continue;
        ++all.partitions;
        all.replicas = *replicas;
    }
    return all;
}

std::optional<Finding> examine(const Lookup& lookup, const Subject& topic) {
    const auto least = lookup.number(topic, "min.insync.replicas");
    if (!least) return std::nullopt;
    const Refused short_of = refused(lookup, topic, *least);
    if (short_of.partitions == 0) return std::nullopt;
    const Written was = written(lookup, topic);
    if (!was.known || !was.last_rise || lookup.now().wall - *was.last_rise < stands_for) return std::nullopt;
    const std::string number = std::to_string(static_cast<long>(*least)),
                      there = std::to_string(static_cast<long>(short_of.replicas));
    Finding finding{.id = "writes-refused",
                    .subject = topic,
                    .since = *was.last_rise,
                    .weight = 1,
                    .summary = "topic " + topic.name + " takes no writes with acks=all: min.insync.replicas is " +
                               number + ", and its partitions have " + there + " replicas, all of them in sync",
                    .fields = {{"topic", topic.name}, {"setting", "min.insync.replicas"}, {"value", number}},
                    .evidence = {}};
    finding.evidence.push_back({"topology", "min.insync.replicas", finding.summary, *least, lookup.now().wall});
    finding.evidence.push_back({"metric",
                                "kafka_partition_log_end_offset",
                                "nothing was written to it for " + spoken(lookup.now().wall - *was.last_rise),
                                {},
                                *was.last_rise});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::map<Subject, bool> topics;
    for (const auto series : lookup.select("kafka_partition_in_sync_replicas"))
        topics[{lookup.label(series, "cluster"), "topic", lookup.label(series, "topic")}] = true;
    std::vector<Finding> found;
    for (const auto& [topic, there] : topics)
        if (auto finding = examine(lookup, topic)) found.push_back(*std::move(finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"writes_refused",
            "Topics that take no writes because min.insync.replicas asks for more replicas than they have.",
            {"writes-refused"},
            run,
            "kafka_partition_in_sync_replicas and kafka_partition_replicas and kafka_partition_log_end_offset"};
}

}  // namespace medic::analyzers::writes_refused

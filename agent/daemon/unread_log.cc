#include "agent/daemon/unread_log.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "agent/store/kafka_words.h"

namespace medic {
namespace {

// A group whose coordinator moves is listed by no broker for a while, and the look says that nothing is missing.
constexpr Duration readers_remembered{10 * 60'000};

struct Log {
    double start = 0, end = 0;
};
using Logs = std::map<std::string, Log>;                                 // By partition.
using Positions = std::map<std::string, std::map<std::string, double>>;  // By group and partition.

std::vector<SeriesId> of_topic(const WholeLook& look, const Subject& topic, const char* name) {
    using Op = LabelMatcher::Op;
    const std::vector<LabelMatcher> matchers = {
        {"__name__", Op::equal, name}, {"cluster", Op::equal, topic.cluster}, {"topic", Op::equal, topic.name}};
    return look.series.select(matchers);
}

std::optional<double> told(const WholeLook& look, SeriesId series) {
    const auto sample = look.series.latest(series, look.at, Duration{1});
    return sample ? std::optional(sample->value) : std::nullopt;
}

bool told_lately(const WholeLook& look, SeriesId series) {
    std::vector<Sample> buffer;
    return std::ranges::any_of(look.series.range(series, look.at - readers_remembered, look.at, buffer),
                               [](const Sample& sample) { return !is_stale_marker(sample.value); });
}

// Empty unless both ends of every partition are known.
Logs logs_of(const WholeLook& look, const Subject& topic) {
    std::map<std::string, double> starts;
    for (const SeriesId series : of_topic(look, topic, "kafka_partition_log_start_offset"))
        if (const auto start = told(look, series)) starts[std::string(look.series.label(series, "partition"))] = *start;
    Logs logs;
    for (const SeriesId series : of_topic(look, topic, "kafka_partition_log_end_offset")) {
        const auto end = told(look, series);
        const auto start = starts.find(std::string(look.series.label(series, "partition")));
        if (end && start != starts.end()) logs[start->first] = {.start = start->second, .end = *end};
    }
    if (look.topology.attribute(topic, "partitions") != std::to_string(logs.size())) logs.clear();
    return logs;
}

// nullopt: a reader is known of which the look has told nothing.
std::optional<Positions> positions_in(const WholeLook& look, const Subject& topic) {
    Positions positions;
    for (const SeriesId series : of_topic(look, topic, "kafka_group_committed_offset")) {
        const std::string group(look.series.label(series, "group")), partition(look.series.label(series, "partition"));
        if (const auto offset = told(look, series))
            positions[group][partition] = *offset;
        else if (told_lately(look, series))
            return std::nullopt;
    }
    for (const Subject& reader : look.topology.to(topic, "reads"))
        if (reader.kind == "group" && !positions.contains(reader.name)) return std::nullopt;
    return positions;
}

// Where a group has no position it has read nothing yet, as far as anybody can tell.
double unread_ratio(const Log& log, const std::map<std::string, double>& positions, const std::string& partition) {
    if (log.end <= log.start) return 0;
    const auto position = positions.find(partition);
    if (position == positions.end()) return 1;
    return std::clamp((log.end - position->second) / (log.end - log.start), 0.0, 1.0);
}

bool hides_positions(const WholeLook& look, const std::string& cluster) {
    const auto hidden = look.topology.attribute({cluster, "cluster", cluster}, "kafka_not_visible");
    return hidden && hidden->contains(offsets_of_groups);
}

}  // namespace

Fact unread_ratio_of(const FactKey& key, const WholeLook& look) {
    Fact fact{key.subject, key.name, std::nullopt, "", {}};
    const Logs logs = logs_of(look, key.subject);
    const auto positions = positions_in(look, key.subject);
    if (logs.empty() || !positions || positions->empty() || hides_positions(look, key.subject.cluster)) return fact;
    double highest = 0;
    for (const auto& [group, mine] : *positions)
        for (const auto& [partition, log] : logs) highest = std::max(highest, unread_ratio(log, mine, partition));
    fact.value = highest;
    fact.observed_at = look.at;
    return fact;
}

}  // namespace medic

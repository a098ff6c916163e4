// reader-overtaken and reader-nearly-overtaken: retention deletes records before a living group has read them. A group
// that nobody runs any more falls behind the log's start as a matter of course and is never told; nor is a topic that
// a living group no longer reads.
#include <algorithm>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/group_topics.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::reader_overtaken {
namespace {

constexpr Duration window{30 * 60'000};
constexpr Duration span_needs{60'000};
constexpr Duration remembered{2 * 3'600'000};   // What the store keeps.
constexpr Duration warn_before{6 * 3'600'000};  // A night's sleep: time to raise the retention or to catch up.

struct Reader {
    std::size_t partitions = 0;   // Overtaken ones.
    double lost = 0;              // Records.
    std::optional<double> hours;  // Until the first further partition is overtaken.
    std::string next;             // That partition.
    WallTime at;
};

// Records per second by which a counter rises; nullopt when the samples are too few to say.
std::optional<double> slope(const std::vector<Sample>& samples) {
    if (samples.size() < 3) return std::nullopt;
    const auto span = Duration{samples.back().at_ms - samples.front().at_ms};
    if (span < span_needs) return std::nullopt;
    return (samples.back().value - samples.front().value) * 1000 / static_cast<double>(span.count());
}

bool lives(const Lookup& lookup, const std::string& cluster, const std::string& group) {
    if (lookup.value("kafka_group_members", {{"cluster", cluster}, {"group", group}}).value_or(0) > 0) return true;
    // A Flink job commits without being a member.
    for (const auto series : lookup.select("flink_job_state", {{"cluster", cluster}, {"state", "RUNNING"}}))
        if (lookup.value(series).value_or(0) == 1 &&
            lookup.view().topology.attribute({cluster, "job", lookup.label(series, "job")}, "group") == group)
            return true;
    return false;
}

void examine(const Lookup& lookup, GroupTopics& topics, SeriesId committed, Reader& reader) {
    const auto position = lookup.sample(committed);
    const std::string cluster = lookup.label(committed, "cluster"), topic = lookup.label(committed, "topic"),
                      partition = lookup.label(committed, "partition");
    const LabelValues which{{"cluster", cluster}, {"topic", topic}, {"partition", partition}};
    const auto starts = lookup.select("kafka_partition_log_start_offset", which);
    const auto start = starts.size() == 1 ? lookup.sample(starts.front()) : std::nullopt;
    // -1: nothing committed yet; the reader starts wherever its policy says.
    if (!position || !start || position->value < 0 || topics.left(committed)) return;
    reader.at = {start->at_ms};
    if (start->value > position->value) {
        ++reader.partitions;
        reader.lost += start->value - position->value;
        return;
    }
    // Whoever has read everything can't be overtaken, however fast an old burst goes.
    const auto end = lookup.value("kafka_partition_log_end_offset", which);
    if (end && position->value >= *end) return;
    const auto reads = slope(lookup.history(committed, window)),
               deletes = slope(lookup.history(starts.front(), window));
    if (!reads || !deletes || *deletes <= *reads) return;
    const double hours = (position->value - start->value) / (*deletes - *reads) / 3600;
    if (!reader.hours || hours < *reader.hours) {
        reader.hours = hours;
        reader.next = topic + "-" + partition;
    }
}

std::optional<Finding> tell(const Subject& group, const std::string& topic, const Reader& reader) {
    const bool overtaken = reader.partitions > 0;
    if (!overtaken && (!reader.hours || *reader.hours * 3'600'000 > static_cast<double>(warn_before.count())))
        return std::nullopt;
    Finding finding{.id = overtaken ? "reader-overtaken" : "reader-nearly-overtaken",
                    .subject = group,
                    .since = reader.at,
                    .weight = 1,
                    .summary = "",
                    .fields = {{"group", group.name}, {"topic", topic}},
                    .evidence = {}};
    if (overtaken) {
        finding.fields["records_lost"] = std::to_string(static_cast<long>(reader.lost));
        finding.summary = "retention has deleted " + finding.fields["records_lost"] + " records of " + topic +
                          " that group " + group.name + " had not read";
    } else {
        const auto left = Duration{static_cast<std::int64_t>(*reader.hours * 3'600'000)};
        finding.fields["hours_left"] = std::to_string(*reader.hours);
        finding.summary = "in " + spoken(left) + " retention deletes records of " + reader.next + " that group " +
                          group.name + " has not read";
    }
    finding.evidence.push_back({"metric", "kafka_partition_log_start_offset", finding.summary,
                                overtaken ? reader.lost : *reader.hours, reader.at});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    GroupTopics topics{lookup, remembered};
    std::map<std::pair<Subject, std::string>, Reader> readers;
    for (const auto series : lookup.select("kafka_group_committed_offset")) {
        const Subject group{lookup.label(series, "cluster"), "group", lookup.label(series, "group")};
        examine(lookup, topics, series, readers[{group, lookup.label(series, "topic")}]);
    }
    std::vector<Finding> found;
    for (const auto& [who, reader] : readers) {
        auto finding = tell(who.first, who.second, reader);
        if (finding && lives(lookup, who.first.cluster, who.first.name)) found.push_back(*std::move(finding));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"reader_overtaken",
            "Living groups whose unread records retention deletes, or soon will.",
            {"reader-overtaken", "reader-nearly-overtaken"},
            run,
            "kafka_group_committed_offset and kafka_partition_log_start_offset and kafka_group_members",
            Duration{60'000}};
}

}  // namespace medic::analyzers::reader_overtaken

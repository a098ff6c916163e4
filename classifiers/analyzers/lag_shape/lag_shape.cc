// group-stopped, group-stalled, group-rewound, group-falling-behind, group-catching-up: what the lag of a consumer
// group does, partition by partition, and how old the oldest unread record is. A group that has read all there is is
// idle, whatever its commits do; one that nobody has run for two hours is abandoned: neither is told. Nor is one whose
// job, connector, partition or rebalance is the trouble: that is told by those who watch them.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/group_topics.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::lag_shape {
namespace {

constexpr Duration window{10 * 60'000};          // For what lag does; Burrow judges by its window, too.
constexpr Duration habit_window{2 * 3'600'000};  // What the store keeps: how a reader that stands has committed before.
constexpr Duration end_window{30 * 60'000};
constexpr Duration span_needs{5 * 60'000};
// Records younger than this have not been waiting long: consumers commit every 5 s, Flink jobs at checkpoints.
constexpr Duration lag_min{60'000};
constexpr Duration stands_min{2 * 60'000};
constexpr Duration stands_without_habit{10 * 60'000};  // Flink's checkpoint time-out: a commit may be that far off.
constexpr std::int64_t over_habit = 3;
// Commits that overtake each other go back by a batch at most. Kafka's default: max.poll.records = 500.
constexpr double rewind_min = 500;
// Markers of transactions take offsets that no reader is handed; a few new ones are no new records.
constexpr double new_records_min = 10;
// As in capacity_mismatch: offered is 1.1 times what is processed, so that a tenth of it stays behind.
constexpr double stays_behind = 0.1 / 1.1;
constexpr std::size_t partitions_examined_max = 2'000, partitions_named_max = 8;

enum class Shape : std::uint8_t { catching_up, falling_behind, stands, rewound };  // The worst last.

struct Partition {
    std::string name;  // topic-partition
    Shape shape = Shape::stands;
    double lag = 0, rewound_by = 0, drop_per_second = 0;
    std::optional<double> seconds;  // Age of the oldest unread record; nullopt: older than what is known.
    bool committed_before = false;  // It has been seen to move.
    WallTime since;
};

struct Group {
    std::vector<Partition> partitions;
    std::string topic;
    std::size_t known = 0;  // Partitions with a lag, the healthy ones included.
};

struct Reader {
    std::string job, connector;
    Duration commits_every{0};
};

double rise(const std::vector<Sample>& samples) { return samples.back().value - samples.front().value; }

// When the record after the committed offset was written, by the end offsets that were seen.
std::optional<double> age_seconds(const std::vector<Sample>& ends, double committed, WallTime now) {
    const auto after = std::ranges::find_if(ends, [&](const Sample& one) { return one.value > committed; });
    if (after == ends.end()) return 0;
    if (after == ends.begin()) return std::nullopt;
    const auto before = after - 1;
    const double share = (committed - before->value) / (after->value - before->value);
    const double written =
        static_cast<double>(before->at_ms) + share * static_cast<double>(after->at_ms - before->at_ms);
    return std::max(0.0, (static_cast<double>(now.unix_ms) - written) / 1000);
}

// The last jump back that has not been made good.
std::optional<std::pair<double, WallTime>> rewind_of(const std::vector<Sample>& committed) {
    double highest_after = committed.back().value;
    for (std::size_t i = committed.size() - 1; i > 0; --i) {
        const double before = committed[i - 1].value;
        if (before - committed[i].value >= rewind_min && highest_after < before)
            return std::pair{before - committed[i].value, WallTime{committed[i].at_ms}};
        highest_after = std::max(highest_after, before);
    }
    return std::nullopt;
}

// The smallest lag of each third of the window: just after a commit, so that commits in jumps don't show.
std::optional<std::array<double, 3>> troughs(const std::vector<Sample>& committed, const std::vector<Sample>& ends) {
    const std::int64_t from = std::max(committed.front().at_ms, ends.front().at_ms), to = ends.back().at_ms;
    if (Duration{to - from} < span_needs) return std::nullopt;
    std::array<std::optional<double>, 3> lowest;
    auto position = committed.begin();
    for (const Sample& end : ends) {
        if (end.at_ms < from) continue;
        while (position + 1 != committed.end() && (position + 1)->at_ms <= end.at_ms) ++position;
        auto& low = lowest[std::min<std::size_t>(2, static_cast<std::size_t>((end.at_ms - from) * 3 / (to - from)))];
        low = std::min(low.value_or(end.value - position->value), end.value - position->value);
    }
    if (!lowest[0] || !lowest[1] || !lowest[2]) return std::nullopt;
    return std::array{*lowest[0], *lowest[1], *lowest[2]};
}

// It commits nothing for longer than its habit although records came.
std::optional<Partition> standing(const Lookup& lookup, SeriesId committed, const std::vector<Sample>& ends,
                                  const Reader& reader) {
    const auto motion = lookup.motion(committed, habit_window);
    if (!motion) return std::nullopt;
    Duration habit = std::max(motion->longest_before, reader.commits_every);
    bool has_habit = motion->moved;
    // Sinks that commit whole files do so as seldom as once an hour: a single commit is no habit yet.
    if (!reader.connector.empty() && motion->longest_before == Duration{0}) {
        has_habit = false;
        if (motion->moved) habit = std::max(habit, motion->observed_before());
    }
    const Duration enough = std::max(has_habit ? stands_min : stands_without_habit, over_habit * habit);
    if (motion->standing < enough) return std::nullopt;
    const auto then =
        std::ranges::find_if(ends, [&](const Sample& one) { return one.at_ms >= motion->changed.unix_ms; });
    if (then == ends.end() || ends.back().value - then->value < new_records_min) return std::nullopt;
    Partition partition;
    partition.committed_before = motion->moved;
    partition.since = motion->changed;
    return partition;
}

std::optional<Partition> moving(const Lookup& lookup, const std::vector<Sample>& committed,
                                const std::vector<Sample>& ends) {
    Partition partition;
    partition.committed_before = true;
    partition.since = lookup.now().wall - window;
    if (const auto back = rewind_of(committed)) {
        partition.shape = Shape::rewound;
        partition.rewound_by = back->first;
        partition.since = back->second;
        return partition;
    }
    std::vector<Sample> recent(
        std::ranges::find_if(ends, [&](const Sample& one) { return one.at_ms > (lookup.now().wall - window).unix_ms; }),
        ends.end());
    if (recent.size() < 3) return std::nullopt;
    const auto lag = troughs(committed, recent);
    if (!lag) return std::nullopt;
    // Troughs of the first and the last third lie two thirds of the window apart.
    const double seconds = static_cast<double>(recent.back().at_ms - recent.front().at_ms) / 1000;
    const double growth = (*lag)[2] - (*lag)[0], offered = rise(recent) * 2 / 3;
    if ((*lag)[1] > (*lag)[0] && (*lag)[2] > (*lag)[1] && growth >= stays_behind * offered) {
        partition.shape = Shape::falling_behind;
    } else if ((*lag)[1] < (*lag)[0] && (*lag)[2] < (*lag)[1]) {
        partition.shape = Shape::catching_up;
        partition.drop_per_second = -growth / (seconds * 2 / 3);
    } else {
        return std::nullopt;
    }
    return partition;
}

std::optional<Partition> examine(const Lookup& lookup, SeriesId committed, SeriesId end, const LabelValues& which,
                                 const Reader& reader) {
    const auto position = lookup.sample(committed), now_end = lookup.sample(end);
    if (!position || !now_end || position->value < 0) return std::nullopt;
    const auto earlier = lookup.view().series.latest(end, lookup.now().wall - lag_min, fresh_within);
    // What it has not read is younger than that: no lag worth a word, or the topic was made anew.
    if (!earlier || earlier->value <= position->value || now_end->value < earlier->value) return std::nullopt;
    if (lookup.value("kafka_partition_leader", which).value_or(0) < 0) return std::nullopt;
    // A transaction that is open holds up everybody who reads committed records only.
    const auto stable = lookup.value("kafka_partition_last_stable_offset", which);
    if (stable && position->value >= *stable) return std::nullopt;
    const auto ends = lookup.history(end, end_window);
    if (ends.size() < 3 || rise(ends) < 0) return std::nullopt;
    std::optional<Partition> partition;
    if (lookup.is_only(committed, position->value, stands_min)) {
        partition = standing(lookup, committed, ends, reader);
    } else {
        const auto commits = lookup.history(committed, window);
        if (commits.size() >= 3) partition = moving(lookup, commits, ends);
    }
    if (!partition) return std::nullopt;
    partition->lag = now_end->value - position->value;
    partition->seconds = age_seconds(ends, position->value, lookup.now().wall);
    return partition;
}

// Whose group it is, as far as topology and names tell.
Reader reader_of(const Lookup& lookup, const Subject& group) {
    Reader reader;
    for (const Subject& job : lookup.view().topology.all(group.cluster, "job")) {
        if (lookup.view().topology.attribute(job, "group") != group.name) continue;
        reader.job = job.name;
        if (const auto every = lookup.number(job, "checkpoint_interval_ms"))
            reader.commits_every = Duration{std::llround(*every)};
    }
    if (group.name.starts_with("connect-")) reader.connector = group.name.substr(8);
    return reader;
}

// What those tell who watch the reader itself.
bool told_elsewhere(const Lookup& lookup, const Subject& group, const Reader& reader) {
    if (!reader.job.empty() &&
        lookup.value("flink_job_state", {{"cluster", group.cluster}, {"job", reader.job}, {"state", "RUNNING"}}) != 1)
        return true;
    if (!reader.connector.empty())
        for (const auto series :
             lookup.select("connect_task_state", {{"cluster", group.cluster}, {"connector", reader.connector}}))
            if (lookup.value(series).value_or(0) == 1 && lookup.label(series, "state") != "RUNNING") return true;
    for (const char* state : {"PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"})
        if (lookup.value("kafka_group_state", {{"cluster", group.cluster}, {"group", group.name}, {"state", state}}) ==
            1)
            return true;
    return lookup.starved(group.cluster);
}

// A group that committed without ever having a member belongs to who assigns partitions himself, as Flink's sources do.
// Where jobs run whose groups are not known it may be one of theirs: what holds it up is told of the job.
bool may_be_a_jobs(const Lookup& lookup, const Subject& group) {
    if (lookup.view().topology.all(group.cluster, "job").empty()) return false;
    for (const auto series : lookup.select("kafka_group_members", {{"cluster", group.cluster}, {"group", group.name}}))
        for (const Sample& one : lookup.history(series, habit_window))
            if (one.value > 0) return false;
    return true;
}

// What is known of the tasks of a group's connector.
enum class Tasks : std::uint8_t { unknown, watched, only_said_to_run };

// A sink's task that moves nothing is told by connector_task_silence, which needs what the task or its process counts.
// Tasks that nobody tells of any more were deleted or stopped, or their worker is the trouble.
Tasks tasks_of(const Lookup& lookup, const Subject& group, const std::string& connector) {
    const LabelValues whose{{"cluster", group.cluster}, {"connector", connector}};
    const auto states = lookup.select("connect_task_state", whose);
    if (connector.empty() || states.empty()) return Tasks::unknown;
    if (std::ranges::none_of(states, [&](SeriesId one) { return lookup.value(one).value_or(0) == 1; }))
        return Tasks::watched;
    for (const char* name :
         {"connect_task_records_total", "connect_task_polls_total", "connect_task_process_cpu_seconds_total"})
        for (const auto series : lookup.select(name, whose))
            if (lookup.view().series.latest(series, lookup.now().wall, page_fresh_within)) return Tasks::watched;
    return Tasks::only_said_to_run;
}

struct Words {
    std::string id, text;
};

std::optional<Words> words_of(const Lookup& lookup, const Subject& group, const Reader& reader, const Partition& worst,
                              std::size_t count, std::size_t known) {
    const std::string where = count == known ? "all its partitions that it reads"
                                             : std::to_string(count) + " of " + std::to_string(known) + " partitions";
    switch (worst.shape) {
        case Shape::rewound:
            return Words{"group-rewound", "was set back by " + std::to_string(std::lround(worst.rewound_by)) +
                                              " records on " + worst.name + " and reads them again"};
        case Shape::falling_behind: return Words{"group-falling-behind", "falls behind on " + where};
        case Shape::catching_up: {
            const auto left = Duration{std::llround(worst.lag / std::max(1e-3, worst.drop_per_second)) * 1000};
            return Words{"group-catching-up", "catches up, in " + spoken(left) + " if it goes on like this"};
        }
        case Shape::stands: break;
    }
    const Tasks tasks = tasks_of(lookup, group, reader.connector);
    if (tasks == Tasks::watched) return std::nullopt;
    const auto members = lookup.value("kafka_group_members", {{"cluster", group.cluster}, {"group", group.name}});
    const std::string stood = spoken(lookup.now().wall - worst.since);
    // One that hangs in put() leaves its group after max.poll.interval.ms, and hangs all the same. Without members and
    // commits it is not known to be the connector's group (consumer.override.group.id).
    if (tasks == Tasks::only_said_to_run && (members.value_or(0) > 0 || worst.committed_before))
        return Words{"group-stalled",
                     "has a connector that says RUNNING and has committed nothing on " + where + " for " + stood};
    if (!members && reader.job.empty()) return std::nullopt;  // Nobody can say whether somebody reads.
    if (members.value_or(0) > 0 || !reader.job.empty())
        return Words{"group-stalled", "has members and has committed nothing on " + where + " for " + stood};
    // Whom nobody has seen commit was given up long ago.
    if (!worst.committed_before || may_be_a_jobs(lookup, group)) return std::nullopt;
    return Words{"group-stopped", "has had no members and no commits for " + stood};
}

std::string age_of(const Partition& partition) {
    if (!partition.seconds) return "older than " + spoken(end_window);
    return spoken(Duration{std::llround(*partition.seconds * 1000)}) + " old";
}

std::optional<Finding> tell(const Lookup& lookup, const Subject& group, const Reader& reader, Group& state) {
    // The worst shape of any partition is the group's, as Burrow has it; of one shape, the longest lag.
    const auto worst = std::ranges::max_element(state.partitions, [](const Partition& a, const Partition& b) {
        return a.shape != b.shape ? a.shape < b.shape : a.lag < b.lag;
    });
    std::string names;
    std::size_t count = 0;
    double lag = 0;
    for (const Partition& one : state.partitions) {
        lag += one.lag;
        if (one.shape == worst->shape && ++count <= partitions_named_max)
            names += (names.empty() ? "" : ",") + one.name;
    }
    const auto words = words_of(lookup, group, reader, *worst, count, state.known);
    if (!words) return std::nullopt;
    Finding finding{
        .id = words->id,
        .subject = group,
        .since = worst->since,
        .weight = 1,
        .summary = "group " + group.name + " " + words->text + "; its oldest unread record is " + age_of(*worst),
        .fields = {{"group", group.name},
                   {"topic", state.topic},
                   {"partitions", names},
                   {"lag_records", std::to_string(std::llround(lag))}},
        .evidence = {}};
    if (worst->seconds) finding.fields["lag_seconds"] = std::to_string(std::llround(*worst->seconds));
    if (!reader.job.empty()) finding.fields["job"] = reader.job;
    if (!reader.connector.empty()) finding.fields["connector"] = reader.connector;
    finding.evidence.push_back({"metric", "kafka_group_committed_offset", finding.summary, worst->lag, worst->since});
    finding.evidence.push_back({"metric", "kafka_partition_log_end_offset",
                                std::to_string(std::llround(lag)) + " records wait on " + names, lag,
                                lookup.now().wall});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    GroupTopics topics{lookup, habit_window};
    std::map<Subject, Group> groups;
    std::map<Subject, Reader> readers;
    std::size_t examined = 0;
    for (const auto series : lookup.select("kafka_group_lag_records")) {
        const auto lag = lookup.value(series);
        if (!lag) continue;
        const Subject group{lookup.label(series, "cluster"), "group", lookup.label(series, "group")};
        Group& state = groups[group];
        ++state.known;
        if (*lag <= 0 || examined >= partitions_examined_max) continue;
        const std::string topic = lookup.label(series, "topic"), partition = lookup.label(series, "partition");
        const LabelValues which{{"cluster", group.cluster}, {"topic", topic}, {"partition", partition}};
        LabelValues mine = which;
        mine.emplace_back("group", group.name);
        const auto committed = lookup.select("kafka_group_committed_offset", mine),
                   end = lookup.select("kafka_partition_log_end_offset", which);
        if (committed.size() != 1 || end.size() != 1 || topics.left(committed.front())) continue;
        const auto reader = readers.contains(group) ? readers[group] : (readers[group] = reader_of(lookup, group));
        auto seen = examine(lookup, committed.front(), end.front(), which, reader);
        if (!seen) continue;
        ++examined;
        seen->name = topic + "-" + partition;
        state.topic = topic;
        state.partitions.push_back(*std::move(seen));
    }
    std::vector<Finding> found;
    for (auto& [group, state] : groups) {
        if (state.partitions.empty() || told_elsewhere(lookup, group, readers[group])) continue;
        if (auto finding = tell(lookup, group, readers[group], state)) found.push_back(*std::move(finding));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"lag_shape",
            "What the lag of each consumer group does, and how old the oldest unread record is.",
            {"group-stopped", "group-stalled", "group-rewound", "group-falling-behind", "group-catching-up"},
            run,
            "kafka_group_lag_records and kafka_group_committed_offset and kafka_partition_log_end_offset",
            Duration{60'000}};
}

}  // namespace medic::analyzers::lag_shape

// connector-task-silent: a connector task that says RUNNING and moves nothing although there is something to move.
// Sink: records came into its topics since it moved its last one. Source: it holds records that it has polled and does
// not write. Where the task is a process of its own, it must be quiet as well (heart beats go on in a task that hangs):
// slow is not stuck, and idle is not stuck. Nor is a task that waits for Kafka: only the time counts in which every
// broker was known to answer and its topics to be there.
// Not seen in a worker of Connect's own: a source that hangs in poll() (its metrics count what poll() brings, not that
// it comes back: an idle one looks the same), and a sink that hangs while no more than one burst comes in (what it has
// read and not committed and what it never read are one lag).
#include <algorithm>
#include <map>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/group_topics.h"
#include "classifiers/analyzers/kafka_answers.h"
#include "classifiers/analyzers/lookup.h"
#include "classifiers/analyzers/sink_tasks.h"

namespace medic::analyzers::connector_task_silence {
namespace {

constexpr Duration look_back{10 * 60'000};
constexpr Duration floor_with_process{5'000};
// Without a process of its own, a call that takes long looks the same: most clients give up after a minute at most.
// Who knows the sink better says so (`connect.longest_call`).
constexpr Duration longest_call{60'000};
// The end of a call is seen by the next look at the worker's page; it is read at least so often while all is not well.
constexpr Duration beyond_the_call{5'000};

struct Task {
    std::string cluster, connector, task, worker;
};

LabelValues labels_of(const Task& task) {
    return {{"cluster", task.cluster}, {"connector", task.connector}, {"task", task.task}};
}

// The newest series of the task: a restart on another worker leaves an old one behind.
std::optional<Motion> motion(const Lookup& lookup, std::string_view name, const Task& task) {
    std::optional<Motion> best;
    for (const auto series : lookup.select(name, labels_of(task)))
        if (const auto moved = lookup.motion(series, look_back); moved && (!best || moved->newest > best->newest))
            best = moved;
    return best;
}

// Whether one of so many partitions of a topic must be this task's own. Which are, Kafka does not tell by task; but it
// gives each of T tasks at least n / T of a topic's n. A task beside others may have only idle ones.
bool must_be_its_own(const Lookup& lookup, const Task& task, const std::string& topic, std::size_t partitions) {
    std::set<std::string> tasks;
    for (const auto series :
         lookup.select("connect_task_state", {{"cluster", task.cluster}, {"connector", task.connector}}))
        tasks.insert(lookup.label(series, "task"));
    if (tasks.size() <= 1) return partitions > 0;
    const std::size_t all =
        lookup.select("kafka_partition_log_end_offset", {{"cluster", task.cluster}, {"topic", topic}}).size();
    return partitions > all - all / tasks.size();
}

struct Waiting {
    double records = 0;
    std::string metric, where;
    WallTime at;
};

// What the sink reads: as its settings say; or, where they name no topic (topics.regex), what its group has committed,
// but for what it has left behind.
std::set<std::string> topics_read(const Lookup& lookup, const Task& task) {
    std::set<std::string> topics;
    for (const Subject& topic : lookup.view().topology.from({task.cluster, "connector", task.connector}, "reads"))
        topics.insert(topic.name);
    if (!topics.empty()) return topics;
    GroupTopics of_group{lookup, look_back};
    const std::string group = "connect-" + task.connector;
    for (const auto committed :
         lookup.select("kafka_group_committed_offset", {{"cluster", task.cluster}, {"group", group}}))
        if (lookup.value(committed) && !of_group.left(committed)) topics.insert(lookup.label(committed, "topic"));
    return topics;
}

// Records that wait for a sink while its committed offsets stand. nullopt: none, or not known. Only where nothing tells
// what the task itself has moved: what is not committed may well have been read (offset.flush.interval.ms of minutes, a
// sink that commits whole files).
std::optional<Waiting> input_waits(const Lookup& lookup, const Task& task, Duration floor) {
    const std::string group = "connect-" + task.connector;
    const auto topics = topics_read(lookup, task);
    std::map<std::string, std::pair<Waiting, std::size_t>> waiting;  // By topic; of so many partitions.
    for (const auto series : lookup.select("kafka_group_lag_records", {{"cluster", task.cluster}, {"group", group}})) {
        const auto lag = lookup.sample(series);
        if (!lag || lag->value <= 0) continue;
        const auto topic = lookup.label(series, "topic"), partition = lookup.label(series, "partition");
        if (!topics.contains(topic)) continue;
        for (const auto committed :
             lookup.select("kafka_group_committed_offset",
                           {{"cluster", task.cluster}, {"group", group}, {"topic", topic}, {"partition", partition}})) {
            const auto moved = lookup.motion(committed, look_back);
            if (!moved || moved->standing < floor) continue;
            auto& [sum, partitions] = waiting[topic];
            sum = {sum.records + lag->value, "kafka_group_lag_records", topic, {lag->at_ms}};
            ++partitions;
        }
    }
    for (const auto& [topic, found] : waiting)
        if (must_be_its_own(lookup, task, topic, found.second)) return found.first;
    return std::nullopt;
}

// Records that the task has taken in and not passed on.
std::optional<Waiting> in_its_hands(const Lookup& lookup, const Task& task, Duration floor) {
    for (const auto series : lookup.select("connect_task_records_active", labels_of(task))) {
        const auto held = lookup.sample(series);
        // Pages come at uneven distances: one that was missed is no absence.
        const auto since = lookup.first_told(series, look_back);
        if (!held || !since || held->value <= 0 || WallTime{held->at_ms} - *since < floor) continue;
        return Waiting{held->value, "connect_task_records_active", "the task's hands", {held->at_ms}};
    }
    return std::nullopt;
}

// While it still moved it was seen to hold less: a count that some records never leave says nothing.
bool held_less_before(const Lookup& lookup, const Task& task, const Waiting& held, WallTime moved) {
    std::optional<double> least;
    for (const auto series : lookup.select("connect_task_records_active", labels_of(task)))
        for (const Sample& one : lookup.history(series, look_back))
            if (one.at_ms < moved.unix_ms) least = std::min(least.value_or(one.value), one.value);
    return least && held.records > *least;
}

// How far a partition's log has grown since then.
struct Growth {
    double records = 0;
    int times = 0;                  // That a look found more.
    std::optional<WallTime> first;  // Seen to have grown.
};

// From the newest look before `since`, however far apart looks are; from the first one after it where there is none.
std::optional<Growth> growth(const Lookup& lookup, SeriesId log_end, WallTime since) {
    const auto looks = lookup.history(log_end, look_back);
    if (looks.empty()) return std::nullopt;
    auto look = std::ranges::find_if(looks, [&](const Sample& one) { return one.at_ms > since.unix_ms; });
    if (look != looks.begin()) --look;
    Growth grown;
    const double then = look->value;
    for (double last = then; look != looks.end(); ++look) {
        if (look->value <= last) continue;
        last = look->value;
        ++grown.times;
        if (!grown.first) grown.first = WallTime{look->at_ms};
        grown.records = last - then;
    }
    return grown;
}

// Records that came into the sink's topics since it moved its last one, and not only at this moment: an idle task has
// them before the next look. And more came after them: the markers that end a transaction take offsets, too, once and
// after its last record, and are no records. It commits only every offset.flush.interval.ms (60 s by default), so a
// task that hangs soon after its start has no lag yet, and one that hangs later has an old one.
std::optional<Waiting> input_grows(const Lookup& lookup, const Task& task, const Motion& moved, Duration floor) {
    constexpr Duration scrape_skew{2'000};  // Pages and offsets are not looked at in the same moment.
    constexpr Duration turn_max{5'000};     // Of a task that polls: fetch.max.wait.ms is 500.
    const WallTime since = moved.changed + scrape_skew, until = moved.newest - std::min(floor / 3, turn_max);
    for (const std::string& topic : topics_read(lookup, task)) {
        Waiting waiting{0, "kafka_partition_log_end_offset", topic, {}};
        std::size_t partitions = 0;
        for (const auto series :
             lookup.select("kafka_partition_log_end_offset", {{"cluster", task.cluster}, {"topic", topic}})) {
            const auto now = lookup.sample(series);
            const auto grown = growth(lookup, series, since);
            if (!now || !grown || grown->times < 2 || *grown->first > until) continue;
            waiting.records += grown->records;
            waiting.at = {now->at_ms};
            ++partitions;
        }
        if (must_be_its_own(lookup, task, topic, partitions)) return waiting;
    }
    return std::nullopt;
}

// The process does nothing but what its own heart-beat threads need: next to no CPU, and far less than while records
// moved.
bool quiet(const Lookup& lookup, const Task& task, const Motion& cpu, const std::optional<Motion>& records,
           Duration floor) {
    if (cpu.standing >= floor && !(cpu.moved && cpu.standing < 2 * cpu.longest_before)) return true;
    if (!records || records->standing < floor) return false;
    constexpr double idle_ratio_max = 0.01;  // Of one core.
    constexpr double share_of_before_max = 0.2;
    for (const auto series : lookup.select("connect_task_process_cpu_seconds_total", labels_of(task))) {
        const auto history = lookup.history(series, look_back);
        if (history.empty() || history.back().at_ms != cpu.newest.unix_ms) continue;
        std::optional<Sample> first, edge;  // `edge`: the first one after the last record.
        for (const Sample& sample : history) {
            if (!first) first = sample;
            if (!edge && sample.at_ms > records->changed.unix_ms) edge = sample;
        }
        if (!edge || !first || first->at_ms >= edge->at_ms || edge->at_ms >= cpu.newest.unix_ms) return false;
        const auto rate = [](const Sample& from, const Sample& to) {
            return (to.value - from.value) * 1000 / static_cast<double>(to.at_ms - from.at_ms);
        };
        const double before = rate(*first, *edge), since = rate(*edge, history.back());
        return since <= idle_ratio_max && since <= before * share_of_before_max;
    }
    return false;
}

bool is_sink(const Lookup& lookup, const Task& task) {
    const auto type = lookup.view().topology.attribute({task.cluster, "connector", task.connector}, "type");
    if (type) return *type == "sink";
    const std::string group = "connect-" + task.connector;
    return !lookup.select("kafka_group_lag_records", {{"cluster", task.cluster}, {"group", group}}).empty();
}

bool rebalancing(const Lookup& lookup, const Task& task) {
    const std::string group = "connect-" + task.connector;
    const auto state = lookup.state("kafka_group_state", {{"cluster", task.cluster}, {"group", group}}, look_back);
    return state && (state->first == "PreparingRebalance" || state->first == "CompletingRebalance");
}

bool topic_gone(const Lookup& lookup, const Task& task) {
    const Subject connector{task.cluster, "connector", task.connector};
    for (const char* kind : {"reads", "writes"})
        for (const Subject& topic : lookup.view().topology.from(connector, kind))
            if (topic_gone_since(lookup, task.cluster, topic.name, look_back)) return true;
    return false;
}

// It stood still for `floor` while nothing of Kafka's held it up. False, too, where that is not known.
bool stood_by_itself(const Lookup& lookup, const Task& task, WallTime since, Duration floor) {
    const auto answered = brokers_answered(lookup, task.cluster, look_back);
    return answered && answered->until - std::max(since, answered->from) >= floor && !topic_gone(lookup, task);
}

Duration floor_of(const Lookup& lookup, const Task& task, const std::optional<Motion>& records) {
    const auto said_ms = lookup.number({task.cluster, "connector", task.connector}, "longest_call_ms");
    Duration look = beyond_the_call;
    if (records && records->samples > 1)
        look = std::min(look, (records->newest - records->oldest) / static_cast<int>(records->samples - 1));
    return (said_ms ? Duration(static_cast<std::int64_t>(*said_ms)) : longest_call) + look;
}

// What the task has moved lately, as its page tells: what it took in, or what it passed on, whichever moved last.
std::optional<Motion> moved_by(const Lookup& lookup, const Task& task) {
    auto records = motion(lookup, "connect_task_polls_total", task);
    if (const auto moved = motion(lookup, "connect_task_records_total", task);
        moved && (!records || moved->standing < records->standing))
        records = moved;
    return records;
}

// What there is to do for a sink that moves nothing. Of its hands only where it is a process of its own: to Connect a
// record is a sink's until it is committed (sink-record-active-count), so an idle one that commits late holds some,
// too.
std::optional<Waiting> sink_waits(const Lookup& lookup, const Task& task, const std::optional<Motion>& records,
                                  const std::optional<Motion>& cpu, Duration floor) {
    if (!records) return cpu ? input_waits(lookup, task, floor) : std::nullopt;
    if (records->standing < floor) return std::nullopt;
    auto waiting = input_grows(lookup, task, *records, floor);
    if (!waiting && cpu) waiting = in_its_hands(lookup, task, floor);
    return waiting;
}

// A source whose upstream is quiet moves nothing, either, however busy it was before. A process of its own tells that
// it does nothing at all; a thread of a worker only what it holds: polled, and not written (a transformation or a
// converter that hangs).
std::optional<Waiting> source_holds(const Lookup& lookup, const Task& task, const Motion& records, Duration floor) {
    auto held = in_its_hands(lookup, task, floor);
    if (held && !held_less_before(lookup, task, *held, records.changed)) return std::nullopt;
    return held;
}

struct Signs {
    std::optional<Motion> records, cpu;
    std::optional<Waiting> waiting;
};

// nullopt: it is not stuck, or nobody can say.
std::optional<Signs> signs_of(const Lookup& lookup, const Task& task, const Signs& motions, Duration floor) {
    Signs signs = motions;
    const auto &records = motions.records, &cpu = motions.cpu;
    if (is_sink(lookup, task)) {
        signs.waiting = sink_waits(lookup, task, records, cpu, floor);
        return signs.waiting ? std::optional(signs) : std::nullopt;
    }
    if (!records || !records->moved || !unusual(*records, floor)) return std::nullopt;
    signs.waiting = source_holds(lookup, task, *records, floor);
    return cpu || signs.waiting ? std::optional(signs) : std::nullopt;
}

void add_evidence(const Signs& signs, Finding& finding) {
    const auto& [records, cpu, waiting] = signs;
    if (records)
        finding.evidence.push_back({"metric", "connect_task_records_total",
                                    "no record moved for " + spoken(records->standing), records->value,
                                    records->newest});
    if (cpu)
        finding.evidence.push_back({"metric", "connect_task_process_cpu_seconds_total",
                                    "its process has done nothing since (CPU stands for " + spoken(cpu->standing) + ")",
                                    cpu->value, cpu->newest});
    if (waiting)
        finding.evidence.push_back(
            {"metric", waiting->metric,
             std::to_string(static_cast<std::int64_t>(waiting->records)) + " records wait in " + waiting->where,
             waiting->records, waiting->at});
}

// `share` of what is asked for: half of it is a reason to look again soon, not to tell.
std::optional<Finding> examine(const Lookup& lookup, const Task& task, WallTime running_since, int share = 1) {
    const Signs motions{moved_by(lookup, task), motion(lookup, "connect_task_process_cpu_seconds_total", task), {}};
    const auto &records = motions.records, &cpu = motions.cpu;
    if (cpu && share > 1) return std::nullopt;  // Processes are looked at every second.
    const Duration floor = cpu ? floor_with_process : floor_of(lookup, task, records) / share;
    if (cpu && !quiet(lookup, task, *cpu, records, floor)) return std::nullopt;
    const auto signs = signs_of(lookup, task, motions, floor);
    if (!signs) return std::nullopt;
    const auto& silent = records ? *records : *cpu;
    const WallTime since = std::max(silent.changed, running_since);
    if (silent.newest - since < floor || rebalancing(lookup, task) || lookup.starved(task.cluster)) return std::nullopt;
    if (!stood_by_itself(lookup, task, since, floor)) return std::nullopt;

    Finding finding{.id = "connector-task-silent",
                    .subject = {task.cluster, "connector-task", task.connector + "/" + task.task},
                    .since = since,
                    .weight = cpu ? 1.0 : 0.75,
                    .summary = "",
                    .fields = {},
                    .evidence = {}};
    finding.summary = "task " + task.task + " of connector " + task.connector +
                      " says RUNNING but has moved nothing for " + spoken(silent.newest - since);
    finding.fields = {{"connector", task.connector}, {"task", task.task}, {"worker", task.worker}};
    if (!cpu) finding.fields["sink_tasks"] = sink_tasks_of(lookup, task.cluster, task.worker);  // They share its fate.
    if (const auto node = lookup.node_of({task.cluster, "worker", task.worker})) finding.fields["node"] = *node;
    finding.evidence.push_back({"metric", "connect_task_state", "the worker reports RUNNING", 1, silent.newest});
    add_evidence(*signs, finding);
    return finding;
}

std::vector<Finding> examine_all(const View& view, const Now& now, int share) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto series : lookup.select("connect_task_state", {{"state", "RUNNING"}})) {
        if (lookup.value(series).value_or(0) != 1) continue;
        const Task task{lookup.label(series, "cluster"), lookup.label(series, "connector"),
                        lookup.label(series, "task"), lookup.label(series, "worker")};
        const auto since = lookup.since(series, look_back);
        if (!since) continue;
        if (auto finding = examine(lookup, task, *since, share)) found.push_back(std::move(*finding));
    }
    return found;
}

std::vector<Finding> run(const View& view, const Now& now) { return examine_all(view, now, 1); }

// A worker's page is read once a minute: of two looks at a task that stands the second comes soon.
std::vector<FactKey> doubts(const View& view, const Now& now) {
    std::vector<FactKey> keys;
    for (const Finding& finding : examine_all(view, now, 2))
        keys.push_back({finding.subject, "connect_task_records_total"});
    return keys;
}

}  // namespace

Analyzer descriptor() {
    return {"connector_task_silence",
            "Connector tasks that say RUNNING and move nothing.",
            {"connector-task-silent"},
            run,
            "connect_task_state and (connect_task_polls_total or connect_task_records_total) and "
            "(kafka_broker_reachable or "
            "kafka_broker_up)",
            Duration{0},
            doubts};
}

}  // namespace medic::analyzers::connector_task_silence

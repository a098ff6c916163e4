// capacity-mismatch: more is offered to a job than its settings let it process; names the bottleneck and a fitting
// parallelism. Needs all of: lag that grows, a job that has been RUNNING for a while, a vertex that is busy while
// nothing below it is, on every task manager alike.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"
#include "classifiers/analyzers/places.h"

namespace medic::analyzers::capacity_mismatch {
namespace {

constexpr Duration window{30'000};  // At least: it reaches from one commit to the last one.
// Two commits of a job whose checkpoints are ten minutes apart.
constexpr Duration commits_window{20 * 60'000};
// After a start or restart a job catches up with a backlog: not a mismatch. And what was not processed while it did not
// run must lie before the window, or the outage counts as slowness.
constexpr Duration running_needs = window, running_window{3'600'000};
constexpr Duration span_needs{8'000};
// What is offered may still be growing: settings are sized for what came lately, when that is more than over the
// window.
constexpr Duration lately{12'000};
constexpr Duration short_span{5'000};
constexpr double offered_over_processed = 1.1;
constexpr double busy_enough = 0.7;
// The new parallelism leaves this much room, as Flink's autoscaler does (utilization target 0.7, catch-up on top).
constexpr double target_utilization = 0.7;
constexpr int parallelism_factor_max = 10;

struct Load {
    std::string group, topics;
    double offered = 0, processed = 0, lag = 0, lag_growth = 0;  // Records and records/s, over the window.
    double offered_lately = 0;
    WallTime at;           // The newest lag.
    WallTime from, until;  // The window; of several partitions that of the one which committed first.
};

std::set<std::string> topics_of(const Lookup& lookup, const Subject& job) {
    std::set<std::string> topics;
    for (const auto& topic : lookup.view().topology.from(job, "reads")) topics.insert(topic.name);
    return topics;
}

bool is_only_job(const Lookup& lookup, const Subject& job) {
    const auto running = lookup.jobs_running_for(Duration{0});
    return std::ranges::all_of(running, [&](const Subject& one) { return one.cluster != job.cluster || one == job; });
}

// The group by which the job reads: named by topology; or the only one (not a connector's) that is named like the job,
// or that reads its topics. Whose topics are not known reads by the only group if no other job could be its reader.
std::vector<std::string> groups_of(const Lookup& lookup, const Subject& job) {
    if (const auto named = lookup.view().topology.attribute(job, "group")) return {*named};
    const auto topics = topics_of(lookup, job);
    std::set<std::string> groups, similar;
    for (const auto series : lookup.select("kafka_group_lag_records", {{"cluster", job.cluster}})) {
        const auto group = lookup.label(series, "group");
        if (group.starts_with("connect-") || !lookup.value(series)) continue;
        if (!topics.empty() && !topics.contains(lookup.label(series, "topic"))) continue;
        groups.insert(group);
        if (group.find(job.name) != std::string::npos) similar.insert(group);
    }
    if (similar.size() == 1) return {*similar.begin()};
    if (groups.size() == 1 && (!topics.empty() || is_only_job(lookup, job))) return {*groups.begin()};
    return {};  // Not to be told which: no guess.
}

struct Commits {
    WallTime from, until;
};

// The last commit and the latest one before it that the window reaches back to. Only there does lag tell what was
// processed: between commits it grows by all that is offered, whatever the job does (a checkpoint that is due, a job
// manager that does not answer). nullopt: two commits so far apart have not been seen since `earliest`.
std::optional<Commits> commits_of(const Lookup& lookup, const LabelValues& which, WallTime earliest) {
    for (const auto committed : lookup.select("kafka_group_committed_offset", which)) {
        const auto samples = lookup.history(committed, commits_window);
        std::optional<WallTime> until;
        for (std::size_t i = samples.size(); i-- > 1;) {
            const WallTime at{samples[i].at_ms};
            if (samples[i].value == samples[i - 1].value) continue;
            if (at < earliest) break;
            if (!until) until = at;
            if (*until - at >= window) return Commits{at, *until};
        }
    }
    return std::nullopt;
}

std::vector<Sample> between(const Lookup& lookup, SeriesId series, WallTime from, WallTime until) {
    auto samples = lookup.history(series, lookup.now().wall - from + Duration{1});
    std::erase_if(samples, [&](const Sample& one) { return one.at_ms > until.unix_ms; });
    return samples;
}

// What was not processed before the job ran is no slowness.
WallTime running_since(const Lookup& lookup, const Subject& job) {
    const auto state = lookup.state("flink_job_state", {{"cluster", job.cluster}, {"job", job.name}}, running_window);
    return state ? state->second : lookup.now().wall;
}

// Adds one partition of the group; false: it does not tell.
bool add_partition(const Lookup& lookup, const Subject& job, SeriesId series, WallTime earliest, Load& load) {
    const auto lag = lookup.sample(series);
    const auto topic = lookup.label(series, "topic"), partition = lookup.label(series, "partition");
    LabelValues which{{"cluster", job.cluster}, {"topic", topic}, {"partition", partition}};
    const auto ends = lookup.select("kafka_partition_log_end_offset", which);
    which.emplace_back("group", load.group);
    const auto commits = commits_of(lookup, which, earliest);
    if (!lag || ends.empty() || !commits) return false;
    const auto lags = between(lookup, series, commits->from, commits->until);
    const auto offered = rate_of(between(lookup, ends.front(), commits->from, commits->until), span_needs);
    if (lags.size() < 3 || !offered) return false;
    const double seconds = static_cast<double>(lags.back().at_ms - lags.front().at_ms) / 1000;
    load.offered += *offered;
    load.offered_lately += rate_of(lookup.history(ends.front(), lately), short_span).value_or(*offered);
    load.lag_growth += seconds > 0 ? (lags.back().value - lags.front().value) / seconds : 0;
    load.lag += lag->value;
    load.at = {lag->at_ms};
    if (commits->until < load.until) {
        load.from = commits->from;
        load.until = commits->until;
    }
    return true;
}

std::optional<Load> load_of(const Lookup& lookup, const Subject& job, const std::string& group) {
    const WallTime now = lookup.now().wall, earliest = running_since(lookup, job);
    Load load{.group = group, .topics = "", .at = {}, .from = now, .until = now + Duration{1}};
    std::set<std::string> topics;
    std::size_t partitions = 0;
    for (const auto series : lookup.select("kafka_group_lag_records", {{"cluster", job.cluster}, {"group", group}})) {
        if (!add_partition(lookup, job, series, earliest, load)) continue;
        topics.insert(lookup.label(series, "topic"));
        ++partitions;
    }
    if (partitions == 0) return std::nullopt;
    // Committed offsets move in jumps (checkpoints); offered less growth of lag is the same figure without the jumps.
    load.processed = std::max(0.0, load.offered - load.lag_growth);
    for (const auto& topic : topics) load.topics += (load.topics.empty() ? "" : ",") + topic;
    return load;
}

struct Vertex {
    double busy = 0, backpressured = 0;
    std::size_t subtasks = 0, measured = 0;
};

// The busiest vertex that is not itself held up by what comes after it.
std::optional<std::pair<std::string, Vertex>> bottleneck(const Lookup& lookup, const Subject& job) {
    std::map<std::string, Vertex> vertices;
    const LabelValues labels{{"cluster", job.cluster}, {"job", job.name}};
    std::map<std::string, std::set<std::string>> subtasks;
    for (const auto series : lookup.select("flink_subtask_busy_ratio", labels)) {
        if (!lookup.value(series)) continue;
        auto& vertex = vertices[lookup.label(series, "vertex")];
        const auto history = lookup.history(series, span_needs);
        if (history.empty()) continue;
        vertex.busy += mean_of(history);
        ++vertex.measured;
        subtasks[lookup.label(series, "vertex")].insert(lookup.label(series, "subtask"));
    }
    for (const auto series : lookup.select("flink_subtask_backpressured_ratio", labels)) {
        const auto value = lookup.value(series);
        if (value) vertices[lookup.label(series, "vertex")].backpressured += *value;
    }
    std::optional<std::pair<std::string, Vertex>> best;
    for (auto& [name, vertex] : vertices) {
        if (vertex.measured == 0) continue;
        vertex.subtasks = subtasks[name].size();
        vertex.busy /= static_cast<double>(vertex.measured);
        vertex.backpressured /= static_cast<double>(vertex.measured);
        if (vertex.backpressured > 0.5) continue;
        if (!best || vertex.busy > best->second.busy) best = {name, vertex};
    }
    return best;
}

// How much more a vertex takes in lately than over the window; nullopt: its subtasks don't tell.
std::optional<double> gain_of(const Lookup& lookup, const Subject& job, const std::string& vertex, const Load& load) {
    const LabelValues which{{"cluster", job.cluster}, {"job", job.name}, {"vertex", vertex}};
    // Sources of many releases count only what they put out.
    for (const std::string_view records : {"flink_subtask_records_in_total", "flink_subtask_records_out_total"}) {
        double now = 0, over_window = 0;
        for (const auto series : lookup.select(records, which)) {
            if (!lookup.value(series)) continue;
            const auto newest = rate_of(lookup.history(series, lately), short_span);
            const auto mean = rate_of(between(lookup, series, load.from, load.until), short_span);
            if (!newest || !mean) return std::nullopt;
            now += *newest;
            over_window += *mean;
        }
        if (over_window > 0) return now / over_window;
    }
    return std::nullopt;
}

// What a new parallelism has to carry, and what the old one carries: both lately or both over the window. Commits come
// in jumps and late; what the vertex takes in is told at once.
Load load_to_carry(const Lookup& lookup, const Subject& job, const std::string& vertex, Load load) {
    const auto gain = gain_of(lookup, job, vertex, load);
    if (!gain || load.offered_lately <= load.offered) return load;
    load.offered = load.offered_lately;
    load.processed *= *gain;
    return load;
}

int wanted(const Vertex& vertex, const Load& load) {
    // What one subtask would carry if it were busy all the time.
    const double capacity = load.processed / std::max(0.05, vertex.busy) / static_cast<double>(vertex.subtasks);
    const double most = static_cast<double>(vertex.subtasks) * parallelism_factor_max;
    if (capacity <= 0) return static_cast<int>(vertex.subtasks) + 1;
    return static_cast<int>(std::clamp(std::ceil(load.offered / capacity / target_utilization),
                                       static_cast<double>(vertex.subtasks) + 1, most));
}

std::optional<Finding> examine(const Lookup& lookup, const Subject& job) {
    const auto limit = bottleneck(lookup, job);  // First: it reads far less than the offsets' history.
    if (!limit || limit->second.busy < busy_enough || lookup.starved(job.cluster)) return std::nullopt;
    const auto groups = groups_of(lookup, job);
    if (groups.empty()) return std::nullopt;
    const auto load = load_of(lookup, job, groups.front());
    if (!load || load->lag_growth <= 0 || load->offered < offered_over_processed * load->processed) return std::nullopt;
    const auto& [name, vertex] = *limit;
    // Where one place does far less than the others no setting is what limits the job.
    for (const Duration within : {span_needs, window})
        if (slow_place(lookup, job, name, within, short_span)) return std::nullopt;
    Finding finding{.id = "capacity-mismatch",
                    .subject = job,
                    .since = load->at - window,
                    .weight = 1,
                    .summary = "",
                    .fields = {},
                    .evidence = {}};
    finding.summary = "job " + job.name + " is offered " + std::to_string(std::lround(load->offered)) +
                      " records/s and processes " + std::to_string(std::lround(load->processed)) + "; " + name +
                      " limits it";
    finding.fields = {{"job", job.name},
                      {"vertex", name},
                      {"group", load->group},
                      {"topic", load->topics},
                      {"parallelism_now", std::to_string(vertex.subtasks)},
                      {"parallelism_wanted", std::to_string(wanted(vertex, load_to_carry(lookup, job, name, *load)))},
                      {"offered_per_second", std::to_string(std::lround(load->offered))},
                      {"processed_per_second", std::to_string(std::lround(load->processed))},
                      {"lag_records", std::to_string(std::lround(load->lag))}};
    if (const auto id = lookup.view().topology.attribute(job, "id")) finding.fields["job_id"] = *id;
    if (const auto version = lookup.view().topology.attribute(job, "version")) finding.fields["version"] = *version;
    finding.evidence.push_back({"metric", "kafka_group_lag_records",
                                std::to_string(std::lround(load->lag)) + " records wait, " +
                                    std::to_string(std::lround(load->lag_growth)) + " more each second",
                                load->lag, load->at});
    finding.evidence.push_back({"metric", "flink_subtask_busy_ratio",
                                name + " is busy " + std::to_string(std::lround(vertex.busy * 100)) +
                                    " % of the time at parallelism " + std::to_string(vertex.subtasks),
                                vertex.busy, load->at});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const Subject& job : lookup.jobs_running_for(running_needs))
        if (auto finding = examine(lookup, job)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"capacity_mismatch",
            "Jobs that are offered more than their settings let them process.",
            {"capacity-mismatch"},
            run,
            "flink_job_state and flink_subtask_busy_ratio and kafka_group_lag_records"};
}

}  // namespace medic::analyzers::capacity_mismatch

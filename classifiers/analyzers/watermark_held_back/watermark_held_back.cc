// watermark-held-back: a job's watermark stands, or there is none at all, although records flow, because a part of a
// source reads nothing and holds it back: a subtask, or a partition of a Kafka source (told by the task managers'
// pages). All parts silent is an idle job, not this. A job that is not known to have watermarks is never told: one that
// runs without them looks the same as one that waits for its first.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::watermark_held_back {
namespace {

constexpr Duration look_back{10 * 60'000};
constexpr Duration stands_for{60'000};  // Twelve of Flink's usual autowatermark and page intervals.
constexpr double rate_min = 1;          // Records per second that "flow".
// Watermarks are asked for every ten seconds, and told again in between: one that is told for longer moves.
constexpr Duration repeated_max{25'000};
// Pages are read once a minute unless configured otherwise: two of them, the newer not missed.
constexpr Duration pages_window{150'000}, page_fresh_within{75'000};
constexpr std::size_t parts_named_max = 6;

// How long the watermark has stood, and how that is seen.
struct Standstill {
    WallTime since;
    Evidence evidence;
};

// What a source consists of: its subtasks, or the partitions that it reads.
struct Parts {
    std::string what, source;  // "subtask" or "partition", and of which source.
    std::vector<std::string> silent;
    std::size_t flowing = 0;
};

// Silent, flowing, or (too few samples, a counter that began anew) not known.
void sort_in(Parts& parts, const std::string& name, const std::vector<Sample>& samples) {
    if (samples.size() < 2) return;
    const double rise = samples.back().value - samples.front().value;
    const auto span = Duration{samples.back().at_ms - samples.front().at_ms};
    if (span < stands_for / 2 || rise < 0) return;
    if (rise == 0)
        parts.silent.push_back(name);
    else if (rise * 1000 / static_cast<double>(span.count()) >= rate_min)
        ++parts.flowing;
}

bool holds_back(const Parts& parts) { return !parts.silent.empty() && parts.flowing > 0; }

// Sources are the vertices that nothing flows into.
std::vector<Parts> subtasks_of_sources(const Lookup& lookup, const LabelValues& job) {
    std::map<std::string, Parts> sources;
    for (const auto series : lookup.select("flink_subtask_records_out_total", job)) {
        if (!lookup.value(series)) continue;
        const std::string vertex = lookup.label(series, "vertex");
        Parts& parts = sources.try_emplace(vertex, Parts{"subtask", vertex, {}, 0}).first->second;
        sort_in(parts, lookup.label(series, "subtask"), lookup.history(series, stands_for));
    }
    for (const auto series : lookup.select("flink_subtask_records_in_total", job)) {
        const auto vertex = lookup.label(series, "vertex");
        if (lookup.value(series).value_or(0) > 0 && !vertex.starts_with("Source")) sources.erase(vertex);
    }
    std::vector<Parts> all;
    for (auto& [vertex, parts] : sources) all.push_back(std::move(parts));
    return all;
}

// Unless told otherwise (filterLabelValueCharacters) Flink's reporter writes "_" for all but these in a label's value.
std::string as_reported(std::string name) {
    for (char& one : name)
        if (!std::isalnum(static_cast<unsigned char>(one)) && one != ':' && one != '_') one = '_';
    return name;
}

std::string topic_reported_as(const Lookup& lookup, const std::string& cluster, const std::string& reported) {
    for (const Subject& topic : lookup.view().topology.all(cluster, "topic"))
        if (as_reported(topic.name) == reported) return topic.name;
    return reported;
}

// Partitions of all Kafka sources of the job: a quiet topic may be a source of its own, whose stream joins the others.
Parts partitions_read(const Lookup& lookup, const Subject& job) {
    Parts parts{"partition", "what it reads", {}, 0};
    // By topic and number: a partition that moved to another subtask has two series.
    std::map<std::pair<std::string, std::string>, std::vector<Sample>> newest;
    const std::string reported = as_reported(job.name);
    auto found = lookup.select("flink_source_partition_offset", {{"cluster", job.cluster}, {"job", job.name}});
    if (found.empty())
        found = lookup.select("flink_source_partition_offset", {{"cluster", job.cluster}, {"job", reported}});
    for (const auto series : found) {
        auto samples = lookup.history(series, pages_window);
        if (samples.empty() || lookup.now().wall - WallTime{samples.back().at_ms} > page_fresh_within) continue;
        auto& kept = newest[{lookup.label(series, "topic"), lookup.label(series, "partition")}];
        if (kept.empty() || kept.back().at_ms < samples.back().at_ms) kept = std::move(samples);
    }
    for (const auto& [partition, samples] : newest)
        sort_in(parts, topic_reported_as(lookup, job.cluster, partition.first) + "-" + partition.second, samples);
    return parts;
}

// Behind a standing watermark the lag grows by a second each second; one that advances, however late, grows less.
// A lag that is told again is none that was looked at: it stays until the next look, and then jumps.
std::optional<Standstill> standing(const std::vector<Sample>& told) {
    std::vector<Sample> lag;
    std::ranges::unique_copy(told, std::back_inserter(lag), {}, &Sample::value);
    if (lag.size() < 3 || Duration{told.back().at_ms - lag.back().at_ms} > repeated_max) return std::nullopt;
    auto from = lag.end() - 1;
    const auto stands = [](const Sample& before, const Sample& after) {
        const double seconds = static_cast<double>(after.at_ms - before.at_ms) / 1000;
        return after.value - before.value >= 0.9 * seconds;
    };
    while (from != lag.begin() && stands(*(from - 1), *from)) --from;
    if (Duration{lag.back().at_ms - from->at_ms} < stands_for) return std::nullopt;
    const double behind_s = lag.back().value;
    return Standstill{{from->at_ms},
                      {"metric",
                       "flink_job_watermark_lag_seconds",
                       "the watermark is " + spoken(Duration{static_cast<std::int64_t>(behind_s * 1000)}) +
                           " behind and does not move",
                       behind_s,
                       {lag.back().at_ms}}};
}

// It had watermarks in its last run, or its vertices say that it needs them (names of Flink's own event-time windows
// and of the planner's WatermarkAssigner).
bool means_to_have_watermarks(const Lookup& lookup, const LabelValues& job, const std::vector<Sample>& lag) {
    if (!lag.empty()) return true;
    return std::ranges::any_of(lookup.select("flink_subtask_records_in_total", job), [&](SeriesId series) {
        const std::string vertex = lookup.label(series, "vertex");
        return lookup.value(series) &&
               (vertex.find("EventTime") != std::string::npos || vertex.find("WatermarkAssigner") != std::string::npos);
    });
}

// Since the job began not one watermark has come: one part of a source has never sent any.
std::optional<Standstill> none_yet(const Lookup& lookup, const LabelValues& job, const std::vector<Sample>& lag) {
    const auto missing = lookup.select("flink_job_subtasks_without_watermark", job);
    if (missing.size() != 1 || lookup.value(missing.front()).value_or(0) == 0) return std::nullopt;
    const auto samples = lookup.history(missing.front(), look_back);
    auto from = samples.end();
    while (from != samples.begin() && (from - 1)->value > 0 && (lag.empty() || (from - 1)->at_ms > lag.back().at_ms))
        --from;
    if (from == samples.end() || Duration{samples.back().at_ms - from->at_ms} < stands_for) return std::nullopt;
    if (!means_to_have_watermarks(lookup, job, lag)) return std::nullopt;
    return Standstill{
        {from->at_ms},
        {"metric",
         "flink_job_subtasks_without_watermark",
         std::to_string(static_cast<int>(samples.back().value)) + " subtasks have not had a watermark yet",
         samples.back().value,
         {samples.back().at_ms}}};
}

std::optional<Standstill> standstill_of(const Lookup& lookup, const LabelValues& job) {
    const auto lags = lookup.select("flink_job_watermark_lag_seconds", job);
    if (lags.size() > 1) return std::nullopt;
    const auto lag = lags.empty() ? std::vector<Sample>{} : lookup.history(lags.front(), look_back);
    return !lags.empty() && lookup.value(lags.front()) ? standing(lag) : none_yet(lookup, job, lag);
}

Finding told(const Lookup& lookup, const Subject& job, const Parts& parts, Standstill standstill) {
    std::string silent;
    for (std::size_t i = 0; i < std::min(parts.silent.size(), parts_named_max); ++i)
        silent += (silent.empty() ? "" : ",") + parts.silent[i];
    if (parts.silent.size() > parts_named_max)
        silent += " and " + std::to_string(parts.silent.size() - parts_named_max) + " more";
    const std::string who = parts.what + " " + silent + " of " + parts.source;
    Finding finding{
        .id = "watermark-held-back",
        .subject = job,
        .since = standstill.since,
        .weight = 1,
        .summary = "the watermark of job " + job.name + " has stood for " +
                   spoken(lookup.now().wall - standstill.since) + " while records flow: " + who + " gives nothing",
        .fields = {{"job", job.name}, {parts.what + "s", silent}},
        .evidence = {
            std::move(standstill.evidence),
            {"metric", parts.what == "subtask" ? "flink_subtask_records_out_total" : "flink_source_partition_offset",
             who + " has given nothing in that time, " + std::to_string(parts.flowing) + " others have", 0,
             lookup.now().wall}}};
    if (parts.what == "subtask") finding.fields["vertex"] = parts.source;
    return finding;
}

std::optional<Finding> examine(const Lookup& lookup, const Subject& job) {
    const LabelValues labels{{"cluster", job.cluster}, {"job", job.name}};
    auto standstill = standstill_of(lookup, labels);
    if (!standstill || lookup.starved(job.cluster)) return std::nullopt;
    // A partition says more than the subtask that reads it.
    if (const Parts parts = partitions_read(lookup, job); holds_back(parts))
        return told(lookup, job, parts, *std::move(standstill));
    for (const Parts& parts : subtasks_of_sources(lookup, labels))
        if (holds_back(parts)) return told(lookup, job, parts, *std::move(standstill));
    return std::nullopt;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const Subject& job : lookup.jobs_running_for(Duration{0}))
        if (auto finding = examine(lookup, job)) found.push_back(*std::move(finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"watermark_held_back",
            "Jobs whose watermark stands because part of a source is idle.",
            {"watermark-held-back"},
            run,
            "flink_job_state and (flink_job_watermark_lag_seconds or flink_job_subtasks_without_watermark) and "
            "(flink_subtask_records_out_total or flink_source_partition_offset)",
            Duration{5'000}};
}

}  // namespace medic::analyzers::watermark_held_back

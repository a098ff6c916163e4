// watermark-held-back: a job's watermark stands although records flow, because a source's subtask that reads nothing
// holds it back: windows never close. All sources silent is an idle job, not this; a job without watermarks has no
// series and is never told.
#include <algorithm>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::watermark_held_back {
namespace {

constexpr Duration look_back{10 * 60'000};
constexpr Duration stands_for{60'000};  // Twelve of Flink's usual autowatermark and page intervals.
constexpr double rate_min = 1;          // Records per second that "flow".

struct Source {
    std::vector<std::string> silent, flowing;  // Subtasks.
};

// Sources are the vertices that nothing flows into. Subtasks whose counter is not known count neither way.
std::map<std::string, Source> sources_of(const Lookup& lookup, const Subject& job) {
    std::map<std::string, Source> sources;
    const LabelValues labels{{"cluster", job.cluster}, {"job", job.name}};
    for (const auto series : lookup.select("flink_subtask_records_out_total", labels)) {
        const auto samples = lookup.history(series, stands_for);
        if (!lookup.value(series) || samples.size() < 3) continue;
        const double rise = samples.back().value - samples.front().value;
        const auto span = Duration{samples.back().at_ms - samples.front().at_ms};
        if (span < stands_for / 2 || rise < 0) continue;
        auto& source = sources[lookup.label(series, "vertex")];
        const auto subtask = lookup.label(series, "subtask");
        if (rise == 0)
            source.silent.push_back(subtask);
        else if (rise * 1000 / static_cast<double>(span.count()) >= rate_min)
            source.flowing.push_back(subtask);
    }
    for (const auto series : lookup.select("flink_subtask_records_in_total", labels)) {
        const auto vertex = lookup.label(series, "vertex");
        if (lookup.value(series).value_or(0) > 0 && !vertex.starts_with("Source")) sources.erase(vertex);
    }
    return sources;
}

std::optional<Finding> examine(const Lookup& lookup, SeriesId lag) {
    const Subject job{lookup.label(lag, "cluster"), "job", lookup.label(lag, "job")};
    if (lookup.value("flink_job_state", {{"cluster", job.cluster}, {"job", job.name}, {"state", "RUNNING"}})
            .value_or(0) != 1)
        return std::nullopt;
    // Behind a standing watermark the lag grows by a second each second; one that advances, however late, grows less.
    const auto samples = lookup.history(lag, look_back);
    if (!lookup.value(lag) || samples.size() < 3) return std::nullopt;
    auto from = samples.end() - 1;
    const auto stands = [](const Sample& before, const Sample& after) {
        const double seconds = static_cast<double>(after.at_ms - before.at_ms) / 1000;
        return after.value - before.value >= 0.9 * seconds;
    };
    while (from != samples.begin() && stands(*(from - 1), *from)) --from;
    if (Duration{samples.back().at_ms - from->at_ms} < stands_for || lookup.starved(job.cluster)) return std::nullopt;
    for (const auto& [vertex, source] : sources_of(lookup, job)) {
        if (source.silent.empty() || source.flowing.empty()) continue;
        std::string silent;
        for (const auto& subtask : source.silent) silent += (silent.empty() ? "" : ",") + subtask;
        const auto held = Duration{samples.back().at_ms - from->at_ms};
        return Finding{.id = "watermark-held-back",
                       .subject = job,
                       .since = {from->at_ms},
                       .weight = 1,
                       .summary = "the watermark of job " + job.name + " has stood for " + spoken(held) +
                                  " while records flow: subtask " + silent + " of " + vertex + " reads nothing",
                       .fields = {{"job", job.name}, {"vertex", vertex}, {"subtasks", silent}},
                       .evidence = {{"metric",
                                     "flink_job_watermark_lag_seconds",
                                     "the watermark is " +
                                         spoken(Duration{static_cast<std::int64_t>(samples.back().value * 1000)}) +
                                         " behind and does not move",
                                     samples.back().value,
                                     {samples.back().at_ms}},
                                    {"metric",
                                     "flink_subtask_records_out_total",
                                     "subtask " + silent + " of " + vertex + " has emitted nothing in that time, " +
                                         std::to_string(source.flowing.size()) + " others have",
                                     0,
                                     {samples.back().at_ms}}}};
    }
    return std::nullopt;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto series : lookup.select("flink_job_watermark_lag_seconds"))
        if (auto finding = examine(lookup, series)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"watermark_held_back",
            "Jobs whose watermark stands because part of a source is idle.",
            {"watermark-held-back"},
            run,
            "flink_job_state and flink_job_watermark_lag_seconds and flink_subtask_records_out_total",
            Duration{5'000}};
}

}  // namespace medic::analyzers::watermark_held_back

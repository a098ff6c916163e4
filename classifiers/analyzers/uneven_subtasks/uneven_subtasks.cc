// data-skew and subtask-slow: one subtask of a vertex works all the time and holds its job up while its siblings wait.
// Where it gets far more records than they do, its keys are the reason; where it gets no more than they do, what it
// runs on is. Needs: the ratio of busy time of every subtask, their rates, and somebody upstream who is held up; of a
// subtask that hardly rests and gets many times the others' records that is not waited for: buffers hold small records
// for minutes before anybody upstream feels it, and checkpoints wait behind them meanwhile.
#include <algorithm>
#include <map>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::uneven_subtasks {
namespace {

constexpr Duration window{60'000};
constexpr Duration span_needs{30'000};
// After a start a job catches up, and what is cached unevenly levels out.
constexpr Duration running_needs{120'000};
constexpr double hot_busy = 0.85, siblings_busy_of_hot = 0.6, held_up = 0.3;
// Judged over a shorter window, as less can be said against it.
constexpr Duration saturated_window{30'000}, saturated_span_needs{20'000};
constexpr double saturated_busy = 0.92, saturated_over_median = 4.0;
// A hot key doubles a subtask's share at least; between the two limits nothing is said.
constexpr double skewed_over_median = 2.0, even_over_median = 1.2;

struct Subtask {
    std::string index, taskmanager;
    double busy = 0;
    std::optional<double> rate;  // Records in per second.
};

// Over which time is looked, and how much of it must be known.
struct Over {
    Duration window, span_needs;
};
constexpr Over usually{window, span_needs}, soon{saturated_window, saturated_span_needs};

std::optional<double> mean(const std::vector<Sample>& samples, const Over& over) {
    if (!spans(samples, over.span_needs)) return std::nullopt;
    return mean_of(samples);
}

std::optional<double> rate(const std::vector<Sample>& samples, const Over& over) {
    if (!spans(samples, over.span_needs)) return std::nullopt;
    const double rise = samples.back().value - samples.front().value;
    if (rise < 0) return std::nullopt;  // A new attempt began to count at zero.
    return rise * 1000 / static_cast<double>(samples.back().at_ms - samples.front().at_ms);
}

std::map<std::string, std::vector<Subtask>> vertices_of(const Lookup& lookup, const Subject& job, const Over& over) {
    std::map<std::string, std::vector<Subtask>> vertices;
    for (const auto series : lookup.select("flink_subtask_busy_ratio", {{"cluster", job.cluster}, {"job", job.name}})) {
        const auto busy = mean(lookup.history(series, over.window), over);
        if (!busy || !lookup.value(series)) continue;
        const std::string vertex = lookup.label(series, "vertex"), index = lookup.label(series, "subtask");
        Subtask subtask{.index = index, .taskmanager = lookup.label(series, "taskmanager"), .busy = *busy, .rate = {}};
        const LabelValues which{{"cluster", job.cluster}, {"job", job.name}, {"vertex", vertex}, {"subtask", index}};
        for (const auto records : lookup.select("flink_subtask_records_in_total", which))
            if (lookup.value(records)) subtask.rate = rate(lookup.history(records, over.window), over);
        vertices[vertex].push_back(std::move(subtask));
    }
    return vertices;
}

// The largest mean share of time that a vertex other than `vertex` waits for those after it.
double held_up_elsewhere(const Lookup& lookup, const Subject& job, const std::string& vertex) {
    double most = 0;
    for (const auto series :
         lookup.select("flink_subtask_backpressured_ratio", {{"cluster", job.cluster}, {"job", job.name}})) {
        if (lookup.label(series, "vertex") == vertex || !lookup.value(series)) continue;
        most = std::max(most, mean(lookup.history(series, window), usually).value_or(0));
    }
    return most;
}

// The busiest subtask of a vertex beside its siblings.
struct Uneven {
    std::string vertex;
    Subtask hot;
    double siblings_busy = 0, siblings_rate = 0;  // At the median.

    [[nodiscard]] double times() const {
        return siblings_rate > 0 ? *hot.rate / siblings_rate : saturated_over_median * 10;
    }
};

// nullopt: all work alike, or it is not known.
std::optional<Uneven> uneven(const std::string& vertex, const std::vector<Subtask>& subtasks) {
    if (subtasks.size() < 2) return std::nullopt;
    const auto hot = std::ranges::max_element(subtasks, {}, &Subtask::busy);
    std::vector<double> busy, rates;
    for (auto one = subtasks.begin(); one != subtasks.end(); ++one) {
        if (one == hot) continue;
        busy.push_back(one->busy);
        if (one->rate) rates.push_back(*one->rate);
    }
    if (hot->busy < hot_busy || median_of(busy) > siblings_busy_of_hot * hot->busy) return std::nullopt;
    if (!hot->rate || rates.size() < busy.size()) return std::nullopt;
    return Uneven{vertex, *hot, median_of(busy), median_of(rates)};
}

Finding told(const Lookup& lookup, const Subject& job, const Uneven& seen, bool skewed, const Over& over) {
    const Subtask& hot = seen.hot;
    Finding finding{.id = skewed ? "data-skew" : "subtask-slow",
                    .subject = job,
                    .since = lookup.now().wall - over.window,
                    .weight = 1,
                    .summary = "",
                    .fields = {{"job", job.name}, {"vertex", seen.vertex}, {"subtask", hot.index}},
                    .evidence = {}};
    if (!hot.taskmanager.empty()) finding.fields["taskmanager"] = hot.taskmanager;
    finding.summary =
        "subtask " + hot.index + " of " + seen.vertex + " is busy " + percent_of(hot.busy) +
        " of the time, its siblings " + percent_of(seen.siblings_busy) + "; it gets " +
        (!skewed                   ? std::string("no more records than they do")
         : seen.siblings_rate == 0 ? std::string("records and they get none")
                                   : std::to_string(static_cast<int>(seen.times())) + " times their records");
    finding.evidence.push_back({"metric", "flink_subtask_busy_ratio",
                                "subtask " + hot.index + " of " + seen.vertex + " is busy " + percent_of(hot.busy),
                                hot.busy, lookup.now().wall});
    finding.evidence.push_back({"metric", "flink_subtask_records_in_total",
                                "it reads " + std::to_string(static_cast<long>(*hot.rate)) + " records/s, a sibling " +
                                    std::to_string(static_cast<long>(seen.siblings_rate)),
                                *hot.rate, lookup.now().wall});
    return finding;
}

std::optional<Finding> examine(const Lookup& lookup, const Subject& job, const Uneven& seen) {
    const bool skewed = seen.times() >= skewed_over_median, slow = seen.times() <= even_over_median;
    if ((!skewed && !slow) || held_up_elsewhere(lookup, job, seen.vertex) < held_up) return std::nullopt;
    return told(lookup, job, seen, skewed, usually);
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const Subject& job : lookup.jobs_running_for(running_needs)) {
        if (lookup.starved(job.cluster)) continue;
        std::set<std::string> saturated;
        for (const auto& [vertex, subtasks] : vertices_of(lookup, job, soon)) {
            const auto seen = uneven(vertex, subtasks);
            if (!seen || seen->hot.busy < saturated_busy || seen->times() < saturated_over_median) continue;
            found.push_back(told(lookup, job, *seen, true, soon));
            saturated.insert(vertex);
        }
        for (const auto& [vertex, subtasks] : vertices_of(lookup, job, usually)) {
            const auto seen = saturated.contains(vertex) ? std::nullopt : uneven(vertex, subtasks);
            if (!seen) continue;
            if (auto finding = examine(lookup, job, *seen)) found.push_back(*std::move(finding));
        }
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"uneven_subtasks",
            "Subtasks that hold their job up while their siblings wait: hot keys, or a slow place to run.",
            {"data-skew", "subtask-slow"},
            run,
            "flink_job_state and flink_subtask_busy_ratio and flink_subtask_records_in_total and "
            "flink_subtask_backpressured_ratio",
            Duration{5'000}};
}

}  // namespace medic::analyzers::uneven_subtasks

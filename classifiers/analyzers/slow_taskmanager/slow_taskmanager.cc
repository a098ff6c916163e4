// taskmanager-slow: all subtasks of a vertex on one task manager work without a pause and do less than half of what the
// same subtasks do elsewhere in as much time, and its process gets less of the processor: the place is slow (a
// throttled container, a neighbour that takes the processor, a failing disk), not the settings and not the data.
#include <cmath>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"
#include "classifiers/analyzers/places.h"

namespace medic::analyzers::slow_taskmanager {
namespace {

constexpr Duration window{30'000};
constexpr Duration span_needs{15'000};
// After a start a job catches up, and some places sooner than others.
constexpr Duration running_needs{60'000};
// Without sight of the processes a place with hard records looks the same.
constexpr double weight_without_processes = 0.7;

std::set<std::string> vertices_of(const Lookup& lookup, const Subject& job) {
    std::set<std::string> vertices;
    for (const auto series : lookup.select("flink_subtask_busy_ratio", {{"cluster", job.cluster}, {"job", job.name}}))
        vertices.insert(lookup.label(series, "vertex"));
    return vertices;
}

std::string hundredths(double cores) { return std::to_string(std::lround(cores * 100)) + " % of a core"; }

Finding finding_of(const Lookup& lookup, const Subject& job, const SlowPlace& slow) {
    const WallTime at = lookup.now().wall;
    Finding finding{
        .id = "taskmanager-slow",
        .subject = {job.cluster, "taskmanager", slow.taskmanager},
        .since = at - window,
        .weight = slow.cpu && slow.others_cpu ? 1.0 : weight_without_processes,
        .summary = "task manager " + slow.taskmanager + " is slow: its subtasks of " + slow.vertex +
                   " work all the time and do " + percent_of(slow.per_busy_second / slow.others_per_busy_second) +
                   " of what others do in as much time",
        .fields = {{"taskmanager", slow.taskmanager}, {"job", job.name}, {"vertex", slow.vertex}},
        .evidence = {{"metric", "flink_subtask_busy_ratio",
                      "its subtasks are busy " + percent_of(slow.busy) + " of the time", slow.busy, at},
                     {"metric", "flink_subtask_records_in_total",
                      std::to_string(std::lround(slow.per_busy_second)) + " records in a second of work, elsewhere " +
                          std::to_string(std::lround(slow.others_per_busy_second)),
                      slow.per_busy_second, at}}};
    if (const auto node = lookup.node_of(finding.subject)) finding.fields["node"] = *node;
    if (slow.cpu && slow.others_cpu)
        finding.evidence.push_back(
            {"metric", "process_cpu_seconds_total",
             "its process gets " + hundredths(*slow.cpu) + ", the others' " + hundredths(*slow.others_cpu), *slow.cpu,
             at});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const Subject& job : lookup.jobs_running_for(running_needs)) {
        if (lookup.starved(job.cluster)) continue;
        for (const std::string& vertex : vertices_of(lookup, job))
            if (const auto slow = slow_place(lookup, job, vertex, window, span_needs))
                found.push_back(finding_of(lookup, job, *slow));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"slow_taskmanager",
            "Task managers whose subtasks do far less than the same subtasks elsewhere.",
            {"taskmanager-slow"},
            run,
            "flink_job_state and flink_subtask_busy_ratio and (flink_subtask_records_in_total or "
            "flink_subtask_records_out_total)",
            Duration{2'000}};
}

}  // namespace medic::analyzers::slow_taskmanager

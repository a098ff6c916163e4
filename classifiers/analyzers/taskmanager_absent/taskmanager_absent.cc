// taskmanager-absent: a node that should run a task manager has no process, the job manager lists none on it, and no
// job ran there lately. What is lost is reserve; a job that lost work is taskmanager_silence's. It also tells who looks
// for the first time after the fact, when nobody saw the process go.
#include <algorithm>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::taskmanager_absent {
namespace {

constexpr Duration look_back{10 * 60'000};
// Jobs that ran on it within this time are missed, not only the reserve.
constexpr Duration hosted_within{5 * 60'000};
// A restart by hand takes a Flink task manager 5–15 s. Who never saw it run need not wait for its return.
constexpr Duration gone_floor{30'000};
constexpr Duration never_seen_floor{5'000};

struct Node {
    std::string cluster, name;
};

bool registered_there(const Lookup& lookup, const Node& node) {
    return std::ranges::any_of(
        lookup.select("flink_taskmanager_registered", {{"cluster", node.cluster}}), [&](SeriesId series) {
            const auto host = lookup.node_of({node.cluster, "taskmanager", lookup.label(series, "taskmanager")});
            return host == node.name && lookup.value(series).value_or(0) == 1;
        });
}

bool ran_a_job(const Lookup& lookup, const Node& node) {
    return std::ranges::any_of(lookup.select("flink_subtask_state", {{"cluster", node.cluster}}), [&](SeriesId series) {
        const auto id = lookup.label(series, "taskmanager");
        return !id.empty() && lookup.node_of({node.cluster, "taskmanager", id}) == node.name &&
               !lookup.history(series, hosted_within).empty();
    });
}

// Who restarts may wait for its slots.
std::optional<std::string> job_that_misses_it(const Lookup& lookup, const std::string& cluster) {
    for (const auto state : lookup.select("flink_job_state", {{"cluster", cluster}, {"state", "RESTARTING"}}))
        if (lookup.value(state).value_or(0) == 1) return lookup.label(state, "job");
    return std::nullopt;
}

// A cold spare has no process until it is needed. One that a former look has known as a task manager may have taken
// another's place since, and a job waits for its slots.
bool is_cold_spare(const Lookup& lookup, const Node& node, bool job_waits) {
    const Subject subject{node.cluster, "node", node.name};
    const auto& topology = lookup.view().topology;
    if (topology.attribute(subject, "spare") != "true") return false;
    return !(job_waits && topology.attribute(subject, "taskmanager"));
}

std::optional<Finding> examine(const Lookup& lookup, SeriesId up) {
    const Node node{lookup.label(up, "cluster"), lookup.label(up, "node")};
    const auto motion = lookup.motion(up, look_back);
    if (!motion || motion->value != 0) return std::nullopt;
    const auto job = job_that_misses_it(lookup, node.cluster);
    if (!motion->moved && is_cold_spare(lookup, node, job.has_value())) return std::nullopt;
    if (motion->standing < (motion->moved ? gone_floor : never_seen_floor)) return std::nullopt;
    // The second vantage point has to be there.
    if (!lookup.flink_answers(node.cluster, job.value_or(""))) return std::nullopt;
    if (registered_there(lookup, node) || ran_a_job(lookup, node)) return std::nullopt;
    Finding finding{.id = "taskmanager-absent",
                    .subject = {node.cluster, "node", node.name},
                    .since = motion->changed,
                    .weight = 1,
                    .summary = "node " + node.name + " runs no task manager" +
                               (job ? "; job " + *job + " restarts" : "; no job misses it now"),
                    .fields = {{"node", node.name}},
                    .evidence = {{"metric", "process_up", "the process of node " + node.name + " does not exist", 0,
                                  motion->changed},
                                 {"topology", "flink_taskmanager_registered",
                                  "the job manager lists no task manager there", 0, motion->newest}}};
    if (job) finding.fields["job"] = *job;
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto series : lookup.select("process_up", {{"role", "taskmanager"}}))
        if (auto finding = examine(lookup, series)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"taskmanager_absent",
            "Nodes that should run a task manager and run none, where no job misses it.",
            {"taskmanager-absent"},
            run,
            "flink_jobmanager_reachable and process_up{role=\"taskmanager\"}"};
}

}  // namespace medic::analyzers::taskmanager_absent

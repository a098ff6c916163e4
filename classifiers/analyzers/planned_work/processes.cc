// Task managers and Connect workers that were stopped in good order.
#include <algorithm>

#include "classifiers/analyzers/planned_work/planned_internal.h"

namespace medic::analyzers::planned_work {
namespace {

constexpr Duration slack{2'000};  // Looks at processes and at the job manager are this far apart.

// Another node of the role fell away within look_back and is not back.
std::string second_away(const Lookup& lookup, const std::string& cluster, const std::string& role,
                        const std::string& node) {
    for (const auto id : lookup.select("process_up", {{"cluster", cluster}, {"role", role}})) {
        const auto other = lookup.label(id, "node");
        if (other == node) continue;
        const auto absence = last_absence(lookup, id);
        if (absence && !absence->ended && !told_of(lookup, {cluster, "node", other}))
            return "node " + other + " is away at the same time";
    }
    return "";
}

// It ran until the task manager went: one that fails or is canceled already may be what brought it down.
bool ran_until(const Lookup& lookup, const Subject& job, WallTime until) {
    constexpr Duration looks{10'000};
    for (const auto id :
         lookup.select("flink_job_state", {{"cluster", job.cluster}, {"job", job.name}, {"state", "RUNNING"}})) {
        std::optional<double> last;
        for (const auto& sample : lookup.history(id, look_back))
            if (sample.at_ms <= until.unix_ms && until - WallTime{sample.at_ms} <= looks) last = sample.value;
        if (last == 1.0) return true;
    }
    return false;
}

// A job that lost it says that it signed off. A killed one is told as a lost connection or a missed heartbeat.
std::optional<Evidence> job_says_so(const Lookup& lookup, const std::string& cluster, const Absence& absence) {
    for (const auto* event : lookup.view().timeline.since(absence.last_there - told_late_max))
        if (event->kind == "exception" && event->subject.cluster == cluster && event->subject.kind == "job" &&
            event->at <= absence.began + told_late_max &&
            event->text.find("TaskExecutor is shutting down") != std::string::npos &&
            ran_until(lookup, event->subject, absence.last_there - slack))
            return Evidence{"trace", event->id, "its job was told: The TaskExecutor is shutting down", 0, event->at};
    return std::nullopt;
}

std::optional<Finding> task_manager(const Lookup& lookup, SeriesId up) {
    const auto cluster = lookup.label(up, "cluster"), node = lookup.label(up, "node");
    const auto absence = last_absence(lookup, up);
    if (!absence || settled(lookup, *absence)) return std::nullopt;
    auto evidence = ended_by_request(lookup, cluster, node, *absence);
    if (!evidence) evidence = job_says_so(lookup, cluster, *absence);
    if (!evidence) return std::nullopt;
    Work work{.subject = {cluster, "node", node},
              .kind = "stop",
              .since = absence->began,
              .what = "the task manager of node " + node + " was stopped in good order",
              .who = {{"node", node}},
              .evidence = {*std::move(evidence)},
              .doubt = ""};
    for (const auto id : lookup.select("flink_taskmanager_registered", {{"cluster", cluster}})) {
        const auto manager = lookup.label(id, "taskmanager");
        if (lookup.node_of({cluster, "taskmanager", manager}) == node && lookup.value(id).value_or(1) == 0)
            work.who["taskmanager"] = manager;
    }
    if (absence->ended) {
        work.what = "the task manager of node " + node + " was restarted in good order and is back";
    } else {
        work.doubt = second_away(lookup, cluster, "taskmanager", node);
        if (work.doubt.empty()) work.doubt = overdue(lookup, *absence);
    }
    return finding_of(std::move(work));
}

// It took its tasks out of service before it fell silent: a killed worker's tasks are told as RUNNING until its
// group gives it up (Connect's default: session.timeout.ms = 10 s).
std::optional<Evidence> gave_up_its_tasks(const Lookup& lookup, const std::string& cluster, const std::string& worker,
                                          const Absence& absence) {
    if (absence.began - absence.last_there > signed_off_within) return std::nullopt;
    bool had = false, told = false;
    for (const auto id : lookup.select("connect_task_state", {{"cluster", cluster}, {"worker", worker}})) {
        const auto state = lookup.label(id, "state");
        for (const auto& sample : lookup.history(id, look_back)) {
            if (sample.at_ms <= absence.last_there.unix_ms) had = had || (sample.value == 1 && state == "RUNNING");
            if (sample.at_ms < absence.began.unix_ms || sample.at_ms > (absence.began + signed_off_within).unix_ms)
                continue;
            if (sample.value == 1 && (state == "RUNNING" || state == "FAILED")) return std::nullopt;
            told = true;
        }
    }
    if (!had || !told) return std::nullopt;
    return Evidence{"metric", "connect_task_state",
                    "worker " + worker + " had taken its tasks out of service when it fell silent", 0, absence.began};
}

std::optional<Finding> worker(const Lookup& lookup, SeriesId reachable) {
    const auto cluster = lookup.label(reachable, "cluster"), name = lookup.label(reachable, "worker");
    const auto absence = last_absence(lookup, reachable);
    if (!absence || settled(lookup, *absence)) return std::nullopt;
    const auto node = lookup.node_of({cluster, "worker", name}).value_or("");
    auto evidence = ended_by_request(lookup, cluster, node, *absence);
    if (!evidence) evidence = gave_up_its_tasks(lookup, cluster, name, *absence);
    if (!evidence) return std::nullopt;
    Work work{.subject = {cluster, "worker", name},
              .kind = "stop",
              .since = absence->began,
              .what = "worker " + name + " left its group in good order",
              .who = {{"worker", name}},
              .evidence = {*std::move(evidence)},
              .doubt = ""};
    if (!node.empty()) work.who["node"] = node;
    if (absence->ended) {
        work.what = "worker " + name + " was restarted in good order and is back";
        return finding_of(std::move(work));
    }
    for (const auto id : lookup.select("connect_worker_reachable", {{"cluster", cluster}}))
        if (lookup.label(id, "worker") != name && lookup.value(id).value_or(1) == 0)
            work.doubt = "worker " + lookup.label(id, "worker") + " is away at the same time";
    if (work.doubt.empty()) work.doubt = overdue(lookup, *absence);
    return finding_of(std::move(work));
}

std::optional<Finding> job_manager(const Lookup& lookup, SeriesId up) {
    const auto cluster = lookup.label(up, "cluster"), node = lookup.label(up, "node");
    const auto absence = last_absence(lookup, up);
    if (!absence || absence->ended) return std::nullopt;
    auto evidence = ended_by_request(lookup, cluster, node, *absence);
    if (!evidence) return std::nullopt;
    return finding_of({.subject = {cluster, "node", node},
                       .kind = "stop",
                       .since = absence->began,
                       .what = "the job manager of node " + node + " was stopped in good order",
                       .who = {{"node", node}},
                       .evidence = {*std::move(evidence)},
                       .doubt = overdue(lookup, *absence)});
}

}  // namespace

void find_job_managers(const Lookup& lookup, std::vector<Finding>& found) {
    for (const auto series : lookup.select("process_up", {{"role", "jobmanager"}}))
        if (auto finding = job_manager(lookup, series)) found.push_back(*std::move(finding));
}

void find_task_managers(const Lookup& lookup, std::vector<Finding>& found) {
    for (const auto series : lookup.select("process_up", {{"role", "taskmanager"}}))
        if (auto finding = task_manager(lookup, series)) found.push_back(*std::move(finding));
}

void find_workers(const Lookup& lookup, std::vector<Finding>& found) {
    for (const auto series : lookup.select("connect_worker_reachable"))
        if (auto finding = worker(lookup, series)) found.push_back(*std::move(finding));
}

}  // namespace medic::analyzers::planned_work

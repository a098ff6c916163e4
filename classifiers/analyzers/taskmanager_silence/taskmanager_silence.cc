// taskmanager-lost: its process is gone, and the job manager or a job of its own misses it.
// taskmanager-frozen: its process is there but gets nothing done, and a second place says so too.
// Always two vantage points: the process itself (driver, /proc) and the job manager. Process state T is told, never
// counted.
#include <algorithm>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::taskmanager_silence {
namespace {

constexpr Duration look_back{10 * 60'000};
constexpr Duration hosted_within{5 * 60'000};
// A stop of 3 s, a long GC pause or a slow disk is no fault: nothing is called frozen sooner.
constexpr Duration frozen_floor{5'000};
// Nobody saw it go: whoever stopped it a moment before our first look may be bringing it back.
constexpr Duration unseen_floor{5'000};
constexpr Duration slack{2'000};  // Looks at processes and at the job manager are this far apart.

struct Manager {
    std::string cluster, id, node;
    std::vector<std::string> jobs;  // That ran subtasks on it lately.
    bool listed = true;             // The job manager has listed it since we look; else only a job names it.
};

std::string node_for(const Lookup& lookup, const std::string& cluster, const std::string& id) {
    if (const auto node = lookup.node_of({cluster, "taskmanager", id})) return *node;
    // Ids such as "tm-1:40213-9f3c" begin with the node's name.
    std::string best;
    for (const auto series : lookup.select("process_up", {{"cluster", cluster}, {"role", "taskmanager"}})) {
        auto node = lookup.label(series, "node");
        const bool prefix = id.starts_with(node) && id.size() > node.size() &&
                            std::string_view{":-_."}.find(id[node.size()]) != std::string_view::npos;
        if (prefix && node.size() > best.size()) best = std::move(node);
    }
    return best;
}

using Managers = std::map<std::pair<std::string, std::string>, Manager>;

// Lost before our first look, so that the job manager never listed it to us: a job still says what ran on it, and the
// journal which node it was (a relation that only a former look can have told).
void add_unlisted(const Lookup& lookup, SeriesId subtask, Managers& found) {
    const auto cluster = lookup.label(subtask, "cluster"), id = lookup.label(subtask, "taskmanager");
    if (!lookup.flink_answers(cluster, lookup.label(subtask, "job"))) return;
    if (const auto node = lookup.node_of({cluster, "taskmanager", id}))
        found.try_emplace({cluster, id},
                          Manager{.cluster = cluster, .id = id, .node = *node, .jobs = {}, .listed = false});
}

std::vector<Manager> managers(const Lookup& lookup) {
    Managers found;
    for (const auto series : lookup.select("flink_taskmanager_registered")) {
        Manager manager{.cluster = lookup.label(series, "cluster"),
                        .id = lookup.label(series, "taskmanager"),
                        .node = "",
                        .jobs = {}};
        manager.node = node_for(lookup, manager.cluster, manager.id);
        found.try_emplace({manager.cluster, manager.id}, std::move(manager));
    }
    for (const auto series : lookup.select("flink_subtask_state")) {
        add_unlisted(lookup, series, found);
        const auto at = found.find({lookup.label(series, "cluster"), lookup.label(series, "taskmanager")});
        if (at == found.end() || lookup.history(series, hosted_within).empty()) continue;
        const auto job = lookup.label(series, "job");
        if (std::ranges::find(at->second.jobs, job) == at->second.jobs.end()) at->second.jobs.push_back(job);
    }
    std::vector<Manager> all;
    for (auto& [key, manager] : found) all.push_back(std::move(manager));
    return all;
}

std::optional<SeriesId> one(const Lookup& lookup, std::string_view name, const LabelValues& labels) {
    const auto found = lookup.select(name, labels);
    if (found.empty()) return std::nullopt;
    return found.back();
}

// What the job manager or the jobs say against the task manager; empty: nothing.
std::vector<Evidence> peers_miss_it(const Lookup& lookup, const Manager& manager, WallTime since) {
    std::vector<Evidence> said;
    if (const auto series =
            one(lookup, "flink_taskmanager_registered", {{"cluster", manager.cluster}, {"taskmanager", manager.id}}))
        if (const auto sample = lookup.sample(*series); sample && sample->value == 0)
            said.push_back({"topology",
                            "flink_taskmanager_registered",
                            "the job manager no longer lists " + manager.id,
                            0,
                            {sample->at_ms}});
    if (!manager.listed)
        said.push_back({"topology", "flink_taskmanager_registered", "the job manager does not list " + manager.id, 0,
                        lookup.now().wall});
    for (const auto& job : manager.jobs) {
        const auto state = lookup.state("flink_job_state", {{"cluster", manager.cluster}, {"job", job}}, look_back);
        // The look that saw the process gone may be a little later than the one that saw the job fall.
        if (state && state->first != "RUNNING" && state->second + frozen_floor >= since)
            said.push_back({"metric", "flink_job_state", "job " + job + ", which ran on it, is " + state->first, 0,
                            state->second});
    }
    return said;
}

// The job that misses it: one that has ended does so no longer. One whose state is not known may go on.
const std::string& job_of(const Lookup& lookup, const Manager& manager) {
    const auto goes_on = std::ranges::find_if(manager.jobs, [&](const std::string& job) {
        const auto state = lookup.state("flink_job_state", {{"cluster", manager.cluster}, {"job", job}}, look_back);
        return !state || (state->first != "FINISHED" && state->first != "CANCELED");
    });
    return goes_on == manager.jobs.end() ? manager.jobs.front() : *goes_on;
}

std::map<std::string, std::string> facts(const Lookup& lookup, const Manager& manager) {
    std::map<std::string, std::string> fields{{"taskmanager", manager.id}, {"node", manager.node}};
    if (!manager.jobs.empty()) {
        const std::string& job = fields["job"] = job_of(lookup, manager);
        if (const auto id = lookup.view().topology.attribute({manager.cluster, "job", job}, "id"))
            fields["job_id"] = *id;
    }
    const auto spares = lookup.spares(manager.cluster, "taskmanager");
    std::string list;
    for (const auto& spare : spares) list += (list.empty() ? "" : ",") + spare;
    if (!list.empty()) fields["spares"] = list;
    return fields;
}

std::optional<Finding> lost(const Lookup& lookup, const Manager& manager) {
    const auto up = one(lookup, "process_up", {{"cluster", manager.cluster}, {"node", manager.node}});
    if (!up || manager.jobs.empty()) return std::nullopt;
    const auto moved = lookup.motion(*up, look_back);
    if (!moved || moved->value != 0) return std::nullopt;
    if (!moved->moved && (manager.listed || moved->standing < unseen_floor)) return std::nullopt;
    auto said = peers_miss_it(lookup, manager, moved->changed);
    if (said.empty()) return std::nullopt;
    // One that was stopped in good order tells its job manager before it is gone, and its service manager says so a
    // moment later: nobody is blamed in between.
    if (lookup.value("process_end_awaited", {{"cluster", manager.cluster}, {"node", manager.node}}) == 1.0)
        return std::nullopt;
    Finding finding{.id = "taskmanager-lost",
                    .subject = {manager.cluster, "taskmanager", manager.id},
                    .since = moved->changed,
                    .weight = 1,
                    .summary = "task manager " + manager.id + " is gone: no process on " + manager.node,
                    .fields = facts(lookup, manager),
                    .evidence = {}};
    finding.evidence.push_back(
        {"metric", "process_up", "the process of node " + manager.node + " does not exist", 0, moved->changed});
    finding.evidence.insert(finding.evidence.end(), said.begin(), said.end());
    return finding;
}

std::optional<Evidence> heartbeat_grows(const Lookup& lookup, const Manager& manager, WallTime stopped) {
    const auto series = one(lookup, "flink_taskmanager_heartbeat_age_seconds",
                            {{"cluster", manager.cluster}, {"taskmanager", manager.id}});
    if (!series) return std::nullopt;
    const auto now = lookup.sample(*series);
    if (!now) return std::nullopt;
    double habit = 0;
    for (const auto& sample : lookup.history(*series, look_back))
        if (WallTime{sample.at_ms} <= stopped) habit = std::max(habit, sample.value);
    const double floor = std::chrono::duration<double>(frozen_floor).count();
    if (now->value < floor || now->value < 1.5 * habit) return std::nullopt;
    return Evidence{"metric",
                    "flink_taskmanager_heartbeat_age_seconds",
                    "the job manager has had no heartbeat for " + std::to_string(static_cast<int>(now->value)) + " s",
                    now->value,
                    {now->at_ms}};
}

// Its subtasks stand although records wait for the job, or other task managers move on.
std::optional<Evidence> work_stands(const Lookup& lookup, const Manager& manager) {
    std::optional<Duration> standing;
    bool others_move = false;
    WallTime at;
    for (const auto series : lookup.select("flink_subtask_records_in_total", {{"cluster", manager.cluster}})) {
        const auto moved = lookup.motion(series, look_back);
        if (!moved) continue;
        const bool mine = lookup.label(series, "taskmanager") == manager.id;
        if (!mine) {
            others_move = others_move || (moved->moved && moved->standing < frozen_floor);
            continue;
        }
        if (!moved->moved) continue;
        if (!unusual(*moved, frozen_floor)) return std::nullopt;
        standing = std::min(standing.value_or(moved->standing), moved->standing);
        at = moved->newest;
    }
    if (!standing || !others_move) return std::nullopt;
    return Evidence{"metric", "flink_subtask_records_in_total",
                    "its subtasks have read nothing for " + spoken(*standing) + " while others go on", 0, at};
}

// Its subtasks stand, and with them a whole job: the job manager has a checkpoint under way that doesn't end. One
// frozen task manager stops all the others by back pressure, so nobody may be left who "goes on".
std::optional<Evidence> job_stands(const Lookup& lookup, const Manager& manager) {
    for (const auto& job : manager.jobs) {
        const LabelValues labels{{"cluster", manager.cluster}, {"job", job}};
        const auto completed = one(lookup, "flink_checkpoints_completed_total", labels);
        const auto moved = completed ? lookup.motion(*completed, look_back) : std::nullopt;
        if (!moved || !moved->moved || !unusual(*moved, frozen_floor)) continue;
        if (lookup.value("flink_checkpoints_in_progress", labels).value_or(0) < 1) continue;
        bool mine = false, all_stand = true;
        for (const auto series : lookup.select("flink_subtask_records_in_total", labels)) {
            const auto records = lookup.motion(series, look_back);
            if (!records || !records->moved) continue;
            if (lookup.label(series, "taskmanager") == manager.id) mine = true;
            all_stand = all_stand && records->standing >= slack;
        }
        if (!mine || !all_stand) continue;
        return Evidence{"metric", "flink_checkpoints_completed_total",
                        "job " + job + " reads nothing and its checkpoint has not ended for " + spoken(moved->standing),
                        moved->value, moved->newest};
    }
    return std::nullopt;
}

// The process on the node began after the job manager had lost this task manager: it is a successor (a refilled spare),
// and its idleness says nothing about the one that is gone.
bool succeeded(const Lookup& lookup, const Manager& manager) {
    const LabelValues node{{"cluster", manager.cluster}, {"node", manager.node}};
    const auto registered =
        one(lookup, "flink_taskmanager_registered", {{"cluster", manager.cluster}, {"taskmanager", manager.id}});
    const auto known = registered ? lookup.motion(*registered, look_back) : std::nullopt;
    if (!known || known->value != 0) return false;
    if (const auto started = lookup.value("process_start_time_seconds", node))
        return WallTime{static_cast<std::int64_t>(*started * 1000)} + slack >= known->changed;
    const auto up = one(lookup, "process_up", node);
    const auto seen = up ? lookup.motion(*up, look_back) : std::nullopt;
    return seen && seen->moved && seen->changed + slack >= known->changed;
}

std::optional<Finding> frozen(const Lookup& lookup, const Manager& manager) {
    const LabelValues node{{"cluster", manager.cluster}, {"node", manager.node}};
    // One that was never listed to us may have a successor on its node.
    if (!manager.listed || lookup.value("process_up", node).value_or(0) != 1) return std::nullopt;
    if (succeeded(lookup, manager)) return std::nullopt;
    const auto ticks = lookup.cpu_motion(node, look_back);
    if (!ticks || !unusual(*ticks, frozen_floor)) return std::nullopt;
    std::vector<Evidence> said;
    if (auto beat = heartbeat_grows(lookup, manager, ticks->changed)) said.push_back(*beat);
    if (auto work = work_stands(lookup, manager)) said.push_back(*work);
    if (auto work = job_stands(lookup, manager)) said.push_back(*work);
    for (auto& peer : peers_miss_it(lookup, manager, ticks->changed))
        if (peer.kind == "topology") said.push_back(peer);
    if (said.empty() || manager.jobs.empty() || lookup.starved(manager.cluster)) return std::nullopt;
    Finding finding{.id = "taskmanager-frozen",
                    .subject = {manager.cluster, "taskmanager", manager.id},
                    .since = ticks->changed,
                    .weight = 1,
                    .summary = "task manager " + manager.id + " is alive but silent for " + spoken(ticks->standing),
                    .fields = facts(lookup, manager),
                    .evidence = {}};
    finding.evidence.push_back(uses_no_cpu(manager.node, *ticks));
    finding.evidence.insert(finding.evidence.end(), said.begin(), said.end());
    if (auto stopped = stopped_by_signal(lookup, node, ticks->newest)) finding.evidence.push_back(*std::move(stopped));
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto& manager : managers(lookup)) {
        if (manager.node.empty()) continue;
        if (auto gone = lost(lookup, manager)) {
            found.push_back(std::move(*gone));
        } else if (auto silent = frozen(lookup, manager)) {
            found.push_back(std::move(*silent));
        }
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"taskmanager_silence",
            "Task managers that are gone, or alive but silent.",
            {"taskmanager-lost", "taskmanager-frozen"},
            run,
            "flink_taskmanager_registered and process_up{role=\"taskmanager\"}"};
}

}  // namespace medic::analyzers::taskmanager_silence

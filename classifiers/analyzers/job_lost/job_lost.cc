// job-lost: a job that ran when its job manager went, and that the job manager, back again, does not know. Without high
// availability nobody starts it again. A job that had ended, one that is listed anywhere, and one whose job manager was
// stopped in good order (who did that knows its jobs) give nothing.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <sstream>

#include "agent/base/flink_state.h"
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::job_lost {
namespace {

// With high availability, or in application mode, a job manager lists its jobs a few seconds after it answers.
constexpr Duration grace{20'000};
// One that is known to do neither never does; a team's own starter may be quick.
constexpr Duration grace_of_others{5'000};
// To fence its old task managers and start them takes the rest of that; who is quicker is seen before the job starts.
constexpr Duration grace_of_fenced{2'000};
constexpr Duration look_back{10 * 60'000};

bool runs_somewhere(const Lookup& lookup, const Subject& job) {
    const auto state = lookup.view().topology.attribute(job, "state");
    return state && !is_terminal_job_state(*state);
}

std::vector<std::string> job_managers(const Lookup& lookup, const std::string& cluster) {
    std::vector<std::string> nodes;
    for (const auto series : lookup.select("process_up", {{"cluster", cluster}, {"role", "jobmanager"}}))
        nodes.push_back(lookup.label(series, "node"));
    std::ranges::sort(nodes);
    const auto doubled = std::ranges::unique(nodes);
    nodes.erase(doubled.begin(), doubled.end());
    return nodes;
}

bool stopped_in_order(const Lookup& lookup, const std::string& cluster, WallTime missing_since) {
    const auto managers = job_managers(lookup, cluster);
    const WallTime from = missing_since - look_back;
    const auto of_a_manager = [&](const std::string& node) {
        return std::ranges::find(managers, node) != managers.end();
    };
    for (const auto* event : lookup.view().timeline.since(from)) {
        if (event->kind != "clean-stop" || event->subject.cluster != cluster || event->at > missing_since) continue;
        const auto node = event->fields.find("node");
        if (node != event->fields.end() && of_a_manager(node->second)) return true;
    }
    for (const auto series : lookup.select("process_stopped_in_order", {{"cluster", cluster}}))
        if (of_a_manager(lookup.label(series, "node")) &&
            std::ranges::any_of(lookup.history(series, lookup.now().wall - from), [&](const Sample& sample) {
                return sample.value == 1 && sample.at_ms >= from.unix_ms && sample.at_ms <= missing_since.unix_ms;
            }))
            return true;
    return false;
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
}

// The task managers that still hold the job's old tasks, as "tm-1=ID tm-2=ID", and the nodes of those on which it ran
// no tasks. A job manager without high availability has forgotten every job that ran on them, and knows none of them
// yet: they find out after heartbeat.timeout (50 s).
struct OldTaskManagers {
    std::string all, idle_nodes;
};

// nullopt where one is registered again or not known to be the process that it was.
std::optional<OldTaskManagers> old_task_managers(const Lookup& lookup, const Subject& lost, WallTime since) {
    const auto told = [&](const char* name) { return lookup.view().topology.attribute(lost, name).value_or(""); };
    if (told("comes_back") != "never") return std::nullopt;
    const auto hosts = words(told("hosts"));
    OldTaskManagers old;
    for (const std::string& id : words(told("task_managers"))) {
        const auto registered =
            lookup.value("flink_taskmanager_registered", {{"cluster", lost.cluster}, {"taskmanager", id}});
        const auto node = lookup.node_of({lost.cluster, "taskmanager", id});
        if (registered != 0 || !node) return std::nullopt;
        const LabelValues process{{"cluster", lost.cluster}, {"node", *node}};
        const auto started = lookup.value("process_start_time_seconds", process);
        if (lookup.value("process_up", process) != 1 || !started ||
            *started * 1000 >= static_cast<double>(since.unix_ms))
            return std::nullopt;
        old.all += (old.all.empty() ? "" : " ") + *node + "=" + id;
        // Where nobody knows on which it ran, each may have had it.
        if (!hosts.empty() && std::ranges::find(hosts, id) == hosts.end())
            old.idle_nodes += (old.idle_nodes.empty() ? "" : " ") + *node;
    }
    return old.all.empty() ? std::nullopt : std::optional(std::move(old));
}

Duration grace_of(const Lookup& lookup, const Subject& lost, bool fenced_first) {
    if (lookup.view().topology.attribute(lost, "comes_back") != "never") return grace;
    return fenced_first ? grace_of_fenced : grace_of_others;
}

// `manager`: the series of its Flink's answers.
std::optional<Finding> examine(const Lookup& lookup, const Subject& lost, SeriesId manager) {
    const auto told = [&](const char* name) { return lookup.view().topology.attribute(lost, name); };
    if (told("listed") != "false") return std::nullopt;
    const auto since_text = told("since");
    if (!since_text) return std::nullopt;
    const WallTime since{std::strtoll(since_text->c_str(), nullptr, 10)};
    const auto old = old_task_managers(lookup, lost, since);
    if (lookup.now().wall - since < grace_of(lookup, lost, old.has_value())) return std::nullopt;
    // What is told of it must be of now: a job manager that is away again knows nothing.
    if (lookup.value(manager) != 1 || told("flink").value_or("") != lookup.label(manager, "flink")) return std::nullopt;
    const Subject job{lost.cluster, "job", lost.name};
    if (runs_somewhere(lookup, job) || stopped_in_order(lookup, lost.cluster, since)) return std::nullopt;

    Finding finding{.id = "job-lost",
                    .subject = job,
                    .since = since,
                    .weight = 1,
                    .summary = "job " + lost.name + " went with its job manager, which does not know it any more",
                    .fields = {{"job", lost.name}},
                    .evidence = {}};
    for (const char* name : {"version", "checkpoint_path", "parallelism", "state_before"})
        if (auto value = told(name)) finding.fields[name] = *std::move(value);
    if (old) {
        finding.fields["old_taskmanagers"] = old->all;
        if (!old->idle_nodes.empty()) finding.fields["idle_nodes"] = old->idle_nodes;
    }
    if (auto id = told("job_id")) finding.fields["job_id_before"] = *std::move(id);
    finding.evidence.push_back({"topology", "lost-job/" + lost.name,
                                "the job manager answers again and lists no job of this name; it was " +
                                    told("state_before").value_or("there") + " before",
                                0, since});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto manager : lookup.select("flink_jobmanager_reachable"))
        for (const Subject& lost : view.topology.all(lookup.label(manager, "cluster"), "lost-job"))
            if (auto finding = examine(lookup, lost, manager)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"job_lost",
            "Jobs that went with a job manager without high availability.",
            {"job-lost"},
            run,
            "flink_jobmanager_reachable"};
}

}  // namespace medic::analyzers::job_lost

// job-lost: a job that ran when its job manager went, and that the job manager, back again, does not know. Without high
// availability nobody starts it again. A job that had ended, one that is listed anywhere, and one whose job manager was
// stopped in good order (who did that knows its jobs) give nothing.
#include <algorithm>
#include <cstdlib>
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

// "tm-1=ID tm-2=ID": the nodes whose processes still hold the job's old tasks, if that is so of all its task managers.
// A job manager without high availability has forgotten every job that ran on them, and knows none of them yet: they
// find out after heartbeat.timeout (50 s). "" where one is registered again or not known to be the process that it was.
std::string old_task_managers(const Lookup& lookup, const Subject& lost, WallTime since) {
    const auto ids = lookup.view().topology.attribute(lost, "task_managers");
    if (!ids) return "";
    std::string told;
    std::istringstream words(*ids);
    for (std::string id; words >> id;) {
        const auto registered =
            lookup.value("flink_taskmanager_registered", {{"cluster", lost.cluster}, {"taskmanager", id}});
        const auto node = lookup.node_of({lost.cluster, "taskmanager", id});
        if (registered != 0 || !node) return "";
        const LabelValues process{{"cluster", lost.cluster}, {"node", *node}};
        const auto started = lookup.value("process_start_time_seconds", process);
        if (lookup.value("process_up", process) != 1 || !started ||
            *started * 1000 >= static_cast<double>(since.unix_ms))
            return "";
        told += (told.empty() ? "" : " ") + *node + "=" + id;
    }
    return told;
}

std::optional<Finding> examine(const Lookup& lookup, const Subject& lost) {
    const auto told = [&](const char* name) { return lookup.view().topology.attribute(lost, name); };
    if (told("listed") != "false") return std::nullopt;
    const auto since_text = told("since");
    if (!since_text) return std::nullopt;
    const WallTime since{std::strtoll(since_text->c_str(), nullptr, 10)};
    if (lookup.now().wall - since < (told("comes_back") == "never" ? grace_of_others : grace)) return std::nullopt;
    // What is told of it must be of now: a job manager that is away again knows nothing.
    if (lookup.value("flink_jobmanager_reachable", {{"cluster", lost.cluster}}).value_or(0) != 1) return std::nullopt;
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
    if (told("comes_back") == "never")
        if (auto old = old_task_managers(lookup, lost, since); !old.empty())
            finding.fields["old_taskmanagers"] = std::move(old);
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
            if (auto finding = examine(lookup, lost)) found.push_back(std::move(*finding));
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

// A job's new version and a connector's changed settings: who deploys restarts, and for a moment nothing runs. Only
// that moment is explained; what fails meanwhile is a failure.
#include <algorithm>
#include <map>

#include "classifiers/analyzers/planned_work/planned_internal.h"

namespace medic::analyzers::planned_work {
namespace {

// Connect stops and starts the tasks of a changed connector in one rebalance: its default for waiting for the rest of
// the group, rebalance.timeout.ms, is 60 s. A job waits as long for its slots and its state as a rule.
constexpr Duration deploy_takes_max{120'000};
// Then it runs; what looks at it needs a moment to notice.
constexpr Duration noticed_within{15'000};

std::string field(const Event& event, const std::string& name) {
    const auto found = event.fields.find(name);
    return found == event.fields.end() ? "" : found->second;
}

// A first start restarts nothing.
bool replaces(const Event& event) {
    if (event.kind == "config-change") return event.subject.kind == "connector" || event.subject.kind == "job";
    if (event.kind != "deployment") return false;
    return !field(event, "before").empty() || !field(event, "version_before").empty() || !field(event, "by").empty();
}

bool failed_since(const Lookup& lookup, const Subject& subject, WallTime since) {
    const auto events = lookup.view().timeline.since(since);
    return std::ranges::any_of(events, [&](const Event* event) {
        if (event->kind != "exception" || event->subject.cluster != subject.cluster || event->at < since) return false;
        return event->subject == subject || (subject.kind == "connector" && event->subject.kind == "connector-task" &&
                                             event->subject.name.starts_with(subject.name + "/"));
    });
}

// Running since, and for long enough that everybody has noticed. nullopt: nobody has told of it since.
std::optional<bool> is_up_again(const Lookup& lookup, const Subject& subject, WallTime since) {
    const bool job = subject.kind == "job";
    const char* const series = job ? "flink_job_state" : "connect_task_state";
    std::optional<WallTime> up_since;
    bool told = false, down = false;
    for (const auto id : lookup.select(series, {{"cluster", subject.cluster}, {subject.kind, subject.name}})) {
        const auto sample = lookup.sample(id);
        if (!sample || sample->value != 1 || sample->at_ms < since.unix_ms) continue;
        told = true;
        if (lookup.label(id, "state") != "RUNNING") {
            down = true;
            continue;
        }
        const auto from = lookup.since(id, look_back).value_or(since);
        up_since = std::max(up_since.value_or(since), from);
    }
    if (!told) return std::nullopt;
    return !down && up_since && lookup.now().wall - std::max(*up_since, since) > noticed_within;
}

std::string told(const Event& event) {
    if (event.kind == "config-change") return event.text.empty() ? "settings changed" : event.text.substr(0, 200);
    const auto version = field(event, "version"), before = field(event, "version_before");
    if (version.empty()) return "it was started anew";
    return "version " + version + (before.empty() ? "" : " in place of " + before);
}

}  // namespace

void find_deployments(const Lookup& lookup, std::vector<Finding>& found) {
    std::map<Subject, const Event*> newest;  // Several may tell of one: the engine, the pipeline.
    for (const auto* event : lookup.view().timeline.since(lookup.now().wall - deploy_takes_max))
        if (replaces(*event) && event->at <= lookup.now().wall) newest[event->subject] = event;
    for (const auto& [subject, event] : newest) {
        if (subject.kind != "job" && subject.kind != "connector") continue;
        if (is_up_again(lookup, subject, event->at).value_or(false)) continue;
        const auto by = field(*event, "by");
        Work work{.subject = subject,
                  .kind = "deploy",
                  .since = event->at,
                  .what = subject.kind + " " + subject.name + " was deployed" + (by.empty() ? "" : " by " + by) + ": " +
                          told(*event),
                  .who = {{subject.kind, subject.name}},
                  .evidence = {{"event", event->id, told(*event), 0, event->at}},
                  .doubt = ""};
        if (failed_since(lookup, subject, event->at)) work.doubt = "it has failed since";
        found.push_back(finding_of(std::move(work)));
    }
}

}  // namespace medic::analyzers::planned_work

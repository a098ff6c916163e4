// planned-work: what operators do on purpose, recognised from what a cluster shows by itself. Field `explains` says
// whether the absence that it causes is explained by it. It never excuses a partition without a leader, a partition
// under its min.insync.replicas, a second node that goes meanwhile, or a node that stays away for longer than the
// grace; then it is only told as a hint.
#include <algorithm>

#include "classifiers/analyzers/planned_work/planned_internal.h"

namespace medic::analyzers::planned_work {

std::optional<Absence> last_absence(const Lookup& lookup, SeriesId presence) {
    if (!lookup.sample(presence) || lookup.is_only(presence, 1, look_back)) return std::nullopt;
    const auto samples = lookup.history(presence, look_back);
    std::optional<Absence> absence;
    for (std::size_t i = 1; i < samples.size(); ++i) {
        const bool was = samples[i - 1].value != 0, is = samples[i].value != 0;
        if (was && !is) absence = Absence{{samples[i - 1].at_ms}, {samples[i].at_ms}, {}, std::nullopt};
        if (!was && is && absence) absence->ended = WallTime{samples[i].at_ms};
    }
    if (absence) absence->newest = {samples.back().at_ms};
    return absence;
}

namespace {

// The first word of the service manager about this absence, also when the process is back by now. Later ones are about
// what came then: a unit that is being started again is no longer `inactive`.
std::optional<Sample> service_manager_says(const Lookup& lookup, const std::string& cluster, const std::string& node,
                                           const Absence& absence) {
    std::optional<Sample> said;
    const WallTime from = absence.last_there, to = absence.ended.value_or(lookup.now().wall);
    for (const auto id : lookup.select("process_stopped_in_order", {{"cluster", cluster}, {"node", node}}))
        for (const auto& sample : lookup.history(id, look_back))
            if (sample.at_ms > from.unix_ms && sample.at_ms <= to.unix_ms && (!said || sample.at_ms < said->at_ms))
                said = sample;
    return said;
}

}  // namespace

std::optional<Evidence> ended_by_request(const Lookup& lookup, const std::string& cluster, const std::string& node,
                                         const Absence& absence) {
    if (node.empty()) return std::nullopt;
    if (const auto said = service_manager_says(lookup, cluster, node, absence))
        return said->value == 1
                   ? std::optional(Evidence{"metric",
                                            "process_stopped_in_order",
                                            "the service manager of " + node + " has stopped it in good order",
                                            1,
                                            {said->at_ms}})
                   : std::nullopt;
    for (const auto* event : lookup.view().timeline.since(absence.began - stop_takes_max)) {
        if (event->kind != "clean-stop" || event->subject.cluster != cluster) continue;
        const auto named = event->fields.find("node");
        if (named == event->fields.end() || named->second != node || event->at > absence.began + told_late_max ||
            event->at + told_late_max < absence.last_there - stop_takes_max)
            continue;
        return Evidence{"log", event->id, event->text.substr(0, 200), 0, event->at};
    }
    return std::nullopt;
}

Finding finding_of(Work work) {
    Finding finding{.id = "planned-work",
                    .subject = std::move(work.subject),
                    .since = work.since,
                    .weight = 1,
                    .summary = std::move(work.what),
                    .fields = std::move(work.who),
                    .evidence = std::move(work.evidence)};
    finding.fields["kind"] = work.kind;
    finding.fields["explains"] = work.doubt.empty() ? "true" : "false";
    if (!work.doubt.empty()) {
        finding.fields["doubt"] = work.doubt;
        finding.summary += ", but " + work.doubt;
    }
    return finding;
}

std::string overdue(const Lookup& lookup, const Absence& absence) {
    const Duration away = absence.ended.value_or(lookup.now().wall) - absence.began;
    const Duration grace = lookup.view().planned_grace;
    if (away <= grace) return "";
    return "it has been away for " + spoken(away) + ", longer than " + spoken(grace) + " (intervals.planned_grace)";
}

bool settled(const Lookup& lookup, const Absence& absence) {
    return absence.ended && lookup.now().wall - *absence.ended > settling;
}

namespace {

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    find_brokers(lookup, found);
    find_job_managers(lookup, found);
    find_task_managers(lookup, found);
    find_workers(lookup, found);
    find_requests(lookup, found);
    find_deployments(lookup, found);
    find_notices(lookup, found);
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {
        "planned_work",
        "What operators do on purpose: clean stops one node at a time, drained brokers, stopped jobs and connectors.",
        {"planned-work"},
        run,
        "kafka_broker_reachable or process_up or connect_worker_reachable or flink_job_state"};
}

}  // namespace medic::analyzers::planned_work

// first-failure: the exception that started the present episode of a job or connector task, kept through restarts.
// Given while the episode is open: the job is not RUNNING (the task has FAILED), or it failed less than a minute ago (a
// connector task: three quarters of one).
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/episode.h"

namespace medic::analyzers::first_failure {
namespace {

constexpr Duration look_back{2 * 3'600'000};
// After this long without a new failure, and RUNNING, the episode is over: Flink's longest back-off by default.
constexpr Duration quiet_after{60'000};
// Kafka Connect never starts a failed task again: who did that takes it for healed once it has run for so long
// (`task_runs_for` of the remedies). If it is told of beyond that, its next failure can't be told from what is healed.
constexpr Duration task_quiet_after{45'000};

// nullopt: the state is not known, so it is no reason to call the episode over or open.
std::optional<bool> is_running(const Lookup& lookup, const Subject& subject) {
    if (subject.kind == "job") {
        const auto state =
            lookup.state("flink_job_state", {{"cluster", subject.cluster}, {"job", subject.name}}, quiet_after);
        if (state) return state->first == "RUNNING";
    }
    if (const auto state = lookup.view().topology.attribute(subject, "state")) return *state == "RUNNING";
    return std::nullopt;
}

Finding finding_of(const Episode& episode) {
    const auto& first = episode.exceptions[episode.first];
    Finding finding{.id = "first-failure",
                    .subject = episode.subject,
                    .since = first.event->at,
                    .weight = 1,
                    .summary = "",
                    .fields = first.event->fields,
                    .evidence = {}};
    finding.fields["exception"] = first.type;
    finding.fields["message"] = first.message.substr(0, 500);
    finding.fields["event"] = first.event->id;
    finding.fields["failures"] = std::to_string(episode.exceptions.size());
    if (!first.frame.empty()) {
        finding.fields["frame"] = first.frame;
        finding.fields["location"] = first.location;
        finding.fields["frame_owner"] = std::string{to_string(*first.owner)};
    }
    if (first.record) {
        finding.fields["record_topic"] = first.record->topic;
        finding.fields["record_partition"] = std::to_string(first.record->partition);
        finding.fields["record_offset"] = std::to_string(first.record->offset);
    }
    finding.summary = "first failure of the episode: " + (first.type.empty() ? std::string{"unreadable"} : first.type);
    if (!first.frame.empty()) finding.summary += " at " + first.frame;
    finding.evidence.push_back({"trace", first.event->id, first.event->text.substr(0, 4'000), 0, first.event->at});
    if (episode.exceptions.size() > 1)
        finding.evidence.push_back({"event", episode.exceptions.back().event->id,
                                    std::to_string(episode.exceptions.size()) +
                                        " failures in this episode, the last one " + episode.exceptions.back().type,
                                    static_cast<double>(episode.exceptions.size()),
                                    episode.exceptions.back().event->at});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto& episode : episodes(lookup, look_back)) {
        const Duration quiet = episode.subject.kind == "connector-task" ? task_quiet_after : quiet_after;
        const bool recent = now.wall - episode.exceptions.back().event->at <= quiet;
        const auto running = is_running(lookup, episode.subject);
        if (running.value_or(true) && !recent) continue;
        // It ran again for long: why it fails now is not known yet, and the old failure must not stand in for it.
        const auto last = episode.exceptions.back().event->at;
        if (episode.subject.kind == "job" && !recent &&
            ran_between(lookup, episode.subject, last + recovered_after, now.wall).value_or(false))
            continue;
        found.push_back(finding_of(episode));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"first_failure",
            "Keeps the first failure of an episode through restarts.",
            {"first-failure"},
            run,
            "flink_job_state or connect_task_state"};
}

}  // namespace medic::analyzers::first_failure

#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/incident_codec.h"
#include "agent/loop/state_internal.h"

namespace medic {
Loop::State::State(LoopOptions given, const JournalState& restored)
    : options(std::move(given)), planner(options.remedies), guards(options.guards) {
    restore(restored);
}

void Loop::State::restore(const JournalState& restored) {
    history_complete = restored.complete;
    problem = restored.problem;
    incidents_ever = restored.incidents_ever;
    for (const auto& row : restored.open_incidents) {
        auto incident = from_row(row);
        if (!incident) {  // What we did there is not known: nothing may act until a person has looked.
            history_complete = false;
            problem = incident.error().message;
            continue;
        }
        newest_recorded = std::max(newest_recorded, incident->state_since);
        const auto number = number_of(*incident);
        open.emplace(number, *std::move(incident));
    }
    for (const auto& row : restored.ended_incidents)  // What was found in other clusters counts, also when it is over.
        if (auto incident = from_row(row)) ended.push_back(*std::move(incident));
    while (ended.size() > options.ended_kept_max) ended.pop_front();
    restore_storms();
    if (!restored.behaviours.empty()) behaviour = restored.behaviours.front();
    for (const auto& row : restored.attempts) {
        newest_recorded = std::max({newest_recorded, row.intended_at, row.finished_at});
        if (row.state == "not-sent" || tells_of_question(row.operation)) continue;
        history.push_back({row.key, row.incident, row.cluster, row.remedy, row.cause, subject_of(row.diagnosed),
                           subject_of(row.target), row.intended_at, row.undo, row.state == "not-done",
                           tells_of_taken_node(row.operation)});
    }
    std::ranges::stable_sort(history, {}, &PastAttempt::at);
    for (const auto& row : restored.pauses) pauses.push_back({row.cluster, row.reason, row.by, row.since});
    for (const auto& row : restored.cordons) cordons.push_back({row.cluster, row.node, row.reason, row.by, row.since});
    for (const auto& row : restored.quarantines) quarantined.insert({row.cluster, row.job, row.version});
    for (const auto& row : restored.node_roles) node_is_spare[{row.cluster, row.node}] = row.spare;
    for (const auto& row : restored.alerts) {
        if (alerts.size() >= options.alerts_max) break;
        Alert alert;
        alert.fingerprint = row.fingerprint;
        alert.starts_at = row.starts_at;
        alert.subject = subject_of(row.subject);
        alert.name = row.name;
        alert.received_from = row.received_from;
        alerts.emplace(fmt::format("{}@{}", row.fingerprint, row.starts_at.unix_ms), std::move(alert));
    }
}

// Time has passed unseen. Nothing has ended merely because nobody looked, and what was in flight must be probed.
void Loop::State::settle_after_restart() {
    fresh_start = false;
    for (auto& [cluster, storm] : storms) storm.restart(now, options.policy.storm);
    begin_rollout();
    for (auto& [number, incident] : open) {
        // The clock was set back meanwhile: what it waits for would not come before the old time.
        if (incident.state_since > now) shift_times(incident, now - incident.state_since);
        incident.last_reported_at = now;
        incident.holds_since.reset();
        if (incident.state == IncidentState::acting) {
            record_attempt(incident, "unknown", "the agent was restarted before the reply");
            set_state(incident, IncidentState::probing,
                      "the agent was restarted while " + incident.key + " was on its way: looking at facts");
        }
        // The clock may have been set while nobody looked: a request on its way gets its whole time from now on, and no
        // more.
        if (incident.state == IncidentState::probing) incident.deadline = now + reply_max(incident.current());
        if (incident.state == IncidentState::verifying) incident.step_acted_at = now;
        if (incident.state == IncidentState::planning) incident.state_since = now;
        touch(incident);
    }
    // Alerts that were accepted just before the end and that no incident has taken up.
    for (const auto& [key, alert] : std::map(alerts)) {
        const bool joined = std::ranges::any_of(open, [&](const auto& item) {
            return std::ranges::find(item.second.alerts, key) != item.second.alerts.end();
        });
        if (joined) continue;
        alerts.erase(key);
        take(alert);
    }
}

}  // namespace medic

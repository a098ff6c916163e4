#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"

namespace medic {
namespace {

// What a subject or a step is about, so that a process is the same thing by any of its names.
std::string touch_key(const Subject& subject) {
    const bool process = subject.kind == "node" || subject.kind == "taskmanager" || subject.kind == "worker";
    return (process ? "process" : subject.kind) + "/" + subject.name;
}

// While a plan backs off after a step without effect, the job that it works for is not explained by it any more:
// another cause may be what keeps it down. What it has changed with its own hands still is.
std::set<std::string> touched_by(const Incident& incident) {
    std::set<std::string> keys;
    for (const auto* steps : {&incident.plan->steps, &incident.plan->undo_steps})
        for (const auto& step : *steps) {
            keys.insert(touch_key(step.subject));
            if (!step.job.kind.empty() && holds_cluster(incident)) keys.insert(touch_key(step.job));
        }
    return keys;
}

bool names_only_an_alert(const Incident& incident) { return incident.diagnosis.abstains() && !incident.acted; }

// The plan has not acted yet, so a better diagnosis may take its place.
bool may_change_its_mind(const Incident& incident) {
    return !incident.acted && !incident.begun && incident.state != IncidentState::escalated &&
           incident.state != IncidentState::healed;
}

std::string first_exception(const Diagnosis& diagnosis) {
    const auto stated = diagnosis.facts.find("first_failure");
    if (stated != diagnosis.facts.end() && !stated->second.empty()) return stated->second;
    // As the analyzer of first failures has read it from the trace.
    if (const auto type = diagnosis.facts.find("exception"); type != diagnosis.facts.end() && !type->second.empty()) {
        std::string text = type->second;
        for (const auto& [fact, before] : {std::pair{"message", ": "}, {"frame", "\n\tat "}})
            if (const auto more = diagnosis.facts.find(fact); more != diagnosis.facts.end() && !more->second.empty())
                text += before + more->second;
        return text;
    }
    const Evidence* first = nullptr;
    for (const auto& evidence : diagnosis.evidence)
        if (evidence.kind == "trace" && (first == nullptr || evidence.at < first->at)) first = &evidence;
    return first == nullptr ? std::string() : first->text;
}

}  // namespace

void Loop::State::take(const DiagnosisReport& report) {
    sight = {report.at, report.blind_targets.size(), report.targets_total, report.tick_lateness_seconds};
    present.clear();
    std::set<CauseKey> reported;
    for (const auto& diagnosis : report.diagnoses) {
        reported.insert(key_of(diagnosis));
        present.emplace(key_of(diagnosis), diagnosis.since);
    }
    keep_requests_alive(reported);
    for (const auto& diagnosis : report.diagnoses) take_diagnosis(diagnosis, reported);
    for (auto& [number, incident] : open)
        if (incident.state == IncidentState::healed && !blind() && !reported.contains(key_of(incident.diagnosis)))
            incident.seen_gone = true;
    for (const auto& change : report.symptoms) {
        if (change.kind != SymptomChange::Kind::began) continue;
        for (auto& [number, incident] : open)
            if (change.symptom.subject == incident.diagnosis.subject)
                add_bounded(incident.effects, change.symptom.id, options.effects_max);
    }
}

void Loop::State::take_diagnosis(const Diagnosis& diagnosis, const std::set<CauseKey>& reported) {
    if (Incident* home = find_home(diagnosis, reported)) {
        // Healed, and it has begun again since: that is a new incident, with all its guards and cool-downs.
        const bool relapse = home->state == IncidentState::healed && !diagnosis.abstains() && home->seen_gone;
        if (!relapse) return refresh(*home, diagnosis);
        resolve(*home, "healed", "it came back: see the next incident");
    } else if (Incident* touched_one = find_touched_by(diagnosis)) {
        // Told anew at every tick; only what is new is written.
        if (add_bounded(touched_one->effects,
                        diagnosis.cause + " of " + diagnosis.subject.kind + "/" + diagnosis.subject.name,
                        options.effects_max))
            touch(*touched_one);
        return;
    }
    if (Incident* opened = open_incident(diagnosis)) refresh(*opened, diagnosis);
}

// The open incident that this diagnosis is news of; nullptr: none.
Incident* Loop::State::find_home(const Diagnosis& diagnosis, const std::set<CauseKey>& reported) {
    Incident* same_subject = nullptr;
    for (auto& [number, incident] : open) {
        if (incident.ended()) continue;
        if (key_of(incident.diagnosis) == key_of(diagnosis)) return &incident;
        if (incident.diagnosis.subject != diagnosis.subject) continue;
        if (diagnosis.abstains()) return &incident;
        const bool other_goes_on = !incident.diagnosis.abstains() && reported.contains(key_of(incident.diagnosis));
        if (may_change_its_mind(incident) && !other_goes_on) same_subject = &incident;
        if (incident.state == IncidentState::escalated && names_only_an_alert(incident)) same_subject = &incident;
    }
    return same_subject;
}

// A diagnosis about what a plan under way is working on is that plan's effect, not a new root cause. It opens its own
// incident on a later report if it is still there when the plan has ended.
Incident* Loop::State::find_touched_by(const Diagnosis& diagnosis) {
    for (auto& [number, incident] : open) {
        if (!incident.begun || !incident.plan || incident.cluster != diagnosis.subject.cluster) continue;
        const auto keys = touched_by(incident);
        if (keys.contains(touch_key(diagnosis.subject))) return &incident;
        for (const char* name : {"node", "taskmanager"}) {
            const auto found = diagnosis.facts.find(name);
            if (found != diagnosis.facts.end() && keys.contains("process/" + found->second)) return &incident;
        }
    }
    return nullptr;
}

void Loop::State::refresh(Incident& incident, const Diagnosis& diagnosis) {
    incident.last_reported_at = now;
    for (const auto& effect : diagnosis.effects) add_bounded(incident.effects, effect, options.effects_max);
    if (incident.first_failure.empty()) {
        incident.first_failure = first_exception(diagnosis);
        if (!incident.first_failure.empty()) {
            effects.journal.emplace_back(FirstFailureRow{incident.id, incident.first_failure, diagnosis.since});
            touch(incident);
        }
    }
    if (diagnosis.abstains() && !incident.diagnosis.abstains())
        return;  // A momentary loss of sight takes no cause away.
    const bool new_cause = diagnosis.cause != incident.diagnosis.cause;
    if (!new_cause && incident.acted) {  // The plan under way was made from the diagnosis as it was.
        incident.diagnosis.confidence = diagnosis.confidence;
        return;
    }
    if (new_cause && !incident.diagnosis.abstains()) {
        constexpr std::size_t causes_kept_max = 8;
        incident.causes_before.push_back(incident.diagnosis.cause);
        if (incident.causes_before.size() > causes_kept_max)
            incident.causes_before.erase(incident.causes_before.begin());
    }
    incident.diagnosis = diagnosis;
    if (diagnosis.since < incident.opened_at) incident.opened_at = diagnosis.since;
    if (!new_cause) return;
    incident.plan.reset();
    incident.ladder = 0;
    incident.tried.clear();
    incident.untried.clear();
    incident.hoped_for.clear();
    incident.outcome.clear();
    incident.waiting_for.clear();
    set_state(incident, IncidentState::diagnosing, {});
    incident.state_since = now;
    tell(incident, diagnosis.summary);
}

Incident* Loop::State::open_incident(const Diagnosis& diagnosis) {
    if (open.size() >= options.incidents_open_max) {
        ++health.diagnoses_dropped;
        return nullptr;
    }
    Incident incident;
    incident.id = fmt::format("I{}", ++incidents_ever);
    incident.cluster = diagnosis.subject.cluster;
    incident.diagnosis = diagnosis;
    incident.opened_at = diagnosis.since.unix_ms != 0 ? diagnosis.since : now;
    incident.state_since = incident.last_reported_at = incident.noticed_at = now;
    storms[incident.cluster].add(now, options.policy.storm);
    Incident& opened = open.emplace(incidents_ever, std::move(incident)).first->second;
    tell(opened, diagnosis.summary);
    notify(opened, Notification::Kind::opened, diagnosis.summary);
    return &opened;
}

void Loop::State::take(const Facts& facts) {
    for (const auto& fact : facts.facts) book.record(fact, now);
}

void Loop::State::take(const Alert& alert) {
    const auto key = fmt::format("{}@{}", alert.fingerprint, alert.starts_at.unix_ms);
    if (!alert.firing) {
        alerts.erase(key);
        return;
    }
    if (alerts.contains(key)) return;
    if (alerts.size() >= options.alerts_max) {
        ++health.alerts_dropped;
        return;
    }
    alerts.emplace(key, alert);
    Subject subject = alert.subject;
    if (subject.kind.empty()) subject = {subject.cluster, "alert", alert.name};
    for (auto& [number, incident] : open) {
        if (incident.ended() || incident.diagnosis.subject != subject) continue;
        add_bounded(incident.alerts, key, options.effects_max);
        tell(incident, fmt::format("alert {} joined, from {}", alert.name, alert.received_from));
        return;
    }
    Diagnosis only_told;  // Somebody else's word: a reason to look, never a cause.
    only_told.subject = subject;
    only_told.since = alert.starts_at;
    only_told.summary = fmt::format("alert {} from {}", alert.name, alert.received_from);
    only_told.missing = {"a signal of our own about " + subject.kind + "/" + subject.name};
    if (Incident* opened = open_incident(only_told)) opened->alerts.push_back(key);
}

void Loop::State::take(const JournalAck& ack) {
    if (ack.durable == journal_writable) return;
    journal_writable = ack.durable;
    problem = ack.durable ? "" : "the journal can't be written: nothing acts until it can";
    if (ack.durable) {
        for (const auto& [number, incident] : open) touched.insert(number);
        for (const auto& incident : ended) touch(incident);  // Their end may never have reached the disk.
    } else {
        journal_probed_at = now;
    }
    tell_everybody({}, ack.durable ? "the journal can be written again" : problem);
}

Incident* Loop::State::find(std::string_view incident_or_action) {
    const auto id = incident_or_action.substr(0, incident_or_action.find('/'));
    const auto found = std::ranges::find_if(open, [&](const auto& item) { return item.second.id == id; });
    return found == open.end() ? nullptr : &found->second;
}

void Loop::State::take(const OperatorCommand& command) {
    using Kind = OperatorCommand::Kind;
    if (command.kind == Kind::pause) return pause(command);
    if (command.kind == Kind::resume) return resume(command);
    if (command.kind == Kind::roll) return roll(command);
    if (command.kind == Kind::deploy) return deploy(command);
    if (command.kind == Kind::cordon || command.kind == Kind::uncordon) return cordon(command);
    if (command.kind == Kind::verdict_right || command.kind == Kind::verdict_wrong) {
        effects.journal.emplace_back(
            VerdictRow{command.target, command.kind == Kind::verdict_right, command.by, command.reason, now});
        return;
    }
    Incident* incident = find(command.target);
    if (incident == nullptr) {
        effects.notifications.push_back(
            {{}, {}, {}, Notification::Kind::answer, "no open incident or action is called " + command.target, now});
        return;
    }
    if (command.kind == Kind::stop) return stop(*incident, command);
    if (command.kind == Kind::undo) return undo(*incident, command);
    approve(*incident, command);
}

void Loop::State::pause(const OperatorCommand& command) {
    std::erase_if(pauses, [&](const Pause& pause) { return pause.cluster == command.target; });
    pauses.push_back({command.target, command.reason, command.by, now});
    effects.journal.emplace_back(PauseRow{command.target, command.reason, command.by, now, true});
}

// Without a cluster: of all that is paused.
void Loop::State::resume(const OperatorCommand& command) {
    const auto ends = [&](const Pause& pause) { return command.target.empty() || pause.cluster == command.target; };
    for (const Pause& pause : pauses)
        if (ends(pause)) effects.journal.emplace_back(PauseRow{pause.cluster, command.reason, command.by, now, false});
    std::erase_if(pauses, ends);
}

void Loop::State::approve(Incident& incident, const OperatorCommand& command) {
    const bool yes = command.kind == OperatorCommand::Kind::approve;
    // An approval is for the action as it was shown; a newer plan asks anew. Rejected may be whatever is at hand.
    const bool meant = command.target == incident.action_id() || (!yes && command.target == incident.id);
    if (incident.state != IncidentState::waiting_approval || !meant) {
        tell(incident, fmt::format("{} answered {}, which no longer waits for an answer", command.by, command.target));
        return;
    }
    effects.journal.emplace_back(ApprovalRow{incident.action_id(), yes, command.by, command.reason, now});
    if (yes) {
        incident.approved_by = command.by;
        incident.approved_at = now;
        incident.waiting_for.clear();
        set_state(incident, IncidentState::waiting_guard, "approved by " + command.by);
    } else {
        escalate(incident, "rejected", fmt::format("rejected by {}: {}", command.by, command.reason));
    }
}

// A person takes over. What has left can't be called back; nothing more leaves.
void Loop::State::stop(Incident& incident, const OperatorCommand& command) {
    if (incident.state == IncidentState::escalated) return resolve(incident, "closed", "closed by " + command.by);
    escalate(incident, "stopped", fmt::format("stopped by {}: {}", command.by, command.reason));
    incident.left_midway = true;
}

void Loop::State::undo(Incident& incident, const OperatorCommand& command) {
    if (!can_be_undone_now(incident)) {
        tell(incident, fmt::format("{} asked for an undo; it can't be undone from here{}", command.by,
                                   incident.plan ? ": " + incident.current().undo : std::string()));
        return;
    }
    begin_undo(incident, "undo asked for by " + command.by);
}

}  // namespace medic

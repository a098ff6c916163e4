// From a step to an operation and back: refusals, sending, replies, what an outcome leads to.
#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"
#include "remediations/execution/execution.h"

namespace medic {
namespace {

constexpr std::size_t result_bytes_max = 4'096;

// "I17/2/1": 2.
std::uint64_t step_number_of(const std::string& key) { return std::stoull(key.substr(key.find('/') + 1)); }

// "13 s ago" is no other reason than "12 s ago".
std::string without_figures(const std::vector<Refusal>& refusals) {
    std::string text;
    for (const auto& refusal : refusals) text += refusal.guard + ": " + refusal.why + "; ";
    std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
    return text;
}

using NodeRoles = std::map<std::pair<std::string, std::string>, bool>;

// What the step at hand makes of the node that it starts, if it starts one.
void note_role(const Incident& incident, WallTime now, NodeRoles& is_spare, Effects& effects) {
    const auto* start = std::get_if<StartNode>(&incident.current().operation);
    if (start == nullptr) return;
    const auto [known, is_new] = is_spare.try_emplace({incident.cluster, start->node}, start->as_spare);
    if (!is_new && known->second == start->as_spare) return;
    known->second = start->as_spare;
    effects.journal.emplace_back(NodeRoleRow{incident.cluster, start->node, start->as_spare, now});
}

// The step at hand was sent, and again or to be sent again: nothing of it is told any more, and what it was to bring
// about may be of its doing.
bool was_sent_before(const Incident& incident, const std::deque<PastAttempt>& history) {
    return incident.attempt > 1 && std::ranges::any_of(history, [&](const PastAttempt& past) {
               return past.incident == incident.id && step_number_of(past.key) == incident.step_number;
           });
}

}  // namespace

void Loop::State::refused(Incident& incident, const GuardQuestion& question, std::vector<Refusal> refusals) {
    using Kind = Refusal::Kind;
    const auto any = [&](Kind kind) {
        return std::ranges::any_of(incident.refusals, [&](const Refusal& one) { return one.kind == kind; });
    };
    const Step& step = question.step;
    const std::string verdict = verdict_text(std::unexpected(refusals));
    if (step.optional) return left_out(incident, verdict);
    std::string names;
    for (const auto& refusal : refusals) names += fmt::format("{}:{} ", refusal.guard, static_cast<int>(refusal.kind));
    if (without_figures(incident.refusals) != without_figures(refusals))
        touch(incident);  // Whoever looks sees the new.
    incident.refusals = std::move(refusals);
    if (names != incident.last_verdict) {  // The same objection again is not news.
        incident.last_verdict = names;
        decide_on(incident, "guards", verdict, "not now: " + step.text + " — " + verdict, encode_question(question));
        tell(incident, "not now: " + step.text + " — " + verdict);
    }
    if (any(Kind::never)) {
        const bool tried = incident.attempt > 1;
        if (incident.begun) return plan_failed(incident, tried ? Outcome::no_effect : Outcome::cannot_tell, verdict);
        if (!incident.acted || tried) return next_rung(incident, tried ? Rung::tried : Rung::untried, verdict);
        return escalate(incident, "refused", verdict);
    }
    if (any(Kind::observe_only)) {
        if (incident.state == IncidentState::observing) return;
        set_state(incident, IncidentState::observing, "would do: " + incident.plan->summary);
        return notify(incident, Notification::Kind::opened, "would do: " + incident.plan->summary);
    }
    // Nobody is asked to agree to what could not be done yet.
    const bool premature =
        std::ranges::any_of(incident.refusals, [](const Refusal& one) { return one.guard == "fresh-facts"; });
    if (any(Kind::needs_approval) && !premature) {
        if (incident.state == IncidentState::waiting_approval) return;
        incident.waiting_for = incident.diagnosis.owner.empty() ? "on call" : incident.diagnosis.owner;
        set_state(incident, IncidentState::waiting_approval,
                  "waiting for " + incident.waiting_for + " to approve " + incident.action_id());
        return notify(incident, Notification::Kind::approval_needed,
                      incident.action_id() + ": " + incident.plan->summary);
    }
    set_state(incident, IncidentState::waiting_guard, {});
}

Duration Loop::State::reply_max(const Step& step) const { return step.timeout + options.reply_grace; }

void Loop::State::send(Incident& incident, Permit permit) {
    const Step step = permit.step();
    incident.key = permit.key();
    incident.baseline = read_facts(step.expectation.worse_if, book);
    incident.step_acted_at = now;
    incident.deadline = now + reply_max(step);
    incident.holds_since.reset();
    incident.not_before.reset();
    if (!incident.begun && incident.plan->quarantine) put_into_quarantine(incident, *incident.plan->quarantine);
    incident.begun = true;
    if (!step.only_asks) {
        incident.acted = true;
        if (incident.acted_at.unix_ms == 0) incident.acted_at = now;
    }
    incident.yielded = false;
    incident.already_so = all_hold(signs_of(step), book, context()).truth == Truth::yes;
    if (const std::string* id = ended_job(step.operation)) {
        incident.stopped_job = step.job;
        incident.stopped_job_id = *id;
    }
    if (std::holds_alternative<StopJobWithSavepoint>(step.operation)) leave_earlier_savepoints(incident, step.job);
    // Once another one runs in its place, nobody else remembers where it came from.
    if (step.restore_from_own_savepoint) incident.savepoint = std::get<StartDeployment>(step.operation).restore_from;
    if (!step.only_asks)  // A question spends no budget and needs no rest after it.
        history.push_back({incident.key, incident.id, incident.cluster, step.remedy, step.cause,
                           incident.diagnosis.subject, step.subject, now, incident.undoing, false,
                           taken_node(step.operation) != nullptr && !step.serves_nobody});
    record_attempt(incident, "intended", {});
    effects.operations.push_back(to_operation(std::move(permit)));
    set_state(incident, IncidentState::acting, step.text);
    notify(incident, Notification::Kind::acted, step.text);
}

// What is known by now, be it that an earlier try has answered it, is not where the one at hand ends the job.
void Loop::State::leave_earlier_savepoints(Incident& incident, const Subject& job) {
    constexpr std::size_t kept_max = 64;  // More than an incident's plans may ask for.
    const Fact* path = book.latest({job, "savepoint_path"});
    for (const std::string& known : {incident.savepoint, path == nullptr ? std::string() : path->text})
        if (!known.empty()) add_bounded(incident.savepoints_before, known, kept_max);
    incident.savepoint.clear();
}

void Loop::State::put_into_quarantine(const Incident& incident, const Quarantine& bad) {
    for (const std::string& version : {bad.version, bad.artifact}) {
        if (version.empty()) continue;
        quarantined.insert({bad.cluster, bad.job, version});
        effects.journal.emplace_back(QuarantineRow{bad.cluster, bad.job, version, incident.id, now});
    }
}

void Loop::State::record_attempt(const Incident& incident, std::string state, std::string result) {
    const Step step = prepared(incident);
    result.resize(std::min(result.size(), result_bytes_max));
    effects.journal.emplace_back(AttemptRow{
        .key = incident.key,
        .incident = incident.id,
        .cluster = incident.cluster,
        .remedy = step.remedy,
        .cause = step.cause,
        .diagnosed = to_string(incident.diagnosis.subject),
        .target = to_string(step.subject),
        .operation =
            described(Operation{.key = incident.key, .cluster = incident.cluster, .body = step.operation}, step),
        .approved_by = incident.approved_by,
        .undo = incident.undoing,
        .state = state,
        .result = std::move(result),
        .intended_at = incident.step_acted_at,
        .finished_at = state == "intended" ? WallTime{} : now});
}

void Loop::State::take(const OperationReply& reply) {
    Incident* incident = find(reply.key);
    if (incident == nullptr || incident->key != reply.key) return;  // Late: that attempt is history.
    if (incident->state != IncidentState::acting && incident->state != IncidentState::probing) return;
    if (reply.detail) return replied(*incident, *reply.detail, "done: " + incident->current().text);
    const Error& error = reply.detail.error();
    if (error.code == ErrorCode::outcome_unknown) {
        if (incident->state == IncidentState::probing) return;
        record_attempt(*incident, "unknown", error.message);
        return set_state(*incident, IncidentState::probing, "outcome unknown: " + error.message);
    }
    const bool not_sent = error.message.starts_with("not sent");
    record_attempt(*incident, not_sent ? "not-sent" : "failed", error.message);
    if (not_sent) changed_nothing(*incident, false);
    if (ended_job(incident->current().operation)) incident->stopped_job = {};  // Refused: it did not happen.
    if (error.code == ErrorCode::invalid)
        return plan_failed(*incident, Outcome::no_effect, incident->current().text + ": " + error.message);
    retry(*incident, incident->current().text + ": " + error.message);
}

// The attempt at hand has changed nothing: it never left, or facts say that it did not happen. A plan of which nothing
// else was done has not begun: an agreement that has grown old meanwhile must be given anew. What has left spends its
// budget and sets its cool-down all the same.
void Loop::State::changed_nothing(Incident& incident, bool left) {
    const auto at_hand = std::ranges::find(history, incident.key, &PastAttempt::key);
    if (at_hand != history.end()) {
        if (left) {
            at_hand->not_done = true;
        } else {
            history.erase(at_hand);
        }
    }
    // Nothing of this incident has ever left: when its cause goes away, so does it.
    if (!left && incident.tried.empty() &&
        std::ranges::find(history, incident.id, &PastAttempt::incident) == history.end())
        incident.acted = false;
    if (ended_job(incident.current().operation)) incident.stopped_job = {};
    if (incident.undoing) return;  // What it takes back was done.
    incident.begun = has_done_something(incident);
}

// Of the plan at hand.
bool Loop::State::has_done_something(const Incident& incident) const {
    const auto plan_begins_at = incident.step_number - incident.step;
    return std::ranges::any_of(history, [&](const PastAttempt& past) {
        return past.incident == incident.id && step_number_of(past.key) >= plan_begins_at && !past.not_done;
    });
}

void Loop::State::replied(Incident& incident, const std::string& detail, const std::string& how) {
    const Step& step = incident.current();
    record_attempt(incident, "replied", detail);
    if (std::holds_alternative<StopJobWithSavepoint>(step.operation) && !detail.empty()) incident.savepoint = detail;
    note_role(incident, now, node_is_spare, effects);
    incident.step_acted_at = now;
    if (step.only_asks) {
        for (std::string_view rest = detail; !rest.empty();) {
            const auto end = std::min(rest.find('\n'), rest.size());
            tell(incident, std::string(rest.substr(0, end)));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return step_done(incident, how);
    }
    set_state(incident, IncidentState::verifying, how);
}

// A step that only saves time is not tried twice and spoils no plan.
void Loop::State::left_out(Incident& incident, const std::string& why) {
    step_done(incident, "left out: " + incident.current().text + ": " + why);
}

void Loop::State::retry(Incident& incident, const std::string& why) {
    if (incident.current().optional) return left_out(incident, why);
    if (incident.current().once) return plan_failed(incident, Outcome::no_effect, why);
    const auto limits = question_about(incident, incident.current()).policy.limits;
    const int doublings = std::min(incident.attempt - 1, 20);
    const Duration pause = std::min(limits.backoff * (std::int64_t{1} << doublings), limits.backoff_max);
    ++incident.attempt;
    incident.yielded = true;
    incident.not_before = now + pause;
    incident.holds_since.reset();
    incident.last_verdict.clear();
    set_state(incident, IncidentState::waiting_guard, why);
}

void Loop::State::begin_step(Incident& incident, std::size_t step) {
    incident.step = step;
    ++incident.step_number;
    incident.attempt = 1;
    incident.not_before.reset();
    incident.holds_since.reset();
    incident.last_verdict.clear();
    set_state(incident, IncidentState::waiting_guard, {});
    incident.state_since = now;
    touch(incident);
}

void Loop::State::step_done(Incident& incident, const std::string& why) {
    tell(incident, why);
    if (was_sent_before(incident, history)) note_role(incident, now, node_is_spare, effects);
    const auto& steps = incident.steps();
    const std::size_t next = incident.step + 1;
    const bool only_tidying_left = std::all_of(steps.begin() + static_cast<std::ptrdiff_t>(next), steps.end(),
                                               [](const Step& step) { return step.after_heal; });
    const bool mends = incident.plan->left_to_person.empty();
    if (only_tidying_left && mends && !incident.undoing && incident.healed_at.unix_ms == 0) {
        incident.healed_at = now;
        const bool asked_for = !incident.requested_by.empty();
        incident.outcome = asked_for ? "done" : "healed";
        notify(incident, Notification::Kind::healed,
               fmt::format("{} — {}: {}", incident.diagnosis.summary, incident.outcome, incident.plan->summary));
    }
    if (next < steps.size()) return begin_step(incident, next);
    plan_ended(incident);
}

void Loop::State::plan_ended(Incident& incident) {
    const bool undone = incident.undoing;
    incident.begun = false;
    if (undone)
        return escalate(incident, "undone",
                        "what was done has been taken back" +
                            std::string(incident.requested_by.empty() ? "; the cause remains: " : ": ") +
                            incident.diagnosis.summary);
    if (!incident.plan->left_to_person.empty()) {
        incident.hoped_for = incident.plan->over_when;
        return escalate(incident, "paused", incident.plan->left_to_person);
    }
    incident.seen_gone = false;
    set_state(incident, IncidentState::healed, "healed");
}

void Loop::State::plan_failed(Incident& incident, Outcome outcome, const std::string& why) {
    if (incident.current().optional) return left_out(incident, why);
    tell(incident, why);
    if (incident.current().after_heal &&
        incident.healed_at.unix_ms != 0) {  // The fault is over; only the tidying is left to a person.
        notify(incident, Notification::Kind::escalated, "healed, but not tidied up: " + why);
        return plan_ended(incident);
    }
    incident.outcome = to_string(outcome);
    if (incident.undoing) return escalate(incident, "worse", "undoing has failed: " + why);
    if (can_be_undone(incident)) return begin_undo(incident, why);
    if (outcome == Outcome::no_effect) return next_rung(incident, Rung::tried, why);
    escalate(incident, incident.outcome, why);
}

void Loop::State::begin_undo(Incident& incident, const std::string& why) {
    incident.undoing = true;
    incident.begun = true;
    incident.left_midway = incident.may_still_come = false;
    incident.healed_at = {};
    if (incident.plan->quarantine_when_undone) put_into_quarantine(incident, *incident.plan->quarantine_when_undone);
    tell(incident, "taking it back: " + why);
    begin_step(incident, 0);
}

}  // namespace medic

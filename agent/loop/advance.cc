// What one incident does next, by its state.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"
#include "remediations/planning/dry_run.h"

namespace medic {
namespace {

// How long what an operation has asked for may come after its request has ended. Flink gives a savepoint ten minutes
// (execution.checkpointing.timeout).
constexpr Duration savepoint_comes_max{15 * 60'000};
// Before a started job is listed anywhere its main() runs to its end, and that may wait for a troubled Kafka
// (default.api.timeout.ms, 60 s) or a catalogue. With the request itself: three minutes since it was sent.
constexpr Duration start_comes_max{2 * 60'000};

// States that people bring about on purpose: what is in one of them is not ours to wait for.
bool ended_on_purpose(const std::string& state) {
    constexpr std::array states{"CANCELED", "FINISHED", "PAUSED", "STOPPED"};
    return std::ranges::find(states, state) != states.end();
}

// From which of its states a job would be started anew.
bool is_about_state(const Condition& one) {
    return one.fact.name == "checkpoint_path" || one.fact.name == "savepoint_path";
}

bool starts_job(const Step& step) { return std::holds_alternative<StartDeployment>(step.operation); }

Duration comes_max(const Step& step) { return starts_job(step) ? start_comes_max : savepoint_comes_max; }

// While these hold, what the step has asked for may still come although its request has ended. A large state is written
// for longer than any request may take; meanwhile Flink begins no other checkpoint. Nothing shows that a start is under
// way: that one is given time.
std::vector<Condition> comes_while(const Step& step) {
    if (!std::holds_alternative<StopJobWithSavepoint>(step.operation)) return {};
    return {at_least(step.job, "flink_checkpoints_in_progress", 1)};
}

}  // namespace

const std::vector<Condition>& signs_of(const Step& step) {
    return step.done.empty() ? step.expectation.all : step.done;
}

// The job that we had ended lives, by our own start or somebody else's: if it is found ended again, that was not us.
void Loop::State::notice_living_job(Incident& incident) {
    if (incident.stopped_job.kind.empty()) return;
    const FactKey key{incident.stopped_job, "flink_job_state"}, id_key{incident.stopped_job, "id"};
    want(key);
    want(id_key);
    if (incident.plan && ended_job(incident.current().operation)) return;  // It lives until that takes effect.
    constexpr std::array alive{"CREATED", "INITIALIZING", "RUNNING", "RESTARTING", "FAILING"};
    const Fact* state = book.latest(key);
    const Fact* id = book.latest(id_key);
    // Another id: it was started and has ended while nobody looked.
    const bool another =
        id != nullptr && !id->text.empty() && !incident.stopped_job_id.empty() && id->text != incident.stopped_job_id;
    if (another || (state != nullptr && std::ranges::find(alive, state->text) != alive.end())) {
        incident.stopped_job = {};
        touch(incident);  // The next agent must not take it for ours either.
    }
}

void Loop::State::advance(Incident& incident) {
    notice_living_job(incident);
    switch (incident.state) {
        case IncidentState::diagnosing: return diagnose(incident);
        case IncidentState::planning: return plan(incident);
        case IncidentState::waiting_guard:
        case IncidentState::waiting_approval:
        case IncidentState::observing: return wait(incident);
        case IncidentState::acting: return expect_reply(incident);
        case IncidentState::probing: return probe(incident);
        case IncidentState::verifying: return check(incident);
        case IncidentState::healed: return watch_healed(incident);
        case IncidentState::escalated: return watch_escalated(incident);
        case IncidentState::resolved: return;
    }
}

// Looked for and not there, for a while, by an agent that sees. An alert that still fires keeps its incident.
bool Loop::State::is_gone(const Incident& incident) const {
    if (blind() || *sight.reported_at <= incident.last_reported_at) return false;
    if (now - incident.last_reported_at < options.gone_after) return false;
    return std::ranges::none_of(incident.alerts, [&](const auto& key) { return alerts.contains(key); });
}

void Loop::State::diagnose(Incident& incident) {
    if (is_gone(incident)) return resolve(incident, "went_away", "it is no longer reported");
    const Diagnosis& diagnosis = incident.diagnosis;
    if (!diagnosis.abstains() && diagnosis.confidence >= options.confidence_min) {
        if (incident.detected_at.unix_ms == 0) incident.detected_at = now;
        if (diagnosis.remedies.empty())
            return escalate(incident, "no_remedy",
                            "no remedy is known for " + diagnosis.cause + ": " + diagnosis.summary);
        if (incident.requested_by.empty() && recurs(incident))
            return escalate(incident, "recurs",
                            fmt::format("{} of {} was healed {} times and comes back: healing does not end it",
                                        diagnosis.cause, diagnosis.subject.name, options.recurrence_max));
        return set_state(incident, IncidentState::planning,
                         fmt::format("cause: {} (confidence {:.2f}, {})", diagnosis.cause, diagnosis.confidence,
                                     to_string(diagnosis.side)));
    }
    if (now - incident.state_since < options.undiagnosed_max) return;
    std::string missing;
    for (const auto& what : diagnosis.missing) missing += (missing.empty() ? "; missing: " : ", ") + what;
    escalate(incident, "cannot_tell",
             (diagnosis.abstains() ? "no cause could be told: " : "not sure enough: ") + diagnosis.summary + missing);
}

bool Loop::State::recurs(const Incident& incident) const {
    std::set<std::string> before;
    for (const auto& past : history)
        if (past.diagnosed == incident.diagnosis.subject && past.cause == incident.diagnosis.cause &&
            past.incident != incident.id && now - past.at <= options.recurrence_window)
            before.insert(past.incident);
    return before.size() >= static_cast<std::size_t>(options.recurrence_max);
}

// Of this step and of those to come, so that no step waits for a look-up.
void Loop::State::want_plan(const Incident& incident) {
    const auto& steps = incident.steps();
    want_what_runs_there(incident);
    for (std::size_t i = incident.step; i < steps.size(); ++i) {
        const Step& step = steps[i];
        for (const auto* conditions : {&step.precondition, &step.skip_if, &step.done, &step.expectation.all,
                                       &step.expectation.any, &step.expectation.worse_if, &step.expectation.in_vain_if})
            want(*conditions);
        want(comes_while(step));
        if (const std::string* node = taken_node(step.operation))
            for (const FactKey& key : facts_before_taking(incident, *node)) want(key);
        if (!step.job.kind.empty()) want({step.job, "flink_job_state"});
        if (step.restore_from_own_savepoint) want({step.job, "savepoint_path"});
        if (ended_job(step.operation) != nullptr) want({step.job, "id"});
    }
}

bool Loop::State::answered(const Incident& incident, const Step& step) const {
    const auto heard = [&](const Condition& condition) { return book.latest(condition.fact) != nullptr; };
    // What was last looked up for another incident may be long past: a node that is back would count as missing.
    const auto known_now = [&](const FactKey& key) {
        return book.fresh(key, now, guard_facts_age_max) != nullptr || book.answered_since(key, incident.state_since);
    };
    if (const std::string* node = taken_node(step.operation))
        if (!std::ranges::all_of(facts_before_taking(incident, *node), known_now)) return false;
    // Nobody looks at them between the steps of a plan and those that take it back.
    if (const std::string* id = ended_job(step.operation); id != nullptr && id->empty())
        if (!known_now({step.job, "id"})) return false;
    // What is known before the job is ended is not where it ends; and Flink tells of an end from a cache at first.
    if (std::holds_alternative<StopJobWithSavepoint>(step.operation) && !known_now({step.job, "savepoint_path"}))
        return false;
    if (step.restore_from_own_savepoint && std::get<StartDeployment>(step.operation).restore_from.empty()) return false;
    return std::ranges::all_of(step.precondition, heard) && std::ranges::all_of(step.skip_if, heard) &&
           (step.job.kind.empty() || book.latest({step.job, "flink_job_state"}) != nullptr);
}

// Nothing of the plan was done yet, and what it would start the job from is not the job's newest state any more.
bool Loop::State::has_moved_on(const Incident& incident, const Step& step) const {
    if (incident.undoing || has_done_something(incident)) return false;
    return std::ranges::any_of(step.precondition, [&](const Condition& one) {
        return is_about_state(one) && holds(one, book, context()) == Truth::no;
    });
}

// Planned anew only once nothing else speaks against it: what waits for a person's answer, or for a guard, stays as it
// was shown.
void Loop::State::follow_job(Incident& incident, Step step) {
    std::erase_if(step.precondition, is_about_state);
    const auto question = question_about(incident, step);
    if (auto judgement = guards.judge(question); !judgement)
        return refused(incident, question, std::move(judgement.error()));
    plan_anew(incident);
}

// A step is ready: skip it when there is nothing to do, else ask the guards.
void Loop::State::wait(Incident& incident) {
    if (!incident.acted && is_gone(incident)) return resolve(incident, "went_away", "it is no longer reported");
    const Step step = prepared(incident);
    want_plan(incident);
    if (is_dry_run(incident.diagnosis) && !step.only_asks) return preview(incident);
    // Asked for a moment ago: a refusal for want of an answer would only be noise.
    if (now - incident.state_since < options.plan_facts_max && !answered(incident, step)) return;
    if (!step.skip_if.empty() && all_hold(step.skip_if, book, context()).truth == Truth::yes)
        return step_done(incident, "nothing to do: " + step.text);
    if (incident.attempt > 1 && !step.only_asks) {  // It may have come about late, or with somebody else's help.
        const auto since = as_expected(step.expectation, book, context(incident.step_acted_at));
        if (since.truth == Truth::yes && !step.expectation.cause_gone)
            return step_done(incident, "as expected after all: " + step.text);
    }
    if (incident.state == IncidentState::waiting_guard && now - incident.state_since >= options.guard_wait_max) {
        std::string why;
        for (const auto& refusal : incident.refusals)
            why += (why.empty() ? "" : "; ") + refusal.guard + ": " + refusal.why;
        return escalate(incident, "refused", "guards have refused for too long: " + why);
    }
    if (has_moved_on(incident, step)) return follow_job(incident, step);
    const auto question = question_about(incident, step);
    auto judgement = guards.judge(question);
    if (!judgement) return refused(incident, question, std::move(judgement.error()));
    if (step.restore_from_own_savepoint && std::get<StartDeployment>(step.operation).restore_from.empty())
        return escalate(incident, "cannot_tell",
                        "the job is stopped and the path of its savepoint is not known: look into the savepoints "
                        "folder, then start it from there");
    if (const std::string* id = ended_job(step.operation); id != nullptr && id->empty())
        return escalate(incident, "cannot_tell", "the id of the job to stop is not known: " + step.text);
    incident.refusals.clear();
    incident.last_verdict.clear();
    decide_on(incident, "guards", verdict_text(judgement), "permitted: " + step.text, encode_question(question));
    send(incident, std::move(*judgement));
}

void Loop::State::expect_reply(Incident& incident) {
    want_plan(incident);
    if (now < incident.deadline) return;
    record_attempt(incident, "unknown", "no reply in time");
    set_state(incident, IncidentState::probing, "no reply to " + incident.key + " in time: looking at facts");
}

// Whether the operation's effect may be on its way although its request has ended.
Truth Loop::State::still_comes(const Incident& incident, const Step& step) const {
    if (starts_job(step)) return now < incident.deadline + comes_max(step) ? Truth::yes : Truth::no;
    const std::vector<Condition> signs = comes_while(step);
    return signs.empty() ? Truth::no : all_hold(signs, book, context(incident.deadline)).truth;
}

// Did it happen? Only facts observed since can tell. "No" counts only once the operation can no longer be on its way.
void Loop::State::probe(Incident& incident) {
    const Step& step = incident.current();
    const auto& signs = signs_of(step);
    want_plan(incident);
    if (!incident.already_so && all_hold(signs, book, context(incident.step_acted_at)).truth == Truth::yes)
        return replied(incident, {}, "facts say that it happened: " + step.text);
    if (now < incident.deadline) return;
    if (step.idempotent)
        return retry(incident, "whether it happened is not known, and it may be sent again: " + step.text);
    const auto after = all_hold(signs, book, context(incident.deadline));
    const Truth comes = still_comes(incident, step);
    if (comes == Truth::yes && now < incident.deadline + comes_max(step)) return;
    if (after.truth == Truth::no && comes == Truth::no) {
        record_attempt(incident, "not-done", "facts say that it did not happen");
        changed_nothing(incident, true);
        return retry(incident, "facts say that it did not happen: " + step.text);
    }
    if (now < incident.deadline + options.probe_max) return;
    escalate(incident, "cannot_tell", "it is not known whether this happened: " + step.text + " (" + after.why + ")");
}

void Loop::State::check(Incident& incident) {
    const Step& step = incident.current();
    want_plan(incident);
    want_soon(step.expectation.all);
    want_soon(step.expectation.any);
    VerificationQuestion question{.expectation = &step.expectation,
                                  .book = &book,
                                  .baseline = incident.baseline,
                                  .acted_at = incident.step_acted_at,
                                  .now = now,
                                  .holds_since = incident.holds_since,
                                  .cause_present = {}};
    if (sight.reported_at && *sight.reported_at > incident.step_acted_at && !blind())
        question.cause_present = present.contains(key_of(incident.diagnosis));
    const auto verdict = verify(question);
    incident.holds_since = verdict.holds_since;
    if (verdict.outcome == Outcome::pending) return;
    std::string facts;
    for (const auto& fact : verdict.facts)
        facts += fmt::format("{}{}/{} {}={}{} at {}", facts.empty() ? "" : "; ", fact.subject.kind, fact.subject.name,
                             fact.name, fact.text,
                             fact.value ? fmt::format("{}", *fact.value) : (fact.text.empty() ? "?" : ""),
                             fact.observed_at.unix_ms);
    decide_on(incident, "verification", std::string(to_string(verdict.outcome)),
              step.text + ": " + verdict.text + " [" + facts + "]");
    switch (verdict.outcome) {
        case Outcome::healed: return step_done(incident, step.text + ": " + verdict.text);
        case Outcome::no_effect: return had_no_effect(incident, step.text + ": no effect, " + verdict.text);
        case Outcome::worse: return plan_failed(incident, Outcome::worse, step.text + ": " + verdict.text);
        default: break;
    }
    if (step.after_heal || step.optional)
        return plan_failed(incident, Outcome::cannot_tell, step.text + ": " + verdict.text);
    escalate(incident, "cannot_tell", step.text + ": whether it helped can't be told: " + verdict.text);
}

// Tried again where that can change anything: not where it is done, and a second try would be refused or find nothing
// to do. What can't be taken back is waited for all the same (a broker that recovers its logs), and so is a job that
// still restores its state.
void Loop::State::had_no_effect(Incident& incident, const std::string& why) {
    const Step& step = incident.current();
    const auto is = [&](const std::vector<Condition>& conditions, Truth truth) {
        return all_hold(conditions, book, context()).truth == truth;
    };
    const Fact* state = step.job.kind.empty() ? nullptr : book.latest({step.job, "flink_job_state"});
    const bool is_done = is(signs_of(step), Truth::yes) && (state == nullptr || state->text == "RUNNING");
    const bool again_in_vain =
        is(step.precondition, Truth::no) || (!step.skip_if.empty() && is(step.skip_if, Truth::yes));
    if (is_done && again_in_vain && can_be_undone(incident)) return plan_failed(incident, Outcome::no_effect, why);
    retry(incident, why);
}

void Loop::State::watch_healed(Incident& incident) {
    if (is_gone(incident))
        return resolve(incident, "healed",
                       incident.requested_by.empty() ? "healed, and the cause is no longer reported"
                                                     : "all that was asked for is done");
    if (now - incident.state_since >= options.still_reported_max)
        escalate(incident, "still_reported",
                 "every step had its effect, yet the cause is still reported: " + incident.diagnosis.summary);
}

// Is what was hoped for so, or not wanted any more? A cause that is no longer reported may have gone with what we did
// (the lost node is back) and have left the harm (the job still does not run). What we have ended ourselves is still
// wanted.
Truth Loop::State::is_over(const Incident& incident) const {
    Truth result = Truth::yes;
    for (const auto& condition : incident.hoped_for) {
        const Truth one = holds(condition, book, context());
        if (one == Truth::unknown) result = Truth::unknown;
        if (one != Truth::no) continue;
        const bool ours = condition.fact.subject == incident.stopped_job || incident.outcome == "paused";
        if (ours || !ended_on_purpose(book.latest(condition.fact)->text)) return Truth::no;
    }
    return result;
}

// What a person was told may still come keeps others away until it has come, or is seen not to.
void Loop::State::watch_what_comes(Incident& incident) {
    if (!incident.may_still_come) return;
    const Step& step = incident.current();
    want(comes_while(step));
    want(signs_of(step));
    const bool has_come =
        !incident.already_so && all_hold(signs_of(step), book, context(incident.step_acted_at)).truth == Truth::yes;
    const bool in_time = now < incident.deadline + comes_max(step);
    if (!has_come && in_time && still_comes(incident, step) != Truth::no) return;
    incident.may_still_come = false;
    touch(incident);
}

void Loop::State::watch_escalated(Incident& incident) {
    watch_what_comes(incident);
    if (incident.left_midway) return;  // A plan was left in the middle: only a person can say that it is over.
    want(incident.hoped_for);
    if (!is_gone(incident)) return;
    const Truth over = is_over(incident);
    if (over == Truth::no) return;
    // What can't be looked up keeps an incident for a while, not for ever: the job may have been deleted. Not so what
    // we have ended ourselves: Flink forgets an ended job after an hour (jobstore.expiration-time), and it is still
    // wanted.
    // Since it was given to a person it has been looked up for the first time.
    const WallTime known_from = std::max(incident.last_reported_at, incident.state_since);
    const bool waits = !incident.stopped_job.kind.empty() || now - known_from < options.still_reported_max;
    if (over == Truth::unknown && waits) return;
    resolve(incident, "went_away", "it is no longer reported");
}

}  // namespace medic

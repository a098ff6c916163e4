// An incident: one root cause in one cluster, from first evidence to its end, with everything that was decided and why.
// A value: the loop owns the live one, the API gets copies, the journal keeps it as text (incident_codec.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "classifiers/diagnosis/diagnosis.h"
#include "remediations/planning/plan.h"

namespace medic {

enum class IncidentState : std::uint8_t {
    diagnosing,        // Something is wrong; no cause is sure enough yet.
    planning,          // A cause; facts for the remedy are being looked up.
    waiting_guard,     // A plan; a guard objects, see `refusals`.
    waiting_approval,  // A plan; a named person must agree.
    observing,         // The policy says observe: what would be done is recorded, nothing is.
    acting,            // An operation is on its way.
    probing,           // An operation's outcome is unknown: facts must tell.
    verifying,         // Done; does it help?
    healed,            // As expected; the cause may still be reported for a while.
    escalated,         // A person must act.
    resolved,          // Ended.
};
[[nodiscard]] std::string_view to_string(IncidentState state);

struct StoryLine {
    WallTime at;
    std::string text;
};

struct Incident {
    std::string id;  // I17
    std::string cluster;
    IncidentState state = IncidentState::diagnosing;
    Diagnosis diagnosis;                       // The newest one; an abstention while the cause is unknown.
    std::vector<std::string> causes_before{};  // What it was taken for earlier, newest last.
    std::string requested_by{};                // Nothing is wrong: this person has asked for it. "": it was diagnosed.
    std::string
        outcome;  // healed | no_effect | worse | cannot_tell | went_away | rejected | … once ended or escalated.
    std::string waiting_for;  // The person or team that must act or agree; "" when nobody.

    // Times, wall; unix_ms 0: not yet. Time to detect = detected_at − opened_at, to recover = healed_at − opened_at.
    WallTime opened_at;    // First evidence.
    WallTime noticed_at;   // This agent, or the one before its restart, has made an incident of it.
    WallTime detected_at;  // The cause was named.
    WallTime acted_at;     // First operation was decided.
    WallTime healed_at, resolved_at;
    WallTime state_since, last_reported_at;  // The cause was last in a report.

    std::string first_failure;         // The first exception of the episode, kept when a later one masks it.
    std::vector<std::string> effects;  // Symptoms, subjects and diagnoses that this cause explains.
    std::vector<std::string> alerts;   // Fingerprints that joined.
    std::vector<StoryLine> story;      // What happened and why, for a person.
    std::vector<Refusal> refusals;     // Of the last judgement.

    // The ladder of remedies, and the plan at hand.
    std::size_t ladder = 0;            // Index into diagnosis.remedies.
    std::size_t plans = 0;             // Made so far.
    std::vector<std::string> tried;    // Remedies of the ladder that were acted on and did not help.
    std::vector<std::string> untried;  // Those that were not, and why: "flink.x: no spare is ready".
    std::vector<Condition> hoped_for;  // What the newest tried remedy was for: states of things, as its plan said.
    std::optional<Plan> plan;
    bool undoing = false;                 // Running plan->undo_steps.
    bool begun = false;                   // An operation of this plan was decided: the cluster is ours until it ends.
    bool acted = false;                   // Any operation of any plan was decided.
    bool seen_gone = false;               // Healed, and a report since did not name the cause: its return is a relapse.
    bool left_midway = false;             // Escalated in the middle of a plan: only a person ends it.
    bool may_still_come = false;          // Escalated, and what it asked for may still take effect: others wait.
    bool yielded = false;                 // Backs off after a step without effect: others of its cluster may act.
    bool already_so = false;              // What the operation brings about was so before it was sent.
    Subject stopped_job{};                // We have ended it, and it was not seen alive since; empty kind: none.
    std::string stopped_job_id;           // Its id then; "" = not known.
    std::size_t step = 0;                 // Index into the steps of the plan at hand.
    std::uint32_t step_number = 0;        // Counts every step of every plan of this incident: the middle of a key.
    int attempt = 0;                      // Of this step: the end of a key.
    std::string key;                      // Of the operation on its way: I17/2/1.
    WallTime step_acted_at, deadline;     // When it was decided; when its outcome must be known.
    std::optional<WallTime> not_before;   // Back-off.
    std::optional<WallTime> holds_since;  // The expectation has held since.
    std::vector<Fact> baseline;           // Taken before the act.
    std::string savepoint;                // The newest one that this incident has taken.
    std::vector<std::string> savepoints_before;  // Known when it asked for one: none of them is what came of that.
    bool moved_on = false;  // It is planned anew because its job is in a newer state. Not kept over a restart.
    std::string approved_by;
    WallTime approved_at;
    std::string last_verdict;  // Of the guards, so that a repeated refusal is journaled once.

    [[nodiscard]] bool ended() const { return state == IncidentState::resolved; }
    [[nodiscard]] const std::vector<Step>& steps() const { return undoing ? plan->undo_steps : plan->steps; }
    [[nodiscard]] const Step& current() const { return steps()[step]; }
    // What people approve, reject, stop and undo: "I17/2", incident and step.
    [[nodiscard]] std::string action_id() const { return id + "/" + std::to_string(step_number); }
};

}  // namespace medic

// The core: level-triggered and sans-I/O. Inputs in, effects out; same inputs, same effects. It reads no clock, opens
// no file, knows no thread. Each tick reconciles what is with what should be, so what began while the agent was down is
// found on the next.
//
// The caller (agent/daemon, or the simulation), on its core thread:
//   Effects effects = loop.tick(now, inputs);
//   sequence = journal.append(effects.journal);            // Then flush(), and send the ack back as an Input.
//   outbox.hold(sequence, effects.operations);             // They leave after the ack (remediations/execution).
//   look up effects.fact_requests and answer every one with a Fact, unknown ones too, as an Input (agent/store/fact.h
//   says how); send an OperationsUnderWay and a DiagnosisReport after every evaluation, a TimerTick at least every
//   second.
// The fact {agent/"pause-file", "pause_file"} is 1 while a PAUSE file is in the data folder; without an answer nothing
// acts.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/loop/incident.h"
#include "agent/loop/input.h"
#include "agent/store/fact_book.h"
#include "agent/world/operation.h"
#include "remediations/guards/guards.h"
#include "remediations/guards/policy.h"
#include "remediations/journal/journal.h"
#include "remediations/planning/planner.h"

namespace medic {

[[nodiscard]] inline FactKey pause_file_key() { return {{"", "agent", "pause-file"}, "pause_file"}; }

struct LoopOptions {
    Policy policy;                      // Default: nothing may act.
    std::vector<Remedy> remedies;       // remedies::all_remedies()
    std::vector<Guard> guards;          // guards::all_guards()
    std::vector<ClusterInfo> clusters;  // What medic.yaml says exists.
    std::string behaviour{};        // Policy, rules and program as one hash: Policy::rollout counts from its change.
    bool several_agents = false;    // Nothing acts before ActingAgents says that this one may …
    bool on_several_hosts = false;  // … and what nobody fences, and may not happen twice, needs a person.

    double confidence_min = 0.7;                // Below it a cause is shown, not acted upon (kubernaut asks below 0.8).
    Duration undiagnosed_max{60'000};           // Without a cause for so long: a person is told.
    Duration plan_facts_max{20'000};            // Facts that a remedy needs must come within it.
    Duration gone_after{5'000};                 // A cause that no report names for so long has ended.
    Duration guard_wait_max{30 * 60'000};       // Refused for so long: a person is told.
    Duration reply_grace{5'000};                // On top of an operation's own time-out.
    Duration probe_max{30'000};                 // Facts must tell an unknown outcome within it.
    Duration still_reported_max{10 * 60'000};   // Healed, and the cause is still reported: a person is told.
    Duration recurrence_window{4 * 3'600'000};  // The same cause for the same subject healed this often …
    int recurrence_max = 5;                     // … in the window: a person is told (kubernaut: 5 in 4 h).
    Duration clock_step_min{5'000};             // Wall and monotonic time differ by more between two ticks: a step.
    Duration history{24 * 3'600'000};           // Attempts remembered for cool-downs, budgets and recurrence.

    std::size_t incidents_open_max = 1'000;  // Diagnoses beyond it wait, and are counted.
    std::size_t ended_kept_max = 100;        // For the API; older ones are in the journal.
    std::size_t story_lines_max = 200;       // Per incident.
    std::size_t effects_max = 100;           // Per incident.
    std::size_t alerts_max = 10'000;
    std::size_t history_max = 10'000;
    std::size_t replans_max = 20;  // Plans per incident, before a person is told.
};

struct Notification {
    std::string incident, cluster, owner;
    // agent: of the agent itself, for everybody. answer: to an operator's command, for the log only.
    enum class Kind : std::uint8_t { opened, approval_needed, acted, healed, escalated, resolved, agent, answer };
    Kind kind = Kind::opened;
    std::string text;
    WallTime at;
};

struct Effects {
    std::vector<JournalEntry> journal;
    std::vector<Operation> operations;  // Each waits for the sequence that Journal::append gives for `journal`.
    std::vector<Notification> notifications;
    std::vector<FactKey> fact_requests;      // Wanted until the next tick says otherwise; sorted, no doubles.
    std::vector<FactKey> stale_facts;        // Of steps under verification, and not seen lately: to be read sooner.
    std::vector<Incident> incident_updates;  // Every incident that changed in this tick.
};

struct LoopHealth {
    bool acting = true;  // False: the journal failed, see `problem`.
    std::string problem;
    std::uint64_t ticks = 0, diagnoses_dropped = 0, alerts_dropped = 0;
    std::size_t incidents_open = 0, facts = 0;
};

class Loop {
public:
    // `restored` is Journal::load's; what was in flight is probed by facts, never blindly sent again.
    Loop(LoopOptions options, const JournalState& restored);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    [[nodiscard]] Effects tick(Now now, std::span<const Input> inputs);

    [[nodiscard]] std::vector<Incident> incidents() const;              // Open ones and the newest ended ones, by id.
    [[nodiscard]] std::vector<const Incident*> open_incidents() const;  // By id; good until the next tick().
    [[nodiscard]] const std::vector<Cordon>& cordons() const;           // Good until the next tick().
    [[nodiscard]] const std::vector<Pause>& pauses() const;             // Likewise.
    [[nodiscard]] LoopHealth health() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic

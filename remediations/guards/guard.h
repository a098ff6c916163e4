// A guard: one reason for which a step must not be taken now. One folder under remediations/guards each; see
// all_guards(). A guard is a pure function of its question. State that it can't see is a reason to refuse: unknown
// means no.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/store/fact.h"
#include "remediations/guards/policy.h"
#include "remediations/planning/plan.h"

namespace medic {

// One operation of the past, ours, as the journal has it.
struct PastAttempt {
    std::string key{}, incident{}, cluster{}, remedy{}, cause{};
    Subject diagnosed{};  // What the incident is about.
    Subject target{};     // What the step changed.
    WallTime at{};        // When its intent was written.
    bool undo = false;
    bool not_done = false;   // It left, and is known to have changed nothing.
    bool took_node = false;  // It ended the process of `target`.
};

struct Pause {
    std::string cluster{};  // "" = all.
    std::string reason{}, by{};
    WallTime since{};
};

// A node that a person keeps out of use: nothing is started there.
struct Cordon {
    std::string cluster{}, node{};
    std::string reason{}, by{};
    WallTime since{};
    bool operator==(const Cordon&) const = default;
};

struct Approval {
    std::string action{}, by{}, reason{};
    WallTime at{};
};

// How much the agent sees, from its last report. nullopt: it has never looked.
struct Sight {
    std::optional<WallTime> reported_at{};
    std::size_t targets_blind = 0, targets_total = 0;
    double tick_lateness_seconds = 0;
};

// The wall clock against the monotonic one.
struct ClockHealth {
    bool compared = false;  // At least two ticks have been seen.
    std::optional<WallTime> stepped_at{};
    Duration step{0};
};

// Who may act for a cluster, where several agents watch it.
struct ActingAgent {
    bool ours = false;
    std::string holder{};   // Somebody else, by name.
    std::string problem{};  // Nobody knows who, and why.
};

// One silence or inhibition that concerns what the step is about.
struct SilencedBy {
    std::string what{};  // Who, until when and why, for a person.
    std::optional<WallTime> until{};
};

// More incidents were opened in the cluster than the policy takes for single faults, and it has not been calm since.
struct Storm {
    std::size_t incidents = 0;  // Within the policy's window, at most.
    WallTime over_at{};         // When it will have been calm for long enough, if nothing is added.
};

// Policy, rules or program were changed, and the change has not stood for long enough where it acts first.
struct Unproven {
    std::string first{};              // Policy::rollout: where that is.
    WallTime since{};                 // When it came.
    std::optional<WallTime> until{};  // nullopt: not before the next change, for …
    std::string harm{};               // … what it did there.
};

// Something that the rest of the plan would change or restart, and that another system owns.
struct ManagedChange {
    std::string object{};    // KIND:NAME
    std::string by{};        // Its owner; "": nobody has told whether there is one.
    std::string proposal{};  // What the owner would have to change, in its own terms where they are simple; one line.
    bool restart = false;    // It stays as it is defined; the owner does restarts as well.
};

// One node of the role of which the step takes one away.
struct RoleNode {
    std::string name{}, zone{};
    bool spare = false;
    std::optional<bool> up{};            // Its process exists, looked at since we last took it. nullopt: not known.
    std::optional<WallTime> taken_at{};  // When we last took it out of service.
    bool brought_back = false;           // … and this very request of a person has started it again: it is up.
};

// What a step takes out of service.
struct TakenAway {
    std::string node{}, role{};  // role "": the configuration does not say what runs there.
    bool patient = false;        // It is what the incident is about: lost or frozen, whether its process exists or not.
    std::vector<RoleNode> nodes{};  // Of that role, this one included.
    // Of a broker only.
    std::string broker{};                     // Its id; "": not known.
    std::optional<std::string> needed_by{};   // The fact kafka_broker_needed_by; nullopt: not known, or too old.
    std::optional<double> logs_to_recover{};  // nullopt: its exporter does not tell.
};

// Everything that guards may look at: values only, so that a decision can be recorded, explained and replayed.
struct GuardQuestion {
    Step step{};
    std::string key{}, incident{}, cluster{};
    Subject diagnosed{};
    int attempt = 1;
    bool plan_begun = false;     // An earlier step of this plan was sent: cool-down counts for whole plans.
    std::size_t steps_done = 0;  // Of this plan, before this one; what only saves time doesn't count.
    std::optional<WallTime> cause_reported_at{};  // When the cause was last in a report.
    bool undo = false;                            // It takes back what we did.
    std::string needs_approval{};                 // Plan::needs_approval.
    WallTime now{};
    PolicyDecision policy{};
    bool journal_writable = true;
    bool history_complete = true;        // False: the journal could not be read in full.
    std::vector<PastAttempt> history{};  // Of this cluster, newest last, at most the budget's and cool-down's windows.
    std::optional<WallTime> not_before{};  // The back-off of this step.
    // Incidents of this cluster whose plan is begun and not ended, but for replicas that move beside it by themselves.
    std::vector<std::string> others_acting{};
    std::optional<bool> pause_file{};  // nullopt: could not be looked at.
    std::vector<Pause> pauses{};
    std::vector<Fact> facts{};        // What the step's precondition reads (none: its effect), as known now.
    std::string precondition{};       // "" when it holds; else what does not, or is not known.
    std::optional<Fact> job_state{};  // Of step.job; nullopt: nobody has answered.
    std::optional<WallTime> operations_seen_at{};
    std::vector<OperationUnderWay> operations{};  // Of this cluster, not ours.
    bool silences_configured = false;             // The cluster's configuration names an Alertmanager.
    std::optional<WallTime> silences_read_at{};   // nullopt: it could never be read.
    std::string silences_problem{};               // Why the last reading failed.
    std::vector<SilencedBy> silenced{};
    Sight sight{};
    ClockHealth clock{};
    std::optional<Approval> approval{};
    bool version_quarantined = false;                     // The step would start a version that was rolled back.
    std::optional<ActingAgent> acting_agent{};            // nullopt: this agent is the only one.
    std::vector<std::string> clusters_with_this_cause{};  // Others, where it was named within same_cause_window.
    std::vector<ManagedChange> managed{};                 // Of this step and those that follow it.
    std::optional<Storm> storm{};                         // nullopt: calm, as far as the history is complete.
    std::optional<TakenAway> takes_away{};                // nullopt: the step takes no node out of service.
    std::optional<Cordon> cordon{};                       // Of the node that the step starts.
    std::optional<Unproven> unproven{};  // nullopt: what decides here has stood the test, or needs none.
};

// A person has agreed to this very action, and not too long ago.
[[nodiscard]] inline bool is_approved(const GuardQuestion& question) {
    return question.approval && question.now - question.approval->at <= question.policy.limits.approval_ttl &&
           question.approval->at <= question.now;
}

struct Guard {
    std::string_view name;
    std::string_view what;  // One line for a person.
    std::optional<Refusal> (*object)(const GuardQuestion&) = nullptr;
};

// Facts, reports and lists older than this say nothing about now. Three looks at the slowest default interval of 5 s.
constexpr Duration guard_facts_age_max{15'000};
// Alertmanager is asked every 15 s (agent/daemon): three readings missed and one that was slow.
constexpr Duration guard_silences_age_max{60'000};

// The same cause in several clusters within so long is taken for one event.
constexpr Duration same_cause_window{10 * 60'000};

}  // namespace medic

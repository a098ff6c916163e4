// Invariants of every simulated run, one class each. A checker sees what truly happened, never what the agent believes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/loop/loop.h"
#include "agent/world/sim/cluster.h"
#include "remediations/journal/journal.h"

namespace medic::simulation {

// What a checker may look at when an operation is about to leave.
struct Sending {
    const Operation& operation;
    const sim::SimCluster& cluster;
    const Policy& policy;
    const std::vector<ManagedBy>& managed;    // What other systems own.
    const std::vector<AttemptRow>& attempts;  // Of its incident, as a second reader finds them: what is durable …
    std::optional<AttemptRow> intent;         // … and this very one.
    WallTime now;
    Duration monotonic;
    std::optional<Duration> clock_stepped;            // Monotonic; since the agent was started.
    const std::map<std::string, Duration>& approved;  // Actions that a person approved, monotonic.
    bool paused = false;                              // A person's pause was taken up before this tick.
    bool paused_by_file = false;                      // At this very moment.
    bool facts_dark = false;                          // For longer than facts may be old, none could be looked up.
    bool lease_lost = false;                          // Another agent acts, or nobody knows which.
    bool everywhere = false;                          // The agent was told of this cause in two other clusters.
    bool blind = false;                               // The agent was told so before it decided …
    bool others_at_work = false;                      // … and this.
    bool silenced = false;                            // … and that a person has silenced the cluster.
    bool cordoned = false;                            // A person keeps the node out of use that it starts.
    bool unproven = false;                            // Policy, rules or program are new, and act elsewhere first.
    bool in_storm = false;     // More incidents were opened lately than the policy takes for single faults.
    bool faults_ever = false;  // Anything at all was wrong in this run.
};

// After a tick of the loop, before its journal entries are written.
struct Ticked {
    const Loop& loop;
    const LoopOptions& options;
    const sim::SimCluster& cluster;
    const Effects& effects;
    Duration monotonic;
    bool journal_broken = false;  // The loop was told so before this tick.
};

// Ended, told to a person, or waiting for a named one: nothing more comes of it by itself.
[[nodiscard]] bool at_rest(const Incident& incident);

class Checker {
public:
    Checker() = default;
    Checker(const Checker&) = delete;
    Checker& operator=(const Checker&) = delete;
    virtual ~Checker() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    virtual void on_sending(const Sending&) {}
    virtual void on_tick(const Ticked&) {}
    virtual void at_end(const Ticked&) {}

    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

protected:
    void violated(std::string text);

private:
    std::vector<std::string> violations_;
};

[[nodiscard]] std::vector<std::unique_ptr<Checker>> all_checkers();

// The parts of all_checkers(): what is true of every agent, and what the guards promise.
void add_general_checkers(std::vector<std::unique_ptr<Checker>>& all);
void add_guard_checkers(std::vector<std::unique_ptr<Checker>>& all);
void add_reach_checkers(std::vector<std::unique_ptr<Checker>>& all);
void add_deployment_checkers(std::vector<std::unique_ptr<Checker>>& all);  // What a deployment promises.

[[nodiscard]] const Limits& limits_of(const Policy& policy);  // Of the one rule that a simulated policy has.
[[nodiscard]] bool is_begun(const Sending& sending);          // By an attempt that the agent can't know to be undone.
[[nodiscard]] bool is_agreed(const Sending& sending);         // A person has agreed to this incident's act, lately.

// Parts of a key: "I17/2/1" is of incident "I17" and of action "I17/2".
[[nodiscard]] std::string incident_of(const std::string& key);
[[nodiscard]] std::string action_of(const std::string& key);

}  // namespace medic::simulation

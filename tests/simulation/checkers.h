// Invariants of every simulated run, one class each. A checker sees what truly happened, never what the agent believes.
#pragma once

#include <memory>
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
    const Journal& journal;  // A second reader: what is durable.
    const Policy& policy;
    WallTime now;
    bool paused = false;       // A person's pause was taken up before this tick.
    bool facts_dark = false;   // For the whole of the last tick no fact could be looked up.
    bool faults_ever = false;  // Anything at all was wrong in this run.
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
    virtual void on_tick(const Loop&, const LoopOptions&, const sim::SimCluster&) {}
    virtual void at_end(const Loop&, const sim::SimCluster&) {}

    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

protected:
    void violated(std::string text);

private:
    std::vector<std::string> violations_;
};

[[nodiscard]] std::vector<std::unique_ptr<Checker>> all_checkers();

}  // namespace medic::simulation

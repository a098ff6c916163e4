// One simulated run: the real loop, guards, planner, outbox and journal against a simulated cluster, with seeded faults
// of the cluster, of the agent, of its sight, of its disk and of its clock. A seed is a whole reproduction.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/time.h"

namespace medic::simulation {

// What chance brought about in a run: a fault, a death of the agent, a lost way, a person's pause. In its own tick it
// is drawn from numbers of its own, so that one left out leaves the others as they are.
struct Happening {
    Duration at{0};     // Since the run began, monotonic.
    std::string kind;   // "fault", "death", …: at most one of a kind in a tick.
    std::string probe;  // What it came to, by the last probe that it reached; "": nothing.
    [[nodiscard]] std::pair<Duration, std::string> name() const { return {at, kind}; }
};

struct RunOptions {
    std::uint64_t seed = 1;
    int minutes = 10;     // Of faults; a calm follows in which every incident must end.
    std::string without;  // Takes one protection away (mutations.h): a checker must find it.
    std::set<std::pair<Duration, std::string>> left_out{};  // Happenings by name that must not come about.
};

struct RunResult {
    std::size_t incidents = 0;
    std::map<std::string, int> outcomes;  // fault × outcome: "flink.taskmanager-lost healed".
    std::map<std::string, int> probes;    // Rare states that were reached.
    std::vector<std::string> violations;  // "checker: what".
    std::string story;                    // Of all incidents, for a person.
    std::vector<Happening> happenings;    // In order; without those that were left out.
};

[[nodiscard]] RunResult run(const RunOptions& options);

// Every probe that a set of seeds must reach, so that the simulation can't grow blind unnoticed.
[[nodiscard]] const std::vector<std::string>& expected_probes();

}  // namespace medic::simulation

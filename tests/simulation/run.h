// One simulated run: the real loop, guards, planner, outbox and journal against a simulated cluster, with seeded faults
// of the cluster, of the agent, of its sight, of its disk and of its clock. A seed is a whole reproduction.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace medic::simulation {

struct RunOptions {
    std::uint64_t seed = 1;
    int minutes = 10;     // Of faults; a calm follows in which every incident must end.
    std::string without;  // Takes one protection away (mutations.h): a checker must find it.
};

struct RunResult {
    std::size_t incidents = 0;
    std::map<std::string, int> outcomes;  // fault × outcome: "flink.taskmanager-lost healed".
    std::map<std::string, int> probes;    // Rare states that were reached.
    std::vector<std::string> violations;  // "checker: what".
    std::string story;                    // Of all incidents, for a person.
};

[[nodiscard]] RunResult run(const RunOptions& options);

// Every probe that a set of seeds must reach, so that the simulation can't grow blind unnoticed.
[[nodiscard]] const std::vector<std::string>& expected_probes();

}  // namespace medic::simulation

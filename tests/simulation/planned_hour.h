// A quiet hour in which operators work: brokers rolled, task managers and workers restarted, jobs deployed anew,
// connectors paused, nodes taken out for good. Made-up looks go the whole way: rules, analyzers, diagnosis, loop. A
// seed is a whole reproduction.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace medic::simulation {

struct PlannedHourOptions {
    std::uint64_t seed = 1;
    bool kill = false;  // In the middle of it one broker is killed: the twin that must be noticed.
};
struct PlannedHourResult {
    std::size_t incidents = 0;
    std::string story;                // Causes and subjects of the incidents.
    std::map<std::string, int> work;  // What operators did, by kind.
    std::size_t recognised = 0;       // Looks that told of planned work under way.
};
[[nodiscard]] PlannedHourResult planned_hour(const PlannedHourOptions& options);

}  // namespace medic::simulation

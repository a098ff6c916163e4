// Many scenarios, one table: which share of what was wrong is told first, or among the first three.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/ranking/replay.h"

namespace medic::ranking_test {

struct SetOptions {
    std::uint64_t seed = 1;
    std::size_t scenarios = 0;  // 0: every episode under every disturbance, once.
    std::string only;           // An episode's name; "" = all.
    std::string how;            // A disturbance's name; "" = all.
};

// Episodes in turn, under one disturbance after the other; each with a seed of its own.
[[nodiscard]] Result<std::vector<Scenario>> scenarios_of(const std::vector<Episode>& episodes,
                                                         const SetOptions& options);

struct Count {
    std::size_t faults = 0, first = 0, three = 0, side = 0, first_word = 0;
    void add(const Verdict& one);
};

struct Scenarios {
    std::vector<Scenario> scenarios;
    std::vector<Outcome> outcomes;

    [[nodiscard]] Count total(const std::function<bool(const Scenario&, const Verdict&)>& counts) const;
    [[nodiscard]] Count all() const;
    [[nodiscard]] Count masking() const;             // Where what is seen last would mislead.
    [[nodiscard]] std::size_t false_alarms() const;  // Scenarios in which something was told before any fault.
};

[[nodiscard]] Result<Scenarios> replay_all(std::vector<Scenario> scenarios);

[[nodiscard]] std::string table(const std::vector<Episode>& episodes, const Scenarios& played);
[[nodiscard]] std::string misses(const Scenarios& played);
[[nodiscard]] std::string json(const std::vector<Episode>& episodes, const Scenarios& played);

}  // namespace medic::ranking_test

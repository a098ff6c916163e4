// Plays an episode to the brain of the agent (rules, analyzers, diagnosis) as the ingest thread would, on simulated
// time, and judges what is told against what was truly wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/loop/input.h"
#include "tests/ranking/disturb.h"

namespace medic::ranking_test {

struct Scenario {
    const Episode* base = nullptr;
    Disturbance how = Disturbance::none;
    const Episode* second = nullptr;  // With Disturbance::second only.
    std::uint64_t seed = 1;
};

// Of one thing that was wrong.
struct Verdict {
    const Episode* episode = nullptr;
    const Truth* truth = nullptr;
    // Its place in what is told of its cluster at the end: named diagnoses as they are told, then their alternatives.
    // Other things that are truly wrong are not counted before it. nullopt: not told at all.
    std::optional<std::size_t> rank;
    bool side_right = false;        // Of what is told first.
    std::optional<Duration> after;  // When it first stood at the first place.
    bool first_word_right = false;  // What was told first of all after the fault was something truly wrong.
    std::string instead;            // What stood at the first place.
};

struct Outcome {
    std::vector<Verdict> verdicts;   // The second episode's, too.
    std::size_t told_before = 0;     // Named diagnoses before any fault: false alarms.
    std::vector<std::string> story;  // Each change of what is told, a line.
};

// Errors: invalid (the configuration of an episode).
[[nodiscard]] Result<Outcome> replay(const Scenario& scenario);

}  // namespace medic::ranking_test

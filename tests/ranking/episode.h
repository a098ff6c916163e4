// An episode: everything that the agent's collectors told of a platform from before a fault until after its diagnosis,
// in the order in which it came in, and what truly was wrong. Recorded once from real processes (record/), replayed any
// number of times (replay.h). It holds what was seen, never what was concluded from it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/collectors/observation.h"

namespace medic::ranking_test {

// What was broken. Several causes where the catalogue has more than one name for it, the usual one first.
struct Truth {
    std::vector<std::string> causes;
    std::string subject;  // "kind/name".
    std::string side;     // user | system.
    // Was wrong on the way and is over: right as a first word, and not asked for at the end.
    bool passing = false;
};

struct Look {
    WallTime heard;                                       // When it reached the agent; what it is about is `told.at`.
    Observation told;                                     // Without its samples …
    std::vector<std::pair<std::size_t, double>> samples;  // … whose labels are in Episode::series.
};

struct Target {
    std::string cluster;
    Duration interval{0};
};

struct Episode {
    std::string name;
    std::string fault;    // One line for people: what was done to the platform.
    std::string masking;  // What is seen last and would mislead; "" where the last exception is the cause itself.
    std::vector<Truth> truths;
    WallTime fault_at;
    std::string config;  // medic.yaml.
    std::map<std::string, Target> targets;
    std::vector<Labels> series;
    std::vector<Look> looks;  // By `heard`.

    void add(WallTime heard, Observation told);
    [[nodiscard]] WallTime begins() const { return looks.front().heard; }
    [[nodiscard]] WallTime ends() const { return looks.back().heard; }

private:
    std::map<Labels, std::size_t> index_;  // Of `series`, while it is recorded.
};

// A compressed file. Of each target only what differs from its look before is written. Texts are replaced first, so
// that no path of the recording machine stays.
using Replacements = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Status write_episode(const std::string& path, const Episode& episode, const Replacements& replacements);
[[nodiscard]] Result<Episode> read_episode(const std::string& path);
// All *.episode files of a folder, by name.
[[nodiscard]] Result<std::vector<Episode>> read_episodes(const std::string& folder);

}  // namespace medic::ranking_test

// How the task managers on which a vertex runs compare: who does far less than the others in the time that it works,
// although the work is the same. For analyzers only.
#pragma once

#include <optional>
#include <string>

#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers {

struct SlowPlace {
    std::string taskmanager, vertex;
    double busy = 0;                        // Mean share of time that its subtasks work.
    double per_busy_second = 0;             // Records that one of its subtasks does in a second of work …
    double others_per_busy_second = 0;      // … and one elsewhere, at the median.
    std::optional<double> cpu, others_cpu;  // Cores that the process uses, and the others' median.
};

// Compared over `window`, of which samples span `span` at least. nullopt: nobody is slow, or it can't be told apart
// from uneven data: a single subtask there, a process that uses more processor time than the others', or no rates.
[[nodiscard]] std::optional<SlowPlace> slow_place(const Lookup& lookup, const Subject& job, const std::string& vertex,
                                                  Duration window, Duration span);

}  // namespace medic::analyzers

// All that analyzers and diagnosis may look at, at one moment. Nothing in it can change the outside.
// Made by the ingest thread after each evaluation of the rules; valid only during the call it is handed to.
#pragma once

#include <span>

#include "agent/store/event.h"
#include "agent/store/series.h"
#include "agent/store/topology.h"
#include "classifiers/symptom.h"

namespace medic {

// A sample older than this says nothing about now: three looks of the slowest process and REST interval (5 s).
inline constexpr Duration fresh_within{15'000};

struct View {
    const SeriesStore& series;
    const Timeline& timeline;
    const Topology& topology;
    std::span<const Symptom> symptoms = {};  // That hold now.
    std::span<const Finding> findings = {};  // Empty while the analyzers themselves run.
    // So long may a node that was stopped in good order stay away. A broker with much to load takes minutes to start.
    Duration planned_grace{5 * 60'000};
    Duration fresh_within = medic::fresh_within;  // Of samples that tell how things are now.
};

}  // namespace medic

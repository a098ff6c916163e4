// What the sink tasks of a Connect worker leave behind in their groups when its process ends: consumers for whose
// sessions (Kafka's default: session.timeout.ms = 45 s) the new tasks would wait. For remedies that end a worker.
#pragma once

#include <optional>
#include <vector>

#include "remediations/planning/remedy.h"

namespace medic::remedies {

// To be looked up for the step below.
[[nodiscard]] std::vector<FactKey> dead_consumer_facts(const Diagnosis& diagnosis);

// Takes the consumers of the diagnosis's `sink_tasks` ("audit/0,audit/1") out of the groups of their connectors, once
// `node` has no process any more. Optional. nullopt: no group is known to hold any of them.
[[nodiscard]] std::optional<Step> remove_dead_consumers(const Diagnosis& diagnosis, const PlanningView& view,
                                                        const Subject& node);

}  // namespace medic::remedies

// What the sink tasks of a Connect worker leave behind in their groups when its process ends: consumers for whose
// sessions (Kafka's default: session.timeout.ms = 45 s) the new tasks would wait. And what a task leaves behind that
// hangs: a consumer whose heart beats go on, which keeps its partitions for max.poll.interval.ms (5 min). For remedies
// that end a worker or a task.
#pragma once

#include <optional>
#include <vector>

#include "remediations/planning/remedy.h"
#include "remediations/remedies/stuck_task.h"

namespace medic::remedies {

// To be looked up for the step below.
[[nodiscard]] std::vector<FactKey> dead_consumer_facts(const Diagnosis& diagnosis);

// Takes the consumers of the diagnosis's `sink_tasks` ("audit/0,audit/1") out of the groups of their connectors, once
// `node` has no process any more; those that are told to run on another worker by then are left alone, as their
// consumers call themselves the same. Optional. nullopt: no group is known to hold any of them.
[[nodiscard]] std::optional<Step> remove_dead_consumers(const Diagnosis& diagnosis, const PlanningView& view,
                                                        const Subject& node);

// To be looked up for the step below.
[[nodiscard]] std::vector<FactKey> stuck_consumer_facts(const Diagnosis& diagnosis, const StuckTask& stuck);
// Takes the consumer of the one task that hangs out of its group, while its worker lives on and still has the task.
// Optional. nullopt: as above, or it is a source's.
[[nodiscard]] std::optional<Step> remove_stuck_consumer(const Diagnosis& diagnosis, const PlanningView& view,
                                                        const StuckTask& stuck);

}  // namespace medic::remedies

// What a simulated agent is configured with: a policy by chance, one cluster, every remedy, and two remedies that exist
// only here, because nothing else would ever ask what their guards refuse.
#pragma once

#include "agent/loop/loop.h"
#include "agent/world/sim/seeded.h"

namespace medic::simulation {

[[nodiscard]] LoopOptions simulation_options(sim::Seeded& chance);

// The one topic whose data the policy lets go: of transactions that hang, and that are as old as this.
constexpr std::string_view named_topic = "payments";
constexpr Duration named_floor{20 * 60'000};

// Drops data of a topic that no policy names; stands at the top of the ladder of a full disk.
constexpr std::string_view drop_data_remedy = "sim.drop-data";
// Starts a version again that was rolled back before; stands at the top of the ladder of a bad deployment.
constexpr std::string_view start_bad_version_remedy = "sim.start-bad-version";

}  // namespace medic::simulation

// Somebody's pipeline changes a connector's settings to and fro. The workers rebalance eagerly
// (connect.protocol=eager), so that all other connectors are stopped and started with each change.
#include <vector>

#include "engine/drill/drill_case.h"
#include "engine/drill/live_faults.h"

namespace medic::engine::drill::cases::rebalance_storm {
namespace {

// Of both arms. Nobody ends them but the end of this process: where the lab is gone nobody hears them any more.
std::vector<Flapping> pipelines;

Status inject(Platform& platform) {
    MEDIC_TRY(Flapping pipeline, Flapping::start(platform, Duration(3'000)));
    pipelines.push_back(std::move(pipeline));
    return {};
}

}  // namespace

DrillCase descriptor() {
    return {
        .name = "rebalance-storm",
        .injected_by = "a pipeline changes one connector's settings every three seconds; its workers rebalance eagerly",
        .expected_side = "user",
        .expected_cause = "connect.rebalance-storm",
        .expected_remedy = "connect.isolate-rebalance-storm",
        .inject = inject,
        .progress = connector_progress,
        .left_to_person = true,
        .shape = {.connect = {{"connect.protocol", "eager"}}},  // A lab of its own: nobody ends it here.
        .recovery = {.hold = Duration(8'000)},                  // Longer than the rest between two changes.
        .patience = Duration(240'000),
        .note = "isolated; only its team ends the changes, so records are not counted"};
}

}  // namespace medic::engine::drill::cases::rebalance_storm

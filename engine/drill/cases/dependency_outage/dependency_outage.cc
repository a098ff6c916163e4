// What the sink confirms its batches with is gone for a while, as for an upgrade: the task fails, and Kafka Connect
// never starts a failed task again. What the agent restarts meanwhile fails once more.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::dependency_outage {

DrillCase descriptor() {
    return {.name = "dependency-outage",
            .injected_by = "the service that the sink confirms its batches with refuses connections for eight seconds",
            .expected_side = "system",
            .expected_cause = "connect.task-failed",
            .expected_remedy = "connect.restart-task",
            .inject = [](Platform& platform) { return platform.interrupt("confirm", Duration(8'000)); },
            .progress = connector_progress,
            .check = check_connector_records,
            // Twice in vain at most, then it is there again.
            .effects = {{"started task inventory-sink-0", 3}}};
}

}  // namespace medic::engine::drill::cases::dependency_outage

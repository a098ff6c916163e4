// As stuck_connector, and nobody can end the task alone: as with tasks that are threads of a worker. Connect leaves one
// behind that does not end; its consumer keeps its partitions unless it is taken out of the group.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::stuck_connector_in_worker {

DrillCase descriptor() {
    return {.name = "stuck-connector-in-worker",
            .injected_by = "the sink's task hangs in a call that never returns, and cannot be killed alone",
            .expected_side = "system",
            .expected_cause = "connect.task-stuck",
            .expected_remedy = "connect.replace-stuck-task",
            .inject = [](Platform& platform) { return platform.forget_connection("confirm"); },
            .progress = connector_progress,
            .check = check_connector_records,
            .effects = {{"Graceful stop of task inventory-sink-0 failed"}, {"started task inventory-sink-0"}},
            .shape = {.kills_tasks = false},
            .history = Duration(15'000)};
}

}  // namespace medic::engine::drill::cases::stuck_connector_in_worker

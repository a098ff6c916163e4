// The sink's confirm service takes a request on the kept connection and never answers: the Connect task hangs in a call
// that has no time-out, while its status stays RUNNING. A new connection would work.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::stuck_connector {

DrillCase descriptor() {
    return {.name = "stuck-connector",
            .injected_by = "the sink's task hangs in a call that never returns",
            .expected_side = "system",
            .expected_cause = "connect.task-stuck",
            .expected_remedy = "connect.kill-stuck-task",
            .inject = [](Platform& platform) { return platform.forget_connection("confirm"); },
            .progress = connector_progress,
            .check = check_connector_records,
            .effects = {{"killed by signal 9"}, {"started task inventory-sink-0"}},
            .history = Duration(15'000)};
}

}  // namespace medic::engine::drill::cases::stuck_connector

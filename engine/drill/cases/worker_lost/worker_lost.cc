// kill -9 of the Connect worker: its REST API, its connectors and their tasks go with it.
#include <csignal>

#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::worker_lost {

DrillCase descriptor() {
    return {.name = "worker-lost",
            .injected_by = "kill -9 of the Connect worker",
            .expected_side = "system",
            .expected_cause = "connect.worker-lost",
            .expected_remedy = "node.start-again",
            .inject = [](Platform& platform) { return platform.signal("connect-1", SIGKILL); },
            .progress = connector_progress,
            .check = check_connector_records,
            .at_least_once = true,
            .note = "Connect repeats what a killed worker had delivered and not yet committed"};
}

}  // namespace medic::engine::drill::cases::worker_lost

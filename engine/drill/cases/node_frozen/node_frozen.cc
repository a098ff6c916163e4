// A task manager that works on the job lives on but says nothing: kill -STOP.
#include <signal.h>

#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::node_frozen {

DrillCase descriptor() {
    return {.name = "node-frozen",
            .injected_by = "kill -STOP of a task manager: alive, but silent",
            .expected_side = "system",
            .expected_cause = "flink.taskmanager-frozen",
            .expected_remedy = "flink.replace-taskmanager",
            .inject = [](Platform& platform) -> Status {
                MEDIC_TRY(const std::string node, platform.working_taskmanager());
                return platform.signal(node, SIGSTOP);
            },
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{" activated"}, {" is standing by"}},
            .history = Duration(15'000)};
}

}  // namespace medic::engine::drill::cases::node_frozen

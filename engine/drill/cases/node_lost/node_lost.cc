// A task manager that works on the job dies at once: kill -9.
#include <signal.h>

#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::node_lost {

DrillCase descriptor() {
    return {.name = "node-lost",
            .injected_by = "kill -9 of a task manager",
            .expected_side = "system",
            .expected_cause = "flink.taskmanager-lost",
            .expected_remedy = "flink.replace-taskmanager",
            .cause_afterwards = "flink.taskmanager-absent",
            .inject = [](Platform& platform) -> Status {
                MEDIC_TRY(const std::string node, platform.working_taskmanager());
                return platform.signal(node, SIGKILL);
            },
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{" activated"}, {" is standing by"}}};
}

}  // namespace medic::engine::drill::cases::node_lost

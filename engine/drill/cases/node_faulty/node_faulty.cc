// A task manager's process lives, is registered, and can open no file and no connection any more: every task that it is
// given fails, and the job with it, again and again. The others do the same work without a fault.
#include "engine/drill/drill_case.h"
#include "engine/drill/live_faults.h"

namespace medic::engine::drill::cases::node_faulty {

DrillCase descriptor() {
    return {.name = "node-faulty",
            .injected_by = "a task manager that can open no descriptor any more: what it is given fails",
            .expected_side = "system",
            .expected_cause = "node.many-faults",
            .expected_remedy = "flink.replace-taskmanager",
            .inject = [](Platform& platform) -> Status {
                MEDIC_TRY(const std::string node, platform.working_taskmanager());
                return take_descriptors(platform, node);
            },
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{" activated"}, {" is standing by"}},
            .history = Duration(15'000)};
}

}  // namespace medic::engine::drill::cases::node_faulty

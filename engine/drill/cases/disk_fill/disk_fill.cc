// A forgotten debug topic grows to 60, 80 % of a broker's disk, and would grow beyond it.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::disk_fill {

DrillCase descriptor() {
    return {.name = "disk-fill",
            .injected_by = "one topic grows to 60, 80 % of a broker's disk",
            .expected_side = "user",
            .expected_cause = "kafka.disk-nearly-full",
            .expected_remedy = "kafka.move-replicas",
            .inject = [](Platform& platform) { return platform.start_filling({}); },
            .progress = job_progress,
            .safe = disks_have_room,
            .spent = [](const Platform& platform) { return platform.filling_is_over(); },
            .changes_lab = true,
            .check = check_job_and_filler,
            .clear = [](Platform& platform) { return platform.stop_filling(); }};
}

}  // namespace medic::engine::drill::cases::disk_fill

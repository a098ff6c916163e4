// A topic that every broker holds a replica of grows beyond their disks: nobody has room that another lacks, so that no
// move would help. Their volumes can grow.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::disks_outgrown {
namespace {

// Half of what other drills have: every byte is written three times.
constexpr std::int64_t capacity_bytes = 192LL << 20;

Status inject(Platform& platform) {
    return platform.start_filling(
        {.topic = "device-images", .brokers = {1, 2, 3}, .fast_bytes_per_second = 15e6, .slow_bytes_per_second = 3e6});
}

}  // namespace

DrillCase descriptor() {
    return {.name = "disks-outgrown",
            .injected_by = "a topic with a replica on every broker grows to 60, 80 % of their disks",
            .expected_side = "user",
            .expected_cause = "kafka.disk-nearly-full",
            .expected_remedy = "kafka.grow-storage",
            .inject = inject,
            .progress = job_progress,
            .safe = disks_have_room,
            .spent = [](const Platform& platform) { return platform.filling_is_over(); },
            .changes_lab = true,
            .check = check_job_and_filler,
            .clear = [](Platform& platform) { return platform.stop_filling(); },
            .shape = {.log_dir_capacity_bytes = capacity_bytes}};
}

}  // namespace medic::engine::drill::cases::disks_outgrown

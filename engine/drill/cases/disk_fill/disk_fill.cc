// A forgotten debug topic grows to 60, 80 % of a broker's disk, and would grow beyond it.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::disk_fill {
namespace {

constexpr double safe_fill = 0.8;

// Every broker is below the level from which one must act. A broker that doesn't answer is not.
Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const auto fill, platform.disk_fill());
    if (static_cast<int>(fill.size()) < platform.plan().options.brokers) return false;
    for (const auto& [broker, share] : fill) {
        if (share >= safe_fill) return false;
    }
    return true;
}

Result<RecordCheck> check(Platform& platform, Duration patience) {
    MEDIC_TRY(RecordCheck job, platform.check_records(patience));
    MEDIC_TRY(const std::uint64_t lost, platform.filler_lost());
    job.lost += lost;
    return job;
}

}  // namespace

DrillCase descriptor() {
    return {.name = "disk-fill",
            .injected_by = "one topic grows to 60, 80 % of a broker's disk",
            .expected_side = "user",
            .expected_cause = "kafka.disk-nearly-full",
            .expected_remedy = "kafka.move-replicas",
            .inject = [](Platform& platform) { return platform.start_filling(); },
            .progress = job_progress,
            .safe = safe,
            .spent = [](const Platform& platform) { return platform.filling_is_over(); },
            .changes_lab = true,
            .check = check,
            .clear = [](Platform& platform) { return platform.stop_filling(); }};
}

}  // namespace medic::engine::drill::cases::disk_fill

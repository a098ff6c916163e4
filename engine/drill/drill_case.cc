#include "engine/drill/drill_case.h"

namespace medic::engine::drill {
namespace {

constexpr double safe_fill = 0.8;

}  // namespace

Result<std::uint64_t> job_progress(Platform& platform) {
    MEDIC_TRY(const WorkloadStats stats, platform.stats());
    return stats.answered.at("lookup");
}

Result<std::uint64_t> connector_progress(Platform& platform) {
    MEDIC_TRY(const WorkloadStats stats, platform.stats());
    return stats.answered.at("confirm");
}

Result<RecordCheck> check_job_records(Platform& platform, Duration patience) {
    return platform.check_records(patience);
}

Result<RecordCheck> check_connector_records(Platform& platform, Duration) { return platform.check_inventory(); }

Result<RecordCheck> check_job_and_filler(Platform& platform, Duration patience) {
    MEDIC_TRY(RecordCheck check, platform.check_records(patience));
    MEDIC_TRY(const std::uint64_t lost, platform.filler_lost());
    check.lost += lost;
    return check;
}

Result<bool> disks_have_room(Platform& platform) {
    MEDIC_TRY(const auto fill, platform.disk_fill());
    if (static_cast<int>(fill.size()) < platform.plan().options.brokers) return false;
    for (const auto& [broker, share] : fill) {
        if (share >= safe_fill) return false;
    }
    return true;
}

}  // namespace medic::engine::drill

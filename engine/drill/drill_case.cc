#include "engine/drill/drill_case.h"

namespace medic::engine::drill {

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

}  // namespace medic::engine::drill

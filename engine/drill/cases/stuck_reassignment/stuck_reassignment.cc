// A broker is taken out in good order, and a plan that still counts on it begins: Kafka waits for a broker that does
// not come, and as long as it does nobody else moves those partitions.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::stuck_reassignment {
namespace {

constexpr const char* node = "broker-3";
constexpr std::int32_t broker = 3;

Status inject(Platform& platform) {
    MEDIC_CHECK(platform.stop_in_good_order(node));
    return platform.begin_move_to(broker);
}

Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const int moves, platform.moves_under_way());
    return moves == 0;
}

}  // namespace

DrillCase descriptor() {
    return {.name = "stuck-reassignment",
            .injected_by = "replicas are moved to a broker that was taken out",
            .expected_side = "system",
            .expected_cause = "kafka.reassignment-stuck",
            .expected_remedy = "kafka.cancel-stuck-reassignment",
            .inject = inject,
            .progress = job_progress,
            .safe = safe,
            .check = check_job_records,
            .clear = [](Platform& platform) { return platform.start(node); },
            .patience = Duration{300'000},
            .note = "a broker that is away is waited for, for three minutes"};
}

}  // namespace medic::engine::drill::cases::stuck_reassignment

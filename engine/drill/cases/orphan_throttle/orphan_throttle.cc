// A reassignment is over and its throttle is not: nobody notices, as replicas in sync pass it unhindered. Then a broker
// is restarted, and its replicas never catch up.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::orphan_throttle {
namespace {

constexpr const char* node = "broker-2";
constexpr std::int64_t bytes_per_second = 1'000;  // Far below what comes in, as where the load has grown since.

Status inject(Platform& platform) {
    MEDIC_CHECK(platform.throttle_replication(bytes_per_second));
    return platform.restart_in_good_order(node);
}

// Every partition has all of its replicas in sync again.
Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const int lacking, platform.under_replicated());
    return lacking == 0;
}

}  // namespace

DrillCase descriptor() {
    return {.name = "orphan-throttle",
            .injected_by = "a broker is restarted under a throttle that a reassignment left behind",
            .expected_side = "system",
            .expected_cause = "kafka.orphan-throttle",
            .expected_remedy = "kafka.delete-orphan-throttles",
            .inject = inject,
            .progress = job_progress,
            .safe = safe,
            .check = check_job_records,
            .patience = Duration{120'000},
            .note = "a throttle is left alone for a minute: a reassignment may be about to begin"};
}

}  // namespace medic::engine::drill::cases::orphan_throttle

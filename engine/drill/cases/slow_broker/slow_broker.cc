// A broker's volume becomes slow, as one does whose burst is used up: it answers, is in sync, and whoever writes to it
// waits for more than a second each time. Nothing fails, and nobody restarts what runs.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::slow_broker {
namespace {

constexpr const char* node = "broker-2";
constexpr std::int64_t slow_bytes_per_second = 2'400'000;
constexpr double few_records_per_second = 20;  // Small requests are quick: they must not hide the large ones.
constexpr Duration quick_enough{500};

Status inject(Platform& platform) {
    MEDIC_CHECK(platform.set_rate(few_records_per_second));
    MEDIC_CHECK(platform.start_shipping());
    return platform.set_volume_speed(node, slow_bytes_per_second);
}

Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const Duration slowest, platform.slowest_shipment());
    return slowest <= quick_enough;
}

Status clear(Platform& platform) {
    platform.stop_shipping();
    MEDIC_CHECK(platform.set_volume_speed(node, 0));
    return platform.set_rate(platform.plan().options.workload.records_per_second);
}

}  // namespace

DrillCase descriptor() {
    return {.name = "slow-broker",
            .injected_by = "a broker's volume takes 2.4 MB/s, and a client writes records of 2.8 MB to each broker",
            .expected_side = "system",
            .expected_cause = "kafka.broker-slow",
            .expected_remedy = "kafka.demote-slow-broker",
            .inject = inject,
            .progress = job_progress,
            .safe = safe,
            .changes_lab = true,
            .check = check_job_records,
            .clear = clear,
            .shape = {.kafka = {{"log.retention.check.interval.ms", "1000"}}},
            .patience = Duration{480'000},
            .note = "a broker is called slow by the median of five minutes"};
}

}  // namespace medic::engine::drill::cases::slow_broker

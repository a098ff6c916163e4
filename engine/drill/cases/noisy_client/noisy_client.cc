// One client replays an old topic as fast as it can, in small requests: its broker has no time left for the others. The
// brokers can tell clients apart, as somebody has set a default quota that nobody reaches.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::noisy_client {
namespace {

constexpr const char* client = "event-replay";
constexpr double more_than_anybody = 1e12;
constexpr double idle_enough = 0.3;  // Kafka's documentation of RequestHandlerAvgIdlePercent.

Status inject(Platform& platform) {
    MEDIC_CHECK(platform.set_produce_quota(std::nullopt, more_than_anybody));
    return platform.start_flooding(client);
}

Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const double idle, platform.busiest_broker_idle());
    return idle >= idle_enough;
}

Status clear(Platform& platform) {
    platform.stop_flooding();
    MEDIC_CHECK(platform.set_produce_quota(client, std::nullopt));
    return platform.set_produce_quota(std::nullopt, std::nullopt);
}

}  // namespace

DrillCase descriptor() {
    return {.name = "noisy-client",
            .injected_by = "a client produces as fast as it can, in small requests",
            .expected_side = "user",
            .expected_cause = "kafka.noisy-client",
            .expected_remedy = "kafka.throttle-client",
            .inject = inject,
            .progress = job_progress,
            .safe = safe,
            .check = check_job_records,
            .clear = clear,
            .shape = {.kafka = {{"log.retention.check.interval.ms", "1000"}}},
            .patience = Duration{240'000},
            .note = "the idle ratio of a broker's request handlers is a mean over a minute"};
}

}  // namespace medic::engine::drill::cases::noisy_client

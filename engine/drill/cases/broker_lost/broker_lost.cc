// kill -9 of a broker: others lead its partitions after a moment, but one more loss is one too many.
#include <csignal>

#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::broker_lost {
namespace {

constexpr const char* node = "broker-2";

// Every broker answers again.
Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const auto fill, platform.disk_fill());
    return static_cast<int>(fill.size()) == platform.plan().options.brokers;
}

}  // namespace

DrillCase descriptor() {
    return {.name = "broker-lost",
            .injected_by = "kill -9 of a broker",
            .expected_side = "system",
            .expected_cause = "kafka.broker-lost",
            .expected_remedy = "node.start-again",
            .inject = [](Platform& platform) { return platform.signal(node, SIGKILL); },
            .progress = job_progress,
            .safe = safe,
            .check = check_job_records};
}

}  // namespace medic::engine::drill::cases::broker_lost

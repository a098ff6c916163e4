// A broker is restarted in good order, and its leaders stay where they went: Kafka's own leader balancing is switched
// off, as it is on many clusters. Nothing fails; the other brokers do its work until somebody notices.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::leaders_displaced {
namespace {

constexpr const char* node = "broker-2";
constexpr double displaced_max = 0.1;  // Kafka's default: leader.imbalance.per.broker.percentage = 10

Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const double displaced, platform.displaced_leaders());
    return displaced <= displaced_max;
}

}  // namespace

DrillCase descriptor() {
    return {.name = "leaders-displaced",
            .injected_by = "a broker is restarted, auto.leader.rebalance.enable is off",
            .expected_side = "system",
            .expected_cause = "kafka.leaders-displaced",
            .expected_remedy = "kafka.elect-preferred-leaders",
            .inject = [](Platform& platform) { return platform.restart_in_good_order(node); },
            .progress = job_progress,
            .safe = safe,
            .check = check_job_records,
            .shape = {.kafka = {{"auto.leader.rebalance.enable", "false"}}},
            .patience = Duration{120'000},
            .note = "leaders are left where they are for a minute: a roll may not be over"};
}

}  // namespace medic::engine::drill::cases::leaders_displaced

// A thread of a broker never comes back from one partition of __consumer_offsets: the groups there get no answer to a
// heartbeat or a commit, while the broker serves everything else. Nothing in Kafka ends that but a restart of the
// broker.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::coordinator_stuck {
namespace {

Status inject(Platform& platform) {
    // They flow before the fault, in this arm, too.
    if (const auto flowing = platform.receipts_committed(); !flowing) return std::unexpected(flowing.error());
    return platform.hang_coordinator_of_receipts();
}

Status clear(Platform& platform) {
    platform.close_receipts();
    return {};
}

}  // namespace

DrillCase descriptor() {
    return {
        .name = "coordinator-stuck",
        .injected_by = "the coordinator of two groups hangs, on a broker that does all else",
        .expected_side = "system",
        .expected_cause = "kafka.coordinator-stuck",
        .expected_remedy = "kafka.move-group-coordinator",
        .inject = inject,
        .progress = [](Platform& platform) { return platform.receipts_committed(); },
        .check = check_job_records,
        .clear = clear,
        // What hangs stays in its broker: no lab for the next one.
        .shape = {.kafka = {{"log.retention.check.interval.ms", "270000"}}},
        // Batches are committed five times a second.
        .recovery = {.window = Duration{3'000}, .hold = Duration{3'000}},
        .patience = Duration{240'000},
        .note =
            "an answer is waited for a minute; an application that commits nothing for half a minute is started anew"};
}

}  // namespace medic::engine::drill::cases::coordinator_stuck

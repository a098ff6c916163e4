// The disk of the only broker that has a topic's newest records is lost, and another one serves that lacks them. Kafka
// waits for ever, rightly: whether those records are given up is for a person to say. The drill says yes.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::copies_lost {
namespace {

Status inject(Platform& platform) {
    // They flow before the fault, in this arm, too.
    if (const auto flowing = platform.bookings_read(); !flowing) return std::unexpected(flowing.error());
    return platform.lose_the_only_copy_in_sync();
}

Status clear(Platform& platform) {
    platform.close_bookings();
    return platform.give_a_new_disk();
}

}  // namespace

DrillCase descriptor() {
    return {.name = "copies-lost",
            .injected_by =
                "the disk of the only broker in sync fails while another one serves that lacks its newest records",
            .expected_side = "system",
            .expected_cause = "kafka.in-sync-replicas-gone",
            .expected_remedy = "kafka.elect-unclean",
            .inject = inject,
            .wants_agreement = true,
            .progress = [](Platform& platform) { return platform.bookings_read(); },
            .check = check_job_records,
            .clear = clear,
            // A lab of its own: its broker has lost a disk.
            .shape = {.kafka = {{"log.retention.check.interval.ms", "240000"}}},
            .patience = Duration{240'000},
            .note =
                "a disk that a running broker has given up is given a minute; what only it held is lost, as a person "
                "agreed"};
}

}  // namespace medic::engine::drill::cases::copies_lost

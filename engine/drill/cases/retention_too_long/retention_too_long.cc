// A topic with a replica on every broker is to be kept for longer than their disks have room for. No move would help,
// and disks of metal can't be grown; the policy says how long the topic must be kept at least, and an application still
// reads what is new.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::retention_too_long {
namespace {

// Half of what other drills have: every byte is written three times.
constexpr std::int64_t capacity_bytes = 192LL << 20;

// Full after 40 s; of two minutes.
Status inject(Platform& platform) {
    MEDIC_CHECK(platform.start_filling({.topic = "device-traces",  // As the lab's policy names it.
                                        .brokers = {1, 2, 3},
                                        .configs = {{"segment.bytes", "2097152"}, {"retention.ms", "120000"}},
                                        .fast_bytes_per_second = 15e6,
                                        .slow_bytes_per_second = 3e6}));
    return platform.start_archiving();
}

Result<RecordCheck> check(Platform& platform, Duration patience) {
    MEDIC_TRY(RecordCheck check, platform.check_records(patience));
    MEDIC_TRY(const RecordCheck archived, platform.check_archive(patience));
    check.checked += archived.checked;
    check.lost += archived.lost;
    if (archived.lost > 0) check.remark += fmt::format("{} records were gone before they were read", archived.lost);
    return check;
}

}  // namespace

DrillCase descriptor() {
    return {.name = "retention-too-long",
            .injected_by = "a topic with a replica on every broker is to be kept for longer than their disks allow",
            .expected_side = "user",
            .expected_cause = "kafka.disk-nearly-full",
            .expected_remedy = "kafka.cut-retention",
            .inject = inject,
            .progress = job_progress,
            .safe = disks_have_room,
            .spent = [](const Platform& platform) { return platform.filling_is_over(); },
            .changes_lab = true,
            .check = check,
            .clear = [](Platform& platform) { return platform.stop_filling(); },
            .shape = {.grows_disks = false,
                      .log_dir_capacity_bytes = capacity_bytes,
                      .kafka = {{"log.retention.check.interval.ms", "1000"}}}};
}

}  // namespace medic::engine::drill::cases::retention_too_long

// A record that no version of the job can read: it fails at that record after every restart.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::crash_loop {
namespace {

// It runs, or rests until its developer comes; in between it burns what it runs on.
Result<bool> safe(Platform& platform) {
    MEDIC_TRY(const JobState job, platform.job());
    return job.state == "RUNNING" || job.state == "CANCELED";
}

}  // namespace

DrillCase descriptor() {
    return {.name = "crash-loop",
            .injected_by = "a record that is no event, on which the job fails again and again",
            .expected_side = "user",
            .expected_cause = "flink.poison-record",
            .expected_remedy = "flink.pause-crash-loop",
            .inject = [](Platform& platform) { return platform.deliver_poison(); },
            .progress = job_progress,
            .safe = safe,
            .left_to_person = true,
            .shape = {.slots = 2, .job_parallelism = 2},  // A lab of its own: nothing mends this one.
            .recovery = {.window = Duration(4'000)},      // It runs for a moment after each restart.
            .note = "paused with its checkpoint; only its developer ends it, so records are not counted"};
}

}  // namespace medic::engine::drill::cases::crash_loop

// The job manager dies and whoever looks after its process starts it again at once. It has no high availability: it
// knows no job, and the task managers run the old tasks on until they miss its heartbeat. Those complete no checkpoint
// any more, so that nothing they do counts.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::job_lost {

DrillCase descriptor() {
    return {
        .name = "job-lost",
        .injected_by = "kill -9 of the job manager, which is started again at once and knows no job",
        .expected_side = "system",
        .expected_cause = "flink.job-lost",
        .expected_remedy = "flink.start-lost-job",
        .inject = [](Platform& platform) { return platform.kill_and_start("jobmanager"); },
        .progress = [](Platform& platform) { return platform.committed_records(); },
        .check = check_job_records,
        // The job once, and each of its task managers once.
        .effects = {{"submitted, needs"}, {" is starting, data port", 2}},
        // Offsets are committed with each checkpoint, once a second.
        .recovery = {.window = Duration{3'000}, .hold = Duration{3'000}, .recovered_ratio = 0.4, .fallen_ratio = 0.2}};
}

}  // namespace medic::engine::drill::cases::job_lost

// The ticket service never answers on one of the connections that are open, so one subtask of the job's sink hangs in a
// call that ignores cancellation. Then an unrelated failure, one error of the lookup service, makes the job want to
// restart: the hung sink keeps it from doing so.
#include <chrono>
#include <thread>

#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::stuck_flink_connector {
namespace {

constexpr auto hang_patience = std::chrono::seconds(60);
// The connection that asked last may be of a subtask that has gone since, or that has nothing to send for a while.
constexpr auto another_after = std::chrono::seconds(3);

Status inject(Platform& platform) {
    MEDIC_TRY(const WorkloadStats before, platform.stats());
    MEDIC_CHECK(platform.forget_connection("tickets"));
    auto forgotten_at = std::chrono::steady_clock::now();
    const auto deadline = forgotten_at + hang_patience;
    for (;;) {  // Until the sink really waits for an answer.
        MEDIC_TRY(const WorkloadStats now, platform.stats());
        if (now.unanswered.at("tickets") > before.unanswered.at("tickets")) break;
        if (std::chrono::steady_clock::now() > deadline)
            return fail(ErrorCode::not_ready, "the sink has sent no ticket in {} s", hang_patience.count());
        if (std::chrono::steady_clock::now() - forgotten_at > another_after) {
            MEDIC_CHECK(platform.forget_connection("tickets"));
            forgotten_at = std::chrono::steady_clock::now();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return platform.fail_next("lookup", 1);
}

}  // namespace

DrillCase descriptor() {
    return {.name = "stuck-flink-connector",
            .injected_by = "an exception, and a sink that ignores cancellation",
            .expected_side = "system",
            .expected_cause = "flink.connector-blocks-restart",
            .expected_remedy = "flink.kill-blocking-taskmanager",
            .inject = inject,
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{" activated"}, {" is standing by"}}};
}

}  // namespace medic::engine::drill::cases::stuck_flink_connector

// The team deploys version 2, which dereferences null on some records.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::bad_deployment {

DrillCase descriptor() {
    return {.name = "bad-deployment",
            .injected_by = "a new version that dereferences null on some records",
            .expected_side = "user",
            .expected_cause = "flink.null-dereference",
            .expected_remedy = "flink.roll-back",
            .inject = [](Platform& platform) { return platform.deploy("v2"); },
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{"submitted, needs"}},
            .recovery = {.hold = Duration(4'000)}};  // It processes a burst after each of its restarts.
}

}  // namespace medic::engine::drill::cases::bad_deployment

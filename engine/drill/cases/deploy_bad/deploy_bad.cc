// A new version that fails on some records: the old one is back, with its state. By hand nobody looks after it.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::deploy_bad {

DrillCase descriptor() {
    return {.name = "deploy-bad",
            .injected_by = "a person asks for a new version, and it dereferences null on some records",
            .expected_side = "system",
            .expected_cause = "operator.deploy",
            .expected_remedy = "flink.deploy",
            .inject = [](Platform& platform) { return platform.deploy("v2"); },
            .ask = [](const AgentProcess& agent, const Platform&) { return agent.deploy("v2"); },
            .ends_as = "undone",
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{"submitted, needs", 2}},    // The new one, and the old one again.
            .recovery = {.hold = Duration(4'000)}};  // It processes a burst after each of its restarts.
}

}  // namespace medic::engine::drill::cases::deploy_bad

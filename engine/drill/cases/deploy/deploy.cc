// A new version that is good: the switch costs a moment, and no record.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::deploy {

DrillCase descriptor() {
    return {.name = "deploy",
            .injected_by = "a person asks for a new version, and it is good",
            .expected_side = "system",
            .expected_cause = "operator.deploy",
            .expected_remedy = "flink.deploy",
            .inject = [](Platform& platform) -> Status {
                MEDIC_TRY(const std::string version, platform.other_good_version());
                return platform.deploy(version);
            },
            .ask = [](const AgentProcess& agent, const Platform& platform) -> Status {
                MEDIC_TRY(const std::string version, platform.other_good_version());
                return agent.deploy(version);
            },
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{"submitted, needs"}}};
}

}  // namespace medic::engine::drill::cases::deploy

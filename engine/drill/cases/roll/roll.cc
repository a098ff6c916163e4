// A person wants every broker restarted. By hand a script does it, as such scripts do: one after another, the next as
// soon as the one before has been started.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::roll {
namespace {

Status by_hand(Platform& platform) {
    for (const lab::ProcessPlan& process : platform.plan().processes)
        if (process.role == lab::Role::broker) MEDIC_CHECK(platform.restart_in_good_order(process.name));
    return {};
}

}  // namespace

DrillCase descriptor() {
    return {.name = "roll",
            .injected_by = "a person asks for every broker to be restarted",
            .expected_side = "system",
            .expected_cause = "operator.roll",
            .expected_remedy = "node.roll",
            .inject = by_hand,
            .ask = [](const AgentProcess& agent, const Platform&) { return agent.roll("broker"); },
            .progress = job_progress,
            .check = check_job_records,
            .effects = {{"[broker] serving, epoch", 3}},
            .shape = {.broker_start = Duration(4'000)}};
}

}  // namespace medic::engine::drill::cases::roll

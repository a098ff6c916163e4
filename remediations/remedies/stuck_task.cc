#include "remediations/remedies/stuck_task.h"

#include "remediations/remedies/parts.h"

namespace medic::remedies {

Result<StuckTask> stuck_task(const Diagnosis& diagnosis) {
    StuckTask result;
    MEDIC_TRY(result.connector, parameter(diagnosis, "connector"));
    MEDIC_TRY(const std::int64_t task, number(diagnosis, "task"));
    result.task = static_cast<int>(task);
    const auto worker = parameter(diagnosis, "worker");
    result.worker = worker.value_or("");
    auto node = parameter(diagnosis, "node");
    if (!node) node = worker;
    MEDIC_TRY(result.node, std::move(node));
    result.subject = subject_in(diagnosis, "connector-task", fmt::format("{}/{}", result.connector, result.task));
    return result;
}

FactKey state_of(const StuckTask& stuck) { return {stuck.subject, "connect_task_state"}; }

Expectation moves_records(const StuckTask& stuck) {
    return {.all = {text_in(stuck.subject, "connect_task_state", {"RUNNING"}),
                    progressing(stuck.subject, "connect_task_records_total")},
            .within = page_proves_within,
            .stable_for = Duration{1'000}};
}

Step restart_of(const StuckTask& stuck, std::string text) {
    Step step{.subject = stuck.subject,
              .text = std::move(text),
              .operation = RestartConnectorTask{stuck.connector, stuck.task}};
    step.precondition = {
        text_in(stuck.subject, "connect_task_state", {"FAILED", "UNASSIGNED", "RUNNING", "RESTARTING"})};
    step.expectation = moves_records(stuck);
    step.undo = "pause the connector";
    step.risk = Risk::reversible;
    return step;
}

}  // namespace medic::remedies

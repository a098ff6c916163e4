#include "remediations/remedies/parts.h"

// A task has FAILED on its own: restart that task, nothing else.
namespace medic::remedies::connect_restart_task {
namespace {

FactKey state_of(const Diagnosis& diagnosis) { return {diagnosis.subject, "connect_task_state"}; }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) { return {state_of(diagnosis)}; }

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string connector, parameter(diagnosis, "connector"));
    MEDIC_TRY(const std::int64_t task, number(diagnosis, "task"));
    const Fact* state = view.fact(state_of(diagnosis));
    if (state == nullptr) return fail(ErrorCode::not_ready, "the state of task {}/{} is not known", connector, task);
    if (state->text != "FAILED")
        return fail(ErrorCode::invalid, "task {}/{} is {}, a restart is for failed tasks", connector, task,
                    state->text);
    const Subject subject = subject_in(diagnosis, "connector-task", fmt::format("{}/{}", connector, task));
    Step restart{.subject = subject,
                 .text = fmt::format("restart task {} of {} only", task, connector),
                 .operation = RestartConnectorTask{connector, static_cast<int>(task)}};
    restart.precondition = {text_in(subject, "connect_task_state", {"FAILED"})};
    restart.done = {text_in(subject, "connect_task_state", {"RUNNING", "RESTARTING"})};
    restart.expectation = {.all = {text_in(subject, "connect_task_state", {"RUNNING"}),
                                   progressing(subject, "connect_task_records_total")},
                           .within = page_proves_within,
                           .stable_for = Duration{2'000}};
    restart.undo = "pause the connector";
    restart.risk = Risk::reversible;
    Plan result;
    result.summary = fmt::format("task {} of {} has failed: restart it", task, connector);
    result.steps = {restart};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "connect.restart-task",
            .what = "restarts one failed task of a connector",
            .destroys = Destroys::nothing,
            .cures = {{"connect.task-failed"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::connect_restart_task

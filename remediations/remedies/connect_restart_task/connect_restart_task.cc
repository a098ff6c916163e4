#include <algorithm>

#include "remediations/remedies/parts.h"

// Tasks have FAILED on their own: restart them, nothing else. What one task of a connector failed of, its siblings
// mostly failed of, too: all of its failed ones are restarted at once where Connect can do that.
namespace medic::remedies::connect_restart_task {
namespace {

constexpr std::size_t watched_max = 20;  // Of many tasks so many are to prove it.
// Three times as often as the policy says otherwise: what they need may be away for minutes.
constexpr int patience_factor = 3;

FactKey state_of(const Subject& task) { return {task, "connect_task_state"}; }
FactKey failed_of(const Diagnosis& diagnosis) {
    return {subject_in(diagnosis, "connector", parameter(diagnosis, "connector").value_or("")), "failed_tasks"};
}
FactKey version_of(const Diagnosis& diagnosis) {
    return {subject_in(diagnosis, "worker", parameter(diagnosis, "worker").value_or("")), "version"};
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    return {state_of(diagnosis.subject), failed_of(diagnosis), version_of(diagnosis)};
}

// Since 3.0 in the protocol (KIP-745); 3.0 and 3.1 restart what runs as well (KAFKA-13719). "" is no such version.
bool restarts_failed_ones(std::string_view version) {
    const auto parts = split(version, '.');
    const auto major = parts.empty() ? std::nullopt : integer(parts[0]);
    const auto minor = parts.size() < 2 ? std::nullopt : integer(parts[1]);
    return major && minor && (*major > 3 || (*major == 3 && *minor >= 2));
}

// `own`, the diagnosis's task, is one of `tasks`.
Step restart_of(const Diagnosis& diagnosis, const std::string& connector, std::int64_t own,
                const std::vector<std::string_view>& tasks) {
    Step restart;
    if (tasks.size() == 1) {
        restart.subject = diagnosis.subject;
        restart.text = fmt::format("restart task {} of {} only", own, connector);
        restart.operation = RestartConnectorTask{connector, static_cast<int>(own)};
    } else {
        restart.subject = subject_in(diagnosis, "connector", connector);
        restart.text = fmt::format("restart the {} failed tasks of {} only", tasks.size(), connector);
        restart.operation = RestartConnector{.connector = connector, .include_tasks = true, .only_failed = true};
    }
    restart.precondition = {text_in(diagnosis.subject, "connect_task_state", {"FAILED"})};
    restart.done = {text_in(diagnosis.subject, "connect_task_state", {"RUNNING", "RESTARTING"})};
    for (std::size_t i = 0; i < std::min(tasks.size(), watched_max); ++i) {
        const Subject task = subject_in(diagnosis, "connector-task", fmt::format("{}/{}", connector, tasks[i]));
        restart.expectation.all.push_back(text_in(task, "connect_task_state", {"RUNNING"}));
        restart.expectation.in_vain_if.push_back(text_in(task, "connect_task_state", {"FAILED"}));
    }
    restart.expectation.within = task_runs_within;
    restart.expectation.stable_for = task_runs_for;
    restart.attempts_factor = patience_factor;
    restart.undo = "pause the connector";
    restart.risk = Risk::reversible;
    return restart;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string connector, parameter(diagnosis, "connector"));
    MEDIC_TRY(const std::int64_t number_of_task, number(diagnosis, "task"));
    const Fact* state = view.fact(state_of(diagnosis.subject));
    if (state == nullptr)
        return fail(ErrorCode::not_ready, "the state of task {}/{} is not known", connector, number_of_task);
    if (state->text != "FAILED")
        return fail(ErrorCode::invalid, "task {}/{} is {}, a restart is for failed tasks", connector, number_of_task,
                    state->text);
    const std::string own = std::to_string(number_of_task), failed = told(view, failed_of(diagnosis));
    std::vector<std::string_view> tasks = split(failed, ',');
    const bool all =
        std::ranges::find(tasks, own) != tasks.end() && restarts_failed_ones(told(view, version_of(diagnosis)));
    if (!all) tasks = {own};
    Plan result;
    result.summary = tasks.size() == 1
                         ? fmt::format("task {} of {} has failed: restart it", own, connector)
                         : fmt::format("{} tasks of {} have failed: restart them", tasks.size(), connector);
    result.steps = {restart_of(diagnosis, connector, number_of_task, tasks)};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "connect.restart-task",
            .what = "restarts the failed tasks of a connector, and none that runs",
            .destroys = Destroys::nothing,
            .cures = {{"connect.task-failed"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::connect_restart_task

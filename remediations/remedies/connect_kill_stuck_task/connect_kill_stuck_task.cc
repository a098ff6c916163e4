#include <algorithm>

#include "remediations/remedies/dead_consumers.h"
#include "remediations/remedies/parts.h"
#include "remediations/remedies/stuck_task.h"

// A task is RUNNING and does nothing, and does not end when it is asked to: kill its process from outside, then restart
// that task only. Where all tasks live inside the worker, and to start it anew there has not helped
// (connect.replace-stuck-task), the worker goes down and takes its neighbours along: the plan says so.
namespace medic::remedies::connect_kill_stuck_task {
namespace {

// A worker joins its group after up to a rebalance time-out of 60 s. Where others go on without it, they hold its tasks
// back for scheduled.rebalance.max.delay.ms first (KIP-415; 300 s).
constexpr Duration alone_within{90'000}, among_others_within{7 * 60'000};

bool has_others(const PlanningView& view, const std::string& worker) {
    return std::ranges::any_of(view.cluster.nodes, [&](const NodeInfo& one) {
        return one.role == "connect-worker" && one.name != worker && !one.spare;
    });
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    std::vector<FactKey> keys = dead_consumer_facts(diagnosis);
    keys.push_back({diagnosis.subject, "connect_task_state"});
    return keys;
}

Step kill_task(const StuckTask& stuck) {
    Step step{.subject = stuck.subject,
              .text = fmt::format("kill the process of task {} of {} on {}", stuck.task, stuck.connector, stuck.node),
              .operation = KillConnectorTask{stuck.node, stuck.connector, stuck.task}};
    step.precondition = {
        text_in(stuck.subject, "connect_task_state", {"RUNNING", "RESTARTING", "UNASSIGNED", "FAILED"})};
    step.done = {text_in(stuck.subject, "connect_task_state", {"FAILED", "UNASSIGNED", "DESTROYED"})};
    step.expectation = {.all = step.done, .within = Duration{15'000}};
    step.undo = "restart the task";
    step.destroys = Destroys::availability;
    return step;
}

Step restart_task(const StuckTask& stuck) {
    Step step = restart_of(stuck, fmt::format("restart task {} of {} only", stuck.task, stuck.connector));
    step.done = {text_in(stuck.subject, "connect_task_state", {"RUNNING", "RESTARTING"})};
    return step;
}

// The worker must come back before its tasks can be judged.
std::vector<Step> bounce_worker(const Diagnosis& diagnosis, const PlanningView& view, const StuckTask& stuck) {
    const Subject worker = subject_in(diagnosis, "node", stuck.node);
    Step kill{.subject = worker,
              .text = fmt::format("kill worker {} with all its tasks", stuck.node),
              .operation = KillNode{stuck.node}};
    kill.idempotent = true;
    kill.precondition = {
        text_in(stuck.subject, "connect_task_state", {"RUNNING", "RESTARTING", "UNASSIGNED", "FAILED"})};
    kill.done = {equals(worker, "process_up", 0)};
    kill.expectation = {.all = kill.done, .within = Duration{15'000}};
    kill.undo = "start the worker";
    kill.destroys = Destroys::availability;
    Step start{.subject = worker,
               .text = fmt::format("start worker {}", stuck.node),
               .operation = StartNode{stuck.node, false}};
    start.idempotent = true;
    start.done = {equals(worker, "process_up", 1)};
    start.expectation = moves_records(stuck);
    start.expectation.within = has_others(view, stuck.node) ? among_others_within : alone_within;
    start.undo = "stop the worker";
    std::vector<Step> steps{kill};
    if (auto removal = remove_dead_consumers(diagnosis, view, worker)) steps.push_back(*std::move(removal));
    steps.push_back(start);
    return steps;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const StuckTask what, stuck_task(diagnosis));
    const NodeInfo* node = view.node(what.node);
    if (node == nullptr) return fail(ErrorCode::invalid, "node {} is not in the configuration", what.node);
    Plan result;
    if (node->can_kill_task) {
        result.summary = fmt::format("task {} of {} does not respond: kill its process and restart that task only",
                                     what.task, what.connector);
        result.steps = {kill_task(what), restart_task(what)};
        return result;
    }
    if (!node->can_kill || !node->can_start)
        return fail(ErrorCode::invalid, "node {} has no driver that can kill the task or the worker", what.node);
    result.summary = fmt::format(
        "task {} of {} does not respond and lives inside worker {}: restart the worker, its other tasks move or pause "
        "meanwhile",
        what.task, what.connector, what.node);
    result.steps = bounce_worker(diagnosis, view, what);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "connect.kill-stuck-task",
            .what = "kills the process of a task that does not respond, then restarts that task only",
            .destroys = Destroys::availability,
            .cures = {{"connect.task-stuck"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::connect_kill_stuck_task

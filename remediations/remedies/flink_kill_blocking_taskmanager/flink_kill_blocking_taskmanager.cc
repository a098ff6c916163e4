#include "remediations/remedies/parts.h"

// A task ignores its cancellation and keeps the job from restarting: stop the process that holds it, from outside, and
// kill it where it does not end. A task manager that stops signs off, and its job restarts elsewhere at once; one that
// is killed is missed by its job manager for some ten seconds first.
namespace medic::remedies::flink_kill_blocking_taskmanager {
namespace {

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    return {jobmanager_answers(diagnosis).fact};
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const NodeInfo* holder, replaceable_node(diagnosis, view));
    MEDIC_TRY(const std::string job, parameter(diagnosis, "job"));
    if (view.fact(jobmanager_answers(diagnosis).fact) == nullptr)
        return fail(ErrorCode::not_ready, "it is not known whether the job manager answers");
    Plan result = replace_taskmanager(diagnosis, view,
                                      {.lost = holder,
                                       .job = subject_in(diagnosis, "job", job),
                                       .fence = Replacement::Fence::unless_gone,
                                       .stop_first = true,
                                       .why = "holds a task that can't be cancelled"});
    // A job that runs again has got over it by itself: then its task manager must not be killed.
    const Condition waits = text_not_in(subject_in(diagnosis, "job", job), "flink_job_state", {"RUNNING"});
    for (Step& step : result.steps)
        if (std::holds_alternative<StopNode>(step.operation) || std::holds_alternative<KillNode>(step.operation))
            step.precondition.push_back(waits);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {
        .name = "flink.kill-blocking-taskmanager",
        .what =
            "stops or kills the task manager whose task ignores cancellation, starts a warm spare and refills the pool",
        .destroys = Destroys::availability,
        .cures = {{"flink.connector-blocks-restart"}},
        .needs = needs,
        .plan = plan};
}

}  // namespace medic::remedies::flink_kill_blocking_taskmanager

#include "remediations/remedies/parts.h"

// A task manager is gone, alive but silent, or fails at whatever it is given: fence it, start a warm spare, refill the
// pool.
namespace medic::remedies::flink_replace_taskmanager {
namespace {

constexpr std::string_view faulty = "node.many-faults";

std::string_view what_is_wrong(std::string_view cause) {
    if (cause == faulty) return "fails again and again";
    return cause == "flink.taskmanager-frozen" ? "is frozen" : "is lost";
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    return {jobmanager_answers(diagnosis).fact};
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const NodeInfo* lost, replaceable_node(diagnosis, view));
    if (lost->role != "taskmanager")
        return fail(ErrorCode::invalid, "node {} is a {}, no task manager", lost->name, lost->role);
    if (view.fact(jobmanager_answers(diagnosis).fact) == nullptr)
        return fail(ErrorCode::not_ready, "it is not known whether the job manager answers");
    const auto job = parameter(diagnosis, "job");
    if (diagnosis.cause == "flink.taskmanager-absent" && !job)
        return fail(ErrorCode::invalid, "no job misses the task manager: who stopped it, starts it again");
    const Subject works_for = job ? subject_in(diagnosis, "job", *job) : Subject{};
    Plan plan = replace_taskmanager(diagnosis, view,
                                    {.lost = lost,
                                     .job = works_for,
                                     .fence = Replacement::Fence::unless_gone,
                                     .stop_first = diagnosis.cause == faulty,
                                     .why = std::string(what_is_wrong(diagnosis.cause))});
    // One that works again is not killed for what it did before: somebody has mended it while it was to sign off.
    if (diagnosis.cause == faulty && job)
        for (Step& step : plan.steps)
            if (std::holds_alternative<KillNode>(step.operation))
                step.precondition.push_back(text_not_in(works_for, "flink_job_state", {"RUNNING"}));
    return plan;
}

}  // namespace

Remedy descriptor() {
    return {.name = "flink.replace-taskmanager",
            .what = "fences a lost, frozen or failing task manager, starts a warm spare and refills the pool",
            .destroys = Destroys::availability,
            .cures = {{"flink.taskmanager-lost"},
                      {"flink.taskmanager-frozen"},
                      {"flink.taskmanager-absent"},
                      {.cause = std::string(faulty), .since = 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::flink_replace_taskmanager

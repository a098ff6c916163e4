#include "remediations/remedies/parts.h"

// A task manager is gone, or alive but silent: fence it, start a warm spare, refill the pool.
namespace medic::remedies::flink_replace_taskmanager {
namespace {

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    return {jobmanager_answers(diagnosis).fact};
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const NodeInfo* lost, replaceable_node(diagnosis, view));
    if (view.fact(jobmanager_answers(diagnosis).fact) == nullptr)
        return fail(ErrorCode::not_ready, "it is not known whether the job manager answers");
    const auto job = parameter(diagnosis, "job");
    if (diagnosis.cause == "flink.taskmanager-absent" && !job)
        return fail(ErrorCode::invalid, "no job misses the task manager: who stopped it, starts it again");
    return replace_taskmanager(diagnosis, view,
                               {.lost = lost,
                                .job = job ? subject_in(diagnosis, "job", *job) : Subject{},
                                .fence = Replacement::Fence::unless_gone,
                                .why = diagnosis.cause == "flink.taskmanager-frozen" ? "is frozen" : "is lost"});
}

}  // namespace

Remedy descriptor() {
    return {.name = "flink.replace-taskmanager",
            .what = "fences a lost or frozen task manager, starts a warm spare and refills the pool",
            .destroys = Destroys::availability,
            .cures = {{"flink.taskmanager-lost"}, {"flink.taskmanager-frozen"}, {"flink.taskmanager-absent"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::flink_replace_taskmanager

#include "remediations/remedies/parts.h"

// A job that fails on its own code or data again and again costs money and blocks its neighbours, and no restart will
// end it. It is cancelled once that is shown, its checkpoint stays, and its developer is told where to go on. For jobs
// that no version could be rolled back to.
namespace medic::remedies::flink_pause_crash_loop {
namespace {

// Further restarts without a checkpoint in between, after the cause was known. Flink's own exponential delay
// (1 s to 1 min, doubling each time: restart-strategy.exponential-delay.*) needs a minute for them.
constexpr double restarts_that_show_it = 5;

Subject job_of(const Diagnosis& diagnosis) {
    const auto job = parameter(diagnosis, "job");
    return subject_in(diagnosis, "job", job ? *job : diagnosis.subject.name);
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const Subject job = job_of(diagnosis);
    auto keys = checkpoint_facts(job);
    keys.push_back({job, "checkpoint_id"});
    keys.push_back({job, "flink_job_restarts_total"});
    return keys;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string name, parameter(diagnosis, "job"));
    MEDIC_TRY(const std::string job_id, parameter(diagnosis, "job_id"));
    const Subject job = subject_in(diagnosis, "job", name);
    const Fact* restarts = view.fact({job, "flink_job_restarts_total"});
    if (restarts == nullptr || !restarts->value)
        return fail(ErrorCode::not_ready, "how often {} has restarted is not known", name);
    const std::string checkpoint = told(view, {job, "checkpoint_path"});
    const AfterCancel after = newest_checkpoint_after_cancel(view, job);
    if (!checkpoint.empty() && after == AfterCancel::unknown)
        return fail(ErrorCode::not_ready, "whether the checkpoints of {} outlive its cancellation is not known", name);
    if (!checkpoint.empty() && after == AfterCancel::deleted)
        return fail(ErrorCode::invalid, "cancelling {} deletes its checkpoints: it is left as it is", name);

    Step cancel{.subject = job, .text = "pause the crash loop: cancel " + name, .operation = CancelJob{job_id}};
    cancel.idempotent = true;
    cancel.precondition = {text_in(job, "flink_job_state", {"RUNNING", "FAILING", "RESTARTING"}),
                           at_least(job, "flink_job_restarts_total", *restarts->value + restarts_that_show_it)};
    // Where one completes, records get through: a loop that moves on is no waste.
    if (const Fact* id = view.fact({job, "checkpoint_id"}); id != nullptr && id->value)
        cancel.precondition.push_back(equals(job, "checkpoint_id", *id->value));
    cancel.done = {text_in(job, "flink_job_state", {"CANCELED", "FAILED", "FINISHED"})};
    cancel.expectation = {.all = cancel.done, .within = Duration{60'000}};
    cancel.undo = checkpoint.empty() ? "start the job again" : "start the job again from " + checkpoint;
    cancel.destroys = Destroys::availability;
    cancel.job = job;

    Plan result;
    result.summary =
        fmt::format("{} fails on its own code or data after every restart: cancel it, keep its checkpoint", name);
    if (checkpoint.empty())
        result.needs_approval = "no checkpoint of " + name + " is known: it would begin where it was first started";
    result.left_to_person = fmt::format("{} is paused; mend its code or its data, then {}", name, cancel.undo);
    result.over_when = {text_in(job, "flink_job_state", {"RUNNING"})};
    result.steps = {cancel};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "flink.pause-crash-loop",
            .what = "cancels a job that only its developer can mend, and says from where to start it again",
            .destroys = Destroys::availability,
            .cures = {{"flink.null-dereference"}, {"flink.user-exception"}, {"flink.poison-record"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::flink_pause_crash_loop

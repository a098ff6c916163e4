#include <algorithm>

#include "remediations/remedies/parts.h"

// A new version fails on its own records: back to the last good version from the newest complete checkpoint, and the
// bad version is kept for its developer. An older savepoint repeats output, so it needs a person.
namespace medic::remedies::flink_roll_back {
namespace {

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto job = parameter(diagnosis, "job");
    const Subject subject = subject_in(diagnosis, "job", job ? *job : diagnosis.subject.name);
    return {{subject, "flink_job_state"}, {subject, "checkpoint_path"}, {subject, "savepoint_path"}};
}

Step cancel(const Subject& job, const std::string& job_id) {
    Step step{.subject = job, .text = "cancel the failing job " + job.name, .operation = CancelJob{job_id}};
    const std::vector<std::string> ended{"CANCELED", "FAILED", "FINISHED"};
    step.idempotent = true;
    step.precondition = {text_not_in(job, "flink_job_state", {"FINISHED"})};
    step.done = {text_in(job, "flink_job_state", ended)};
    step.skip_if = {text_in(job, "flink_job_state", {"FAILED"})};
    step.expectation = {.all = step.done, .within = Duration{60'000}};
    step.undo = "start the job again from its last checkpoint";
    step.destroys = Destroys::availability;
    step.job = job;
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string name, parameter(diagnosis, "job"));
    MEDIC_TRY(const std::string job_id, parameter(diagnosis, "job_id"));
    MEDIC_TRY(const std::string bad, parameter(diagnosis, "version"));
    MEDIC_TRY(const std::string good, parameter(diagnosis, "last_good_version"));
    const DeploymentInfo* deployment = view.deployment(name);
    if (deployment == nullptr) return fail(ErrorCode::invalid, "no deployment of job {} is configured", name);
    if (std::ranges::find(deployment->versions, good) == deployment->versions.end() || good == bad)
        return fail(ErrorCode::invalid, "version {} of job {} is not in the configuration", good, name);
    if (view.quarantined.contains({name, good}))
        return fail(ErrorCode::invalid, "version {} was rolled back before", good);

    const Subject job = subject_in(diagnosis, "job", name);
    const Fact* checkpoint = view.fact({job, "checkpoint_path"});
    const Fact* savepoint = view.fact({job, "savepoint_path"});
    Plan result;
    std::string from;
    if (checkpoint != nullptr && !checkpoint->text.empty()) {
        from = checkpoint->text;
    } else if (savepoint != nullptr && !savepoint->text.empty()) {
        from = savepoint->text;
        result.needs_approval =
            "only an older savepoint is left (" + from + "): what was put out since then is put out again";
    } else {
        return fail(ErrorCode::not_ready, "no complete checkpoint and no savepoint of job {} is known", name);
    }
    result.summary =
        fmt::format("version {} of {} fails on its own records: back to {} from {}", bad, name, good, from);
    result.quarantine = Quarantine{diagnosis.subject.cluster, name, bad};
    Step start{.subject = job,
               .text = fmt::format("start version {} of {} from {}", good, name, from),
               .operation = StartDeployment{.job = name, .version = good, .restore_from = from}};
    start.timeout = Duration{60'000};
    start.done = {text_in(job, "flink_job_state", {"CREATED", "INITIALIZING", "RUNNING", "RESTARTING"})};
    start.precondition = {text_in(job, "flink_job_state", {"CANCELED", "FAILED"})};
    start.expectation = job_runs_and_progresses(job);
    start.undo = "stop it with a savepoint; version " + bad + " is in quarantine until its developer releases it";
    start.job = job;
    start.after_own_stop = true;
    result.steps = {cancel(job, job_id), start};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "flink.roll-back",
            .what = "starts the last good version from the newest complete checkpoint and quarantines the bad one",
            .destroys = Destroys::availability,
            .cures = {{"flink.null-dereference"}, {"flink.user-exception"}, {"flink.state-incompatible"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::flink_roll_back

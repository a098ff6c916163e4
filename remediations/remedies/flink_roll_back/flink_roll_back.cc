#include <algorithm>

#include "remediations/remedies/parts.h"

// A new version fails on its own records: back to the last good version from the newest complete checkpoint, and the
// bad version is kept for its developer. An older savepoint repeats output, so it needs a person.
namespace medic::remedies::flink_roll_back {
namespace {

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView& view) {
    const auto job = parameter(diagnosis, "job");
    const Subject subject = subject_in(diagnosis, "job", job ? *job : diagnosis.subject.name);
    auto keys = checkpoint_facts(subject);
    keys.push_back({subject, "savepoint_path"});
    const DeploymentInfo* deployment = view.deployment(subject.name);
    const auto version = parameter(diagnosis, "version");
    if (deployment != nullptr && version)
        for (const std::string& one : deployment->versions) want_artifact(keys, view, *deployment, one);
    return keys;
}

struct Start {
    std::string from;
    std::string told_as;  // The fact that says so: where it says something else, the job has moved on.
    std::string needs_approval;
};

// The newest state that is still there once the failing job is cancelled.
Result<Start> start_from(const PlanningView& view, const Subject& job) {
    const std::string checkpoint = told(view, {job, "checkpoint_path"}),
                      savepoint = told(view, {job, "savepoint_path"});
    const AfterCancel after = newest_checkpoint_after_cancel(view, job);
    if (!checkpoint.empty() && after == AfterCancel::kept) return Start{checkpoint, "checkpoint_path", ""};
    if (!checkpoint.empty() && after == AfterCancel::unknown)
        return fail(ErrorCode::not_ready, "whether the checkpoints of {} outlive its cancellation is not known",
                    job.name);
    if (!savepoint.empty())
        return Start{
            savepoint, "savepoint_path",
            "only an older savepoint is left (" + savepoint + "): what was put out since then is put out again"};
    if (!checkpoint.empty())
        return fail(ErrorCode::invalid,
                    "cancelling {} deletes its checkpoints, and nothing could start from them: set "
                    "execution.checkpointing.externalized-checkpoint-retention to RETAIN_ON_CANCELLATION",
                    job.name);
    return fail(ErrorCode::not_ready, "no complete checkpoint and no savepoint of job {} is known", job.name);
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
    MEDIC_TRY(const Start begin, start_from(view, job));
    const std::string& from = begin.from;
    Plan result;
    result.needs_approval = begin.needs_approval;
    result.summary =
        fmt::format("version {} of {} fails on its own records: back to {} from {}", bad, name, good, from);
    result.quarantine = quarantine_of(view, *deployment, bad);
    Step start = start_deployment(job, {.job = name, .version = good, .restore_from = from});
    start.precondition = {text_in(job, "flink_job_state", {"CANCELED", "FAILED"})};  // FINISHED: a person stopped it.
    start.undo += "; version " + bad + " is in quarantine until its developer releases it";
    result.steps = {cancel_job_at(job, job_id, text_in(job, begin.told_as, {from})), start};
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

#include <algorithm>

#include <fmt/ranges.h>

#include "remediations/planning/deployment.h"
#include "remediations/planning/request_time.h"
#include "remediations/remedies/flink_deploy/prerequisites_internal.h"
#include "remediations/remedies/parts.h"

// A person asks for another version of a job (medic deploy). The old one, blue, runs on until all that the new one,
// green, needs was looked at. Then blue is stopped with a savepoint, which is the exact point at which green goes on,
// and green must show in a health gate that it does the work. If it does not, blue goes on from the same savepoint.
namespace medic::remedies::flink_deploy {
namespace {

// Restarts of green within its gate: a first one may be its neighbour's fault.
constexpr double restarts_that_show_it = 3;
// Below the lease's default ttl of 90 s, or nothing would be sent under a lease. A savepoint that takes longer is
// found by its effect: the job has finished.
constexpr Duration takes_max = request_takes_max;

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView& view) {
    const auto name = parameter(diagnosis, "job"), version = parameter(diagnosis, "version");
    const DeploymentInfo* deployment = name ? view.deployment(*name) : nullptr;
    if (deployment == nullptr || !version) return {};
    return facts_of_prerequisites(diagnosis, view, *deployment, *version);
}

Step verify(const Wish& wish) {
    Step step{.subject = wish.job,
              .text = fmt::format("verify version {} of {}", wish.version, wish.name),
              .operation = VerifyDeployment{wish.name, wish.version, wish.job_id, wish.accepted},
              .timeout = takes_max,
              .undo = "nothing was changed",
              .risk = Risk::reversible};
    step.idempotent = true;
    step.only_asks = true;
    step.job = wish.job;
    return step;
}

// With a savepoint where blue works; a job that fails again and again completes none.
Step end_blue(const Wish& wish, const DeploymentInfo& deployment) {
    Step step = wish.checkpoint.empty()
                    ? stop_with_savepoint(wish.job, wish.job_id, deployment.savepoints)
                    : cancel_job_at(wish.job, wish.job_id, text_in(wish.job, "checkpoint_path", {wish.checkpoint}));
    step.precondition.push_back(text_in(wish.job, "id", {wish.job_id}));
    step.timeout = takes_max;
    step.undo = fmt::format("start version {} from where it ended", wish.from);
    return step;
}

Step start_green(const Wish& wish, const HealthGate& gate) {
    Step step =
        start_deployment(wish.job, {.job = wish.name, .version = wish.version, .restore_from = wish.checkpoint});
    step.once = true;
    step.expectation.within = gate.within;
    step.expectation.stable_for = gate.hold;
    step.expectation.in_vain_if = {at_least(wish.job, "flink_job_restarts_total", restarts_that_show_it)};
    if (!gate.group.empty())
        step.expectation.all.push_back(
            at_most({wish.job.cluster, "group", gate.group}, "kafka_group_lag_records",
                    std::max(static_cast<double>(gate.lag_max), wish.lag_before.value_or(0))));
    step.undo = fmt::format("cancel it and start version {} from the same savepoint", wish.from);
    return step;
}

// Green's state is no better than green: blue goes on from its own. What green has put out since is put out again.
std::vector<Step> back_to_blue(const Wish& wish, const HealthGate& gate) {
    Step halt = cancel_job(wish.job, {});
    halt.text = fmt::format("cancel version {} of {}", wish.version, wish.name);
    halt.skip_if = {text_in(wish.job, "flink_job_state", {"FINISHED", "CANCELED", "FAILED"})};
    Step start = start_deployment(wish.job, {.job = wish.name,
                                             .version = wish.from,
                                             .restore_from = wish.checkpoint,
                                             .parallelism = wish.parallelism,
                                             .settings = {}});
    start.expectation.within = gate.within;
    return {halt, start};
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(Wish wish, wish_in(diagnosis, view));
    const DeploymentInfo& deployment = *view.deployment(wish.name);
    MEDIC_TRY(std::vector<std::string> findings, look_at_prerequisites(wish, view, deployment));
    const HealthGate& gate = deployment.gate;
    Plan plan;
    plan.summary = fmt::format(
        "version {} of {} in place of {}: verify it, {}, start it from there and watch it for {} s; if it does not "
        "work, version {} goes on from the same place",
        wish.version, wish.name, wish.from,
        wish.checkpoint.empty() ? "stop the job with a savepoint" : "cancel the job and keep " + wish.checkpoint,
        gate.hold.count() / 1'000, wish.from);
    plan.findings = std::move(findings);
    plan.steps = {verify(wish)};
    if (diagnosis.facts.contains("dry_run")) {
        plan.summary = "dry run, only the verification is done: " + plan.summary;
        return plan;
    }
    plan.steps.push_back(end_blue(wish, deployment));
    plan.undo_from = plan.steps.size();
    plan.steps.push_back(start_green(wish, gate));
    plan.undo_steps = back_to_blue(wish, gate);
    plan.quarantine_when_undone = quarantine_of(view, deployment, wish.version);
    return plan;
}

}  // namespace

Remedy descriptor() {
    return {.name = "flink.deploy",
            .what = "puts another version of a job in the place of the one that runs, when a person asks for it",
            .destroys = Destroys::availability,
            .cures = {{"operator.deploy", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::flink_deploy

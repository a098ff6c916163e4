#include <algorithm>

#include "remediations/remedies/parts.h"

// A job went with its job manager and nobody starts it again: start the version that ran, from the newest complete
// checkpoint, once nothing of the old attempt can run any more: its old task managers, which hold its tasks until they
// miss the job manager, are fenced and started anew, or waited for where they can't be. Never beside a job of the same
// name, and never empty.
namespace medic::remedies::flink_start_lost_job {
namespace {

// Task managers register anew and load the job's classes first.
constexpr Duration runs_within{120'000};
constexpr Duration process_ends_within{10'000}, process_starts_within{60'000};

struct About {
    std::string name;
    Subject job, lost;
};

Result<About> about(const Diagnosis& diagnosis) {
    MEDIC_TRY(const std::string name, parameter(diagnosis, "job"));
    return About{name, subject_in(diagnosis, "job", name), subject_in(diagnosis, "lost-job", name)};
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto what = about(diagnosis);
    if (!what) return {};
    std::vector<FactKey> keys{{what->lost, "listed"}, {what->lost, "old_attempt"}, {what->job, "flink_job_state"}};
    if (const auto path = parameter(diagnosis, "checkpoint_path"))
        keys.push_back(newest_checkpoint_key(diagnosis.subject.cluster, *path));
    return keys;
}

struct Run {
    std::string version, checkpoint;
    int parallelism = 0;  // 0: not seen, as the version says.
    std::string needs_approval;
};

Result<Run> last_run(const Diagnosis& diagnosis, const PlanningView& view, const About& what) {
    const auto version = parameter(diagnosis, "version");
    if (!version)
        return fail(ErrorCode::invalid, "which version of job {} ran was never seen: it is not started again",
                    what.name);
    const auto path = parameter(diagnosis, "checkpoint_path");
    if (!path)
        return fail(ErrorCode::invalid,
                    "no complete checkpoint of job {} was ever seen: it is not started again with empty state",
                    what.name);
    const DeploymentInfo* deployment = view.deployment(what.name);
    if (deployment == nullptr) return fail(ErrorCode::invalid, "no deployment of job {} is configured", what.name);
    if (std::ranges::find(deployment->versions, *version) == deployment->versions.end())
        return fail(ErrorCode::invalid, "version {} of job {} is not in the configuration", *version, what.name);
    if (view.quarantined.contains({what.name, *version}))
        return fail(ErrorCode::invalid, "version {} of job {} was rolled back before", *version, what.name);
    Run run{.version = *version, .checkpoint = *path, .parallelism = 0, .needs_approval = {}};
    if (const auto parallelism = number(diagnosis, "parallelism"); parallelism && *parallelism > 0)
        run.parallelism = static_cast<int>(*parallelism);
    const Fact* newest = view.fact(newest_checkpoint_key(diagnosis.subject.cluster, *path));
    if (newest == nullptr) {
        run.needs_approval = fmt::format(
            "whether there is a newer checkpoint than {} can't be seen from here: what was put out since it would be "
            "put out again",
            *path);
    } else if (newest->text == no_checkpoint) {
        return fail(ErrorCode::invalid, "no complete checkpoint is left beside {}", *path);
    } else {
        run.checkpoint = newest->text;
    }
    return run;
}

// A node whose task manager still runs tasks of the attempt that is lost.
struct Old {
    Subject node, task_manager;
    bool idle = false;  // It ran no task of the job.
};

// Those that the diagnosis names, if each can be killed and started; else none: then they are waited for.
std::vector<Old> to_fence(const Diagnosis& diagnosis, const PlanningView& view) {
    const auto named = parameter(diagnosis, "old_taskmanagers");
    if (!named) return {};
    const auto idle_named = parameter(diagnosis, "idle_nodes").value_or("");
    const auto idle = split(idle_named, ' ');
    std::vector<Old> all;
    for (const std::string_view pair : split(*named, ' ')) {
        const auto sign = pair.find('=');
        const NodeInfo* node = view.node(pair.substr(0, sign));
        if (sign == std::string_view::npos || node == nullptr || !node->can_kill || !node->can_start) return {};
        all.push_back({subject_in(diagnosis, "node", node->name),
                       subject_in(diagnosis, "taskmanager", std::string(pair.substr(sign + 1))),
                       std::ranges::find(idle, node->name) != idle.end()});
    }
    return all;
}

Step fence(const Old& old, const About& what) {
    Step step{.subject = old.node,
              .text = fmt::format("fence {}: it still runs tasks of {} that its job manager has forgotten",
                                  old.node.name, what.name),
              .operation = KillNode{old.node.name}};
    step.idempotent = true;
    step.precondition = {text_in(what.lost, "listed", {"false"}), text_in(what.lost, "comes_back", {"never"}),
                         equals(old.task_manager, "flink_taskmanager_registered", 0)};
    step.serves_nobody = true;
    step.done = {equals(old.node, "process_up", 0)};
    step.skip_if = step.done;
    step.expectation = {.all = step.done, .within = process_ends_within};
    step.undo = "start " + old.node.name + " again";
    step.destroys = Destroys::availability;
    return step;
}

Step start_anew(const Old& old) {
    Step step{
        .subject = old.node, .text = "start " + old.node.name + " again", .operation = StartNode{old.node.name, false}};
    step.idempotent = true;
    step.precondition = {equals(old.node, "process_up", 0)};
    step.done = {equals(old.node, "process_up", 1)};
    step.skip_if = step.done;  // Whoever looks after it was quicker.
    step.expectation = {.all = step.done, .within = process_starts_within};
    step.undo = "stop " + old.node.name;
    step.risk = Risk::reversible;
    step.after_heal = old.idle;
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const About what, about(diagnosis));
    MEDIC_TRY(const Run run, last_run(diagnosis, view, what));
    if (const Fact* state = view.fact({what.job, "flink_job_state"}); state != nullptr)
        return fail(ErrorCode::invalid, "a job {} is {}: it is not lost", what.name, state->text);
    if (view.fact({what.lost, "listed"}) == nullptr)
        return fail(ErrorCode::not_ready, "whether job {} is listed is not known", what.name);

    Plan result;
    const std::vector<Old> old = to_fence(diagnosis, view);
    result.summary = fmt::format("{} went with its job manager: {}start version {} again from {}", what.name,
                                 old.empty() ? "" : "fence its old task managers, ", run.version, run.checkpoint);
    for (const Old& one : old) result.steps.push_back(fence(one, what));
    for (const Old& one : old)
        if (!one.idle) result.steps.push_back(start_anew(one));
    result.needs_approval = run.needs_approval;
    Step start{.subject = what.job,
               .text = fmt::format("start version {} of {} from {}", run.version, what.name, run.checkpoint),
               .operation = StartDeployment{.job = what.name,
                                            .version = run.version,
                                            .restore_from = run.checkpoint,
                                            .parallelism = run.parallelism,
                                            .settings = {}}};
    start.timeout = Duration{60'000};
    start.precondition = {text_in(what.lost, "listed", {"false"})};
    if (old.empty()) start.precondition.push_back(text_in(what.lost, "old_attempt", {"gone"}));
    start.done = {text_in(what.lost, "listed", {"true"})};
    start.expectation = job_runs_and_progresses(what.job);
    start.expectation.within = runs_within;
    start.undo = "stop it with a savepoint";
    start.same_definition = true;
    // `job` stays empty: no state is known of a job that nobody lists. That it had not ended is in the finding.
    result.steps.push_back(std::move(start));
    for (const Old& one : old)
        if (one.idle) result.steps.push_back(start_anew(one));
    return result;
}

}  // namespace

Remedy descriptor() {
    return {
        .name = "flink.start-lost-job",
        .what =
            "starts a job that went with its job manager again, from its newest complete checkpoint, and fences its "
            "old task managers before",
        .destroys = Destroys::availability,
        .cures = {{"flink.job-lost"}},
        .needs = needs,
        .plan = plan};
}

}  // namespace medic::remedies::flink_start_lost_job

#include "remediations/remedies/parts.h"

#include <algorithm>
#include <optional>

// The job's static settings do not fit its load: under the adaptive scheduler it is rescaled while it goes on; else it
// is stopped with a savepoint and started with new ones. Taken back if that did not help.
namespace medic::remedies::flink_change_configuration {
namespace {

constexpr double share_of_offered_min = 0.95;  // Of the offered rate: what "fits the load" means.
constexpr int parallelism_max = 1'000;         // Where the deployment names no limit.
// A source commits what it has read with each checkpoint: a rate shows once two of them have completed.
constexpr int checkpoints_that_show_it = 2;
constexpr Duration carries_within{120'000}, restores_within{60'000};
constexpr Duration shown_within_max{20 * 60'000};  // The cluster's other changes wait meanwhile.
constexpr std::string_view setting_prefix =
    "setting.";  // Diagnosis facts "setting.execution.checkpointing.interval" = "10 s".

struct Change {
    std::string name, job_id, version;
    Subject job;
    int from = 0, to = 0;
    std::map<std::string, std::string> settings;
    std::string savepoints;
    std::optional<Duration> checkpoint_interval;  // nullopt: not known, or it takes none of its own.
    Duration gate{0};                             // HealthGate::within of its deployment.
};

FactKey scheduler(const Subject& job) { return {job, "scheduler"}; }
// How many subtasks each of its vertices may have, "4,4,1": under the adaptive scheduler, which gives them fewer where
// it lacks slots.
FactKey bounds(const Subject& job) { return {job, "parallelism_bounds"}; }

FactKey free_slots(const Subject& job) {
    return {{job.cluster, "cluster", job.cluster}, "flink_taskmanager_free_slots"};
}
FactKey checkpoint_interval(const Subject& job) { return {job, "checkpoint_interval_ms"}; }

bool has_bound(std::string_view bounds, int bound) {
    return std::ranges::any_of(split(bounds, ','), [&](std::string_view one) { return integer(one) == bound; });
}

// Each that is `from` made `to`, as rescaling does.
std::string moved(std::string_view bounds, int from, int to) {
    std::string all;
    for (const std::string_view one : split(bounds, ',')) {
        if (!all.empty()) all += ',';
        all += integer(one) == from ? std::to_string(to) : std::string(one);
    }
    return all;
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto job = parameter(diagnosis, "job");
    const Subject subject = subject_in(diagnosis, "job", job ? *job : diagnosis.subject.name);
    return {{subject, "flink_job_parallelism"},
            {subject, "flink_job_state"},
            scheduler(subject),
            bounds(subject),
            free_slots(subject),
            checkpoint_interval(subject)};
}

// Another parallelism is all that it needs, and its job manager can give it that while the job goes on. Not where a
// vertex may be that wide already: whoever takes it back could not tell it from those that were made so. Nor where the
// bounds are not told (Flink before 1.18).
bool in_place(const Change& what, const PlanningView& view) {
    const std::string now = told(view, bounds(what.job));
    return what.settings.empty() && told(view, scheduler(what.job)) == "adaptive" && !now.empty() &&
           !has_bound(now, what.to);
}

// Where its bounds allow more than it has, it lacks slots: no change of its parallelism gives it those.
Status find_what_holds_it(const Change& what, const PlanningView& view) {
    const std::string now = told(view, bounds(what.job));
    if (!what.settings.empty() || now.empty() || has_bound(now, what.from)) return {};
    return fail(ErrorCode::invalid,
                "job {} has parallelism {} and may have more (its vertices: {}): it lacks slots, nothing to rescale",
                what.name, what.from, now);
}

// What it is started anew with: the version that runs, and a folder for its savepoint.
Status find_version(Change& what, const Diagnosis& diagnosis, const DeploymentInfo* deployment) {
    if (deployment == nullptr || deployment->versions.empty())
        return fail(ErrorCode::invalid, "no deployment of job {} is configured", what.name);
    if (deployment->savepoints.empty())
        return fail(ErrorCode::invalid, "the deployment of {} names no savepoints folder", what.name);
    const auto version = parameter(diagnosis, "version");
    if (!version && deployment->versions.size() > 1)
        return fail(ErrorCode::invalid, "it is not known which version of {} runs", what.name);
    what.version = version ? *version : deployment->versions.front();
    if (std::ranges::find(deployment->versions, what.version) == deployment->versions.end())
        return fail(ErrorCode::invalid, "version {} of job {} is not in the configuration", what.version, what.name);
    what.savepoints = deployment->savepoints;
    return {};
}

// Where nobody has set a limit, there are only the slots that it has and those that are free: under the default
// scheduler a job that wants more says RUNNING, and its tasks wait for them. Subtasks share slots, so that it has as
// many as its widest vertex has subtasks.
Status keep_to_slots(Change& what, const PlanningView& view) {
    if (what.to <= what.from) return {};
    const Fact* free = view.fact(free_slots(what.job));
    if (free == nullptr || !free->value)
        return fail(ErrorCode::not_ready, "how many slots are free for job {} is not known", what.name);
    const auto slots = static_cast<int>(std::clamp(*free->value, 0.0, static_cast<double>(parallelism_max)));
    what.to = std::min(what.to, what.from + slots);
    return {};
}

// How long it may take to show that it carries its load.
void find_pace(Change& what, const PlanningView& view, const DeploymentInfo* deployment) {
    if (deployment != nullptr) what.gate = deployment->gate.within;
    const Fact* interval = view.fact(checkpoint_interval(what.job));
    if (interval != nullptr && interval->value)
        what.checkpoint_interval = Duration{static_cast<std::int64_t>(*interval->value)};
}

Result<Change> change(const Diagnosis& diagnosis, const PlanningView& view) {
    Change result;
    MEDIC_TRY(result.name, parameter(diagnosis, "job"));
    MEDIC_TRY(result.job_id, parameter(diagnosis, "job_id"));
    MEDIC_TRY(const std::int64_t wanted, number(diagnosis, "parallelism_wanted"));
    result.job = subject_in(diagnosis, "job", result.name);
    const DeploymentInfo* deployment = view.deployment(result.name);
    for (const auto& [key, value] : diagnosis.facts)
        if (key.starts_with(setting_prefix)) result.settings[key.substr(setting_prefix.size())] = value;
    const Fact* now = view.fact({result.job, "flink_job_parallelism"});
    if (now == nullptr || !now->value)
        return fail(ErrorCode::not_ready, "the parallelism of job {} is not known", result.name);
    result.from = static_cast<int>(*now->value);
    const bool limited = deployment != nullptr && deployment->parallelism_max > 0;
    result.to =
        static_cast<int>(std::clamp<std::int64_t>(wanted, 1, limited ? deployment->parallelism_max : parallelism_max));
    if (!limited) MEDIC_CHECK(keep_to_slots(result, view));
    find_pace(result, view, deployment);
    if (result.to <= result.from && result.settings.empty())
        return fail(ErrorCode::invalid,
                    "job {} already has parallelism {} and may have at most {} (free slots; "
                    "parallelism_max of its deployment)",
                    result.name, result.from, result.to);
    MEDIC_CHECK(find_what_holds_it(result, view));
    if (!in_place(result, view)) MEDIC_CHECK(find_version(result, diagnosis, deployment));
    return result;
}

Step start(const Change& what, int parallelism, std::map<std::string, std::string> settings) {
    Step step = start_deployment(what.job, {.job = what.name,
                                            .version = what.version,
                                            .restore_from = {},
                                            .parallelism = parallelism,
                                            .settings = std::move(settings)});
    step.text = fmt::format("start {} with parallelism {} from the savepoint", what.name, parallelism);
    step.undo += " and start it with the old settings";
    return step;
}

// A run that has completed no checkpoint, as one that never got its slots, can take no savepoint, and has nothing to
// lose: what it has read is committed with a checkpoint, and the start goes on from the savepoint that was taken first.
// Only where checkpoints are taken at all: else their number says nothing.
Step cancel_fruitless(const Change& what) {
    Step cancel = cancel_job(what.job, {});
    cancel.text = fmt::format("cancel {}, which has completed no checkpoint", what.name);
    cancel.precondition = {
        text_in(what.job, "flink_job_state", {"CREATED", "INITIALIZING", "RUNNING", "RESTARTING", "FAILING"}),
        at_most(what.job, "flink_checkpoints_completed_total", 0)};
    cancel.skip_if = {at_least(what.job, "flink_checkpoints_completed_total", 1)};
    cancel.undo = "start it again from the savepoint";
    cancel.after_own_stop = true;
    cancel.optional = true;  // Where it has ended by itself, or can't be told, the next step decides.
    return cancel;
}

// Taking it back: the job has a new id by then, which is looked up when it is sent. A start that failed has left no job
// to stop. A run that has completed checkpoints is only ever ended with a savepoint: from the first one it would put
// out once more what came since.
std::vector<Step> take_back(const Change& what) {
    Step halt = stop_with_savepoint(what.job, {}, what.savepoints);
    halt.precondition = {text_in(what.job, "flink_job_state", {"RUNNING", "RESTARTING"})};
    halt.skip_if = {text_in(what.job, "flink_job_state", {"FINISHED", "CANCELED", "FAILED"})};
    halt.after_own_stop = true;
    Step as_it_was = start(what, what.from, {});
    as_it_was.text = fmt::format("start {} as it was, with parallelism {}, from the savepoint", what.name, what.from);
    if (!what.checkpoint_interval) return {halt, as_it_was};
    return {cancel_fruitless(what), halt, as_it_was};
}

// That the job carries what it is offered, where the group that it reads with is known.
void expect_offered_rate(Expectation& expectation, const Change& what, const Diagnosis& diagnosis) {
    expectation.within = std::max(carries_within, what.gate);
    expectation.stable_for = Duration{5'000};
    const auto group = parameter(diagnosis, "group");
    const auto offered = number(diagnosis, "offered_per_second");
    const Duration shown_within =
        what.checkpoint_interval ? checkpoints_that_show_it * *what.checkpoint_interval + restores_within : Duration{0};
    if (!group || !offered || shown_within > shown_within_max) return;
    expectation.all.push_back(rate_at_least(subject_in(diagnosis, "group", *group), "kafka_group_committed_offset",
                                            share_of_offered_min * static_cast<double>(*offered)));
    expectation.within = std::max(expectation.within, shown_within);
}

// Sent only while each vertex may be as wide as was seen, and taken back only from what comes of that: else it would
// narrow one that somebody else has made wide.
Plan plan_in_place(const Change& what, const Diagnosis& diagnosis, const PlanningView& view) {
    const std::string before = told(view, bounds(what.job)), after = moved(before, what.from, what.to);
    Plan result;
    result.summary = fmt::format("{} does not keep up with parallelism {}: rescale it in place to {}", what.name,
                                 what.from, what.to);
    Step wider = rescale_job(what.job, {.job_id = what.job_id, .from = what.from, .to = what.to});
    expect_offered_rate(wider.expectation, what, diagnosis);
    wider.precondition.push_back(text_in(what.job, bounds(what.job).name, {before}));
    wider.once = true;  // It has it then; what that did not help is taken back.
    Step back = rescale_job(what.job, {.job_id = what.job_id, .from = what.to, .to = what.from});
    // `before`: the request was lost, or that it came is not told yet. It changes nothing where it was lost.
    back.precondition = {text_in(what.job, "flink_job_state", {"RUNNING", "RESTARTING"}),
                         text_in(what.job, bounds(what.job).name, {before, after})};
    result.steps = {wider};
    result.undo_steps = {back};
    result.findings = {
        "it goes on from its last checkpoint: a sink that is not transactional gets once more what came "
        "after it"};
    return result;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const Change what, change(diagnosis, view));
    if (in_place(what, view)) return plan_in_place(what, diagnosis, view);
    Plan result;
    result.summary = fmt::format("{} does not keep up with parallelism {}: restart it from a savepoint with {}",
                                 what.name, what.from, what.to);
    for (const auto& [key, value] : what.settings) result.summary += fmt::format(", {} = {}", key, value);
    Step begin = start(what, what.to, what.settings);
    expect_offered_rate(begin.expectation, what, diagnosis);
    result.steps = {stop_with_savepoint(what.job, what.job_id, what.savepoints), begin};
    result.undo_steps = take_back(what);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "flink.change-configuration",
            .what = "gives a job settings that fit its load: rescaled in place, or from a savepoint",
            .destroys = Destroys::availability,
            .cures = {{"flink.configuration-does-not-fit-load"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::flink_change_configuration

#include "remediations/remedies/parts.h"

#include <algorithm>
#include <charconv>

#include "remediations/planning/request_time.h"

namespace medic::remedies {

Result<std::string> parameter(const Diagnosis& diagnosis, std::string_view name) {
    const auto found = diagnosis.facts.find(std::string(name));
    if (found == diagnosis.facts.end() || found->second.empty())
        return fail(ErrorCode::invalid, "the diagnosis {} does not say which {}", diagnosis.cause, name);
    return found->second;
}

Result<std::int64_t> number(const Diagnosis& diagnosis, std::string_view name) {
    MEDIC_TRY(const std::string text, parameter(diagnosis, name));
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    // A fraction ("1.5e6" bytes of a forecast) is cut off; anything else that is not a number is refused.
    if (code != std::errc{} || (end != text.data() + text.size() && *end != '.'))
        return fail(ErrorCode::invalid, "the diagnosis {} gives {} as {}, which is no number", diagnosis.cause, name,
                    text);
    return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(at), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::optional<int> integer(std::string_view text) {
    int value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

Condition jobmanager_answers(const Diagnosis& diagnosis) {
    if (const auto flink = parameter(diagnosis, "flink"))
        return equals(subject_in(diagnosis, "flink", *flink), "flink_jobmanager_reachable", 1);
    return equals(subject_in(diagnosis, "cluster", diagnosis.subject.cluster), "flink_jobmanager_reachable", 1);
}

Expectation job_runs_and_progresses(const Subject& job) {
    return {.all = {text_in(job, "flink_job_state", {"RUNNING"})},
            .any = {progressing(job, "flink_checkpoints_completed_total"),
                    progressing(job, "flink_subtask_records_in_total")},
            .worse_if = {text_in(job, "flink_job_state", {"FAILED"})},
            .within = Duration{60'000},
            .stable_for = Duration{2'000}};
}

Step stop_with_savepoint(const Subject& job, std::string job_id, std::string folder) {
    Step step{.subject = job,
              .text = "stop " + job.name + " with a savepoint",
              .operation = StopJobWithSavepoint{std::move(job_id), std::move(folder)}};
    step.timeout = request_takes_max;
    step.precondition = {text_in(job, "flink_job_state", {"RUNNING"})};
    step.done = {text_in(job, "flink_job_state", {"FINISHED"})};
    step.expectation = {.all = step.done, .within = Duration{60'000}};
    step.undo = "start it again from the savepoint";
    step.destroys = Destroys::availability;
    step.job = job;
    return step;
}

Step cancel_job(const Subject& job, std::string job_id) {
    Step step{.subject = job, .text = "cancel " + job.name, .operation = CancelJob{std::move(job_id)}};
    step.idempotent = true;
    step.precondition = {text_not_in(job, "flink_job_state", {"FINISHED"})};
    step.done = {text_in(job, "flink_job_state", {"CANCELED", "FAILED", "FINISHED"})};
    step.skip_if = {text_in(job, "flink_job_state", {"FAILED"})};
    step.expectation = {.all = step.done, .within = Duration{60'000}};
    step.undo = "start the job again from its last checkpoint";
    step.destroys = Destroys::availability;
    step.job = job;
    return step;
}

Step cancel_job_at(const Subject& job, std::string job_id, const Condition& still_newest) {
    Step step = cancel_job(job, std::move(job_id));
    step.precondition.push_back(still_newest);
    step.skip_if.push_back(still_newest);
    return step;
}

Step start_deployment(const Subject& job, StartDeployment what) {
    Step step{.subject = job,
              .text = fmt::format("start version {} of {} from {}", what.version, what.job,
                                  what.restore_from.empty() ? "the savepoint" : what.restore_from)};
    step.restore_from_own_savepoint = what.restore_from.empty();
    step.operation = std::move(what);
    step.timeout = request_takes_max;
    step.precondition = {text_in(job, "flink_job_state", {"FINISHED", "CANCELED", "FAILED"})};
    step.done = {text_in(job, "flink_job_state", {"CREATED", "INITIALIZING", "RUNNING", "RESTARTING"})};
    step.expectation = job_runs_and_progresses(job);
    step.undo = "stop it with a savepoint";
    step.job = job;
    step.after_own_stop = true;
    return step;
}

Step rescale_job(const Subject& job, RescaleJob what) {
    Step step{.subject = job,
              .text = fmt::format("rescale {} in place, from parallelism {} to {}", job.name, what.from, what.to)};
    step.undo = fmt::format("rescale it back to {}", what.from);
    step.done = {equals(job, "flink_job_parallelism", what.to)};
    // One that has no checkpoint to go on from would begin anew.
    step.precondition = {text_in(job, "flink_job_state", {"RUNNING"}),
                         at_least(job, "flink_checkpoints_completed_total", 1)};
    step.operation = std::move(what);
    step.idempotent = true;
    step.expectation = job_runs_and_progresses(job);
    step.expectation.all.push_back(step.done.front());
    step.destroys = Destroys::availability;
    step.job = job;
    return step;
}

const NodeInfo* choose_spare(const PlanningView& view, const NodeInfo& lost) {
    const NodeInfo* best = nullptr;
    for (const auto& node : view.cluster.nodes) {
        if (node.role != "taskmanager" || !node.spare || !node.can_start || node.name == lost.name) continue;
        if (best == nullptr || (best->zone != lost.zone && node.zone == lost.zone)) best = &node;
    }
    return best;
}

Result<std::vector<PartitionOfTopic>> read_partitions(std::string_view text) {
    std::vector<PartitionOfTopic> all;
    for (const auto part : split(text, ';')) {
        const auto colon = part.find(':');
        if (colon == std::string_view::npos || colon == 0)
            return fail(ErrorCode::invalid, "the partitions {} can't be read", text);
        for (const auto number : split(part.substr(colon + 1), ',')) {
            const auto partition = integer(number);
            if (!partition || *partition < 0) return fail(ErrorCode::invalid, "the partitions {} can't be read", text);
            all.push_back({std::string(part.substr(0, colon)), *partition});
        }
    }
    return all;
}

std::string told(const PlanningView& view, const FactKey& key) {
    const Fact* fact = view.fact(key);
    return fact != nullptr ? fact->text : std::string();
}

void want_artifact(std::vector<FactKey>& keys, const PlanningView& view, const DeploymentInfo& deployment,
                   const std::string& version) {
    const auto artifact = deployment.artifacts.find(version);
    if (artifact != deployment.artifacts.end()) keys.push_back(artifact_key(view.cluster.name, artifact->second));
}

Quarantine quarantine_of(const PlanningView& view, const DeploymentInfo& deployment, const std::string& version) {
    Quarantine one{view.cluster.name, deployment.job, version, {}};
    const auto artifact = deployment.artifacts.find(version);
    if (artifact == deployment.artifacts.end()) return one;
    const auto hash_of = [&](const std::string& path) { return told(view, artifact_key(view.cluster.name, path)); };
    const std::string hash = hash_of(artifact->second);
    // Versions of one artifact differ by their arguments: what it holds does not tell them apart.
    const bool shared = std::ranges::any_of(deployment.artifacts, [&](const auto& other) {
        return other.first != version && hash_of(other.second) == hash;
    });
    if (hash != no_artifact && !shared) one.artifact = hash;
    return one;
}

bool is_quarantined(const PlanningView& view, const Quarantine& one) {
    return view.quarantined.contains({one.job, one.version}) ||
           (!one.artifact.empty() && view.quarantined.contains({one.job, one.artifact}));
}

std::vector<FactKey> checkpoint_facts(const Subject& job) {
    return {{job, "flink_job_state"},
            {job, "checkpoint_path"},
            {job, "checkpoint_is_savepoint"},
            {job, "checkpoints_kept"}};
}

AfterCancel newest_checkpoint_after_cancel(const PlanningView& view, const Subject& job) {
    if (told(view, {job, "checkpoint_is_savepoint"}) == "true")
        return AfterCancel::kept;  // Whoever took it removes it.
    const std::string kept = told(view, {job, "checkpoints_kept"});
    if (kept == "always") return AfterCancel::kept;
    // It has failed already, and what is left was kept for that.
    if (kept == "unless-cancelled" && told(view, {job, "flink_job_state"}) == "FAILED") return AfterCancel::kept;
    return kept.empty() ? AfterCancel::unknown : AfterCancel::deleted;
}

Result<const NodeInfo*> replaceable_node(const Diagnosis& diagnosis, const PlanningView& view) {
    auto name = parameter(diagnosis, "node");
    if (!name) name = parameter(diagnosis, "taskmanager");
    if (!name) return fail(ErrorCode::invalid, "the diagnosis {} does not say which node", diagnosis.cause);
    const NodeInfo* node = view.node(*name);
    if (node == nullptr) return fail(ErrorCode::invalid, "node {} is not in the configuration", *name);
    if (!node->can_start || !node->can_kill)
        return fail(ErrorCode::invalid, "node {} has no driver that can start and kill it", *name);
    if (!node->cordoned.empty() && choose_spare(view, *node) == nullptr)
        return fail(ErrorCode::invalid, "node {} is kept out of use by {}, and nothing takes its place", *name,
                    node->cordoned);
    return node;
}

namespace {

// A Java process that is asked to end does so within seconds, or ends itself (JvmShutdownSafeguard, 5 s).
constexpr Duration stops_within{8'000};

Step stop_in_order(const Diagnosis& diagnosis, const Replacement& replacement) {
    const std::string& node = replacement.lost->name;
    Step stop{.subject = subject_in(diagnosis, "node", node),
              .text = "stop " + node + ": its job manager then gives up what runs there",
              .operation = StopNode{node},
              .timeout = stops_within};
    stop.idempotent = true;
    stop.optional = true;  // What can't be cancelled may not let it stop either: then it is killed.
    stop.precondition = {jobmanager_answers(diagnosis)};
    stop.done = {equals(stop.subject, "process_up", 0)};
    stop.skip_if = stop.done;
    stop.expectation = {.all = stop.done, .within = stops_within};
    stop.undo = "start " + node + " again";
    stop.destroys = Destroys::availability;
    stop.job = replacement.job;
    return stop;
}

}  // namespace

Plan replace_taskmanager(const Diagnosis& diagnosis, const PlanningView& view, const Replacement& replacement) {
    const std::string lost = replacement.lost->name;
    const Subject lost_node = subject_in(diagnosis, "node", lost);
    const NodeInfo* spare = choose_spare(view, *replacement.lost);
    const std::string fresh = spare != nullptr ? spare->name : lost;
    const Subject fresh_node = subject_in(diagnosis, "node", fresh);
    const bool has_job = !replacement.job.kind.empty();

    Plan plan;
    plan.summary =
        fmt::format("{} {}: fence it, start {}{}, let the job resume from its last checkpoint", lost, replacement.why,
                    fresh, spare != nullptr ? " from the warm pool" : " again (the pool is empty)");
    if (replacement.stop_first && replacement.lost->can_stop)
        plan.steps.push_back(stop_in_order(diagnosis, replacement));
    Step fence{.subject = lost_node, .text = "fence " + lost + ": kill its process", .operation = KillNode{lost}};
    fence.idempotent = true;
    fence.precondition = {jobmanager_answers(diagnosis)};
    fence.done = {equals(lost_node, "process_up", 0)};
    if (replacement.fence == Replacement::Fence::unless_gone) fence.skip_if = fence.done;
    fence.expectation = {.all = fence.done, .within = Duration{10'000}};
    fence.undo = "start " + lost + " again";
    fence.destroys = Destroys::availability;
    fence.job = replacement.job;
    plan.steps.push_back(fence);

    Step start{.subject = fresh_node, .text = "start " + fresh, .operation = StartNode{fresh, false}};
    start.idempotent = true;
    start.precondition = {jobmanager_answers(diagnosis)};
    start.done = {equals(fresh_node, "process_up", 1)};
    start.expectation =
        has_job ? job_runs_and_progresses(replacement.job) : Expectation{.all = start.done, .within = Duration{30'000}};
    start.undo = "stop " + fresh + " once another task manager carries its slots";
    start.risk = Risk::reversible;
    start.job = replacement.job;
    plan.steps.push_back(start);

    if (spare == nullptr || !replacement.lost->cordoned.empty()) return plan;
    Step refill{.subject = lost_node, .text = "refill the warm pool with " + lost, .operation = StartNode{lost, true}};
    refill.idempotent = true;
    refill.precondition = {jobmanager_answers(diagnosis)};
    refill.done = {equals(lost_node, "process_up", 1)};
    refill.skip_if = refill.done;  // It has come back by itself, or another plan has refilled the pool with it.
    refill.expectation = {.all = refill.done, .within = Duration{30'000}};
    refill.undo = "stop " + lost;
    refill.risk = Risk::reversible;
    refill.after_heal = true;
    plan.steps.push_back(refill);
    return plan;
}

}  // namespace medic::remedies

#include <algorithm>

#include "remediations/planning/dry_run.h"
#include "remediations/planning/node_roles.h"
#include "remediations/planning/request_time.h"
#include "remediations/remedies/parts.h"

// A person asks for a rolling restart (medic roll): brokers, Connect workers or task managers, one after another, each
// stopped in good order and started again, and the next one only when the one before it does its work again. Which may
// be stopped at all, the guards say at each step: partitions-available for brokers. Nothing is ever killed.
namespace medic::remedies::node_roll {
namespace {

// Kafka's controlled shutdown moves each leader away first; Flink and Connect hand over their tasks.
constexpr Duration stopped_within{5 * 60'000};
constexpr Duration driver_takes_max = request_takes_max;  // One that is ended by it has said what it wants.
// What has just come back may fall over again, and groups find each other.
constexpr Duration settles_in{5'000};

// Of one attempt. A broker recovers its logs, then copies what it has missed.
Duration back_within(const NodeRole& runs) { return Duration{(runs.role == "broker" ? 10 : 3) * 60'000}; }

Result<NodeRole> what_runs(const Diagnosis& diagnosis) {
    MEDIC_TRY(const std::string role, parameter(diagnosis, "role"));
    const NodeRole* found = node_role(role);
    if (found == nullptr)
        return fail(ErrorCode::invalid, "a {} is not rolled: broker, connect-worker or taskmanager", role);
    return *found;
}

std::vector<std::string> names_in(const Diagnosis& diagnosis) {
    const std::string list = parameter(diagnosis, "nodes").value_or("");
    std::vector<std::string> names;
    for (const auto name : split(list, ',')) names.emplace_back(name);
    return names;
}

FactKey quorum_leader(const Diagnosis& diagnosis) {
    return {subject_in(diagnosis, "cluster", diagnosis.subject.cluster), "kafka_quorum_leader"};
}

// Jobs that ran before must run again before the next task manager goes.
std::vector<FactKey> job_states(const Diagnosis& diagnosis, const PlanningView& view) {
    std::vector<FactKey> keys;
    for (const auto& deployment : view.cluster.deployments)
        keys.push_back({subject_in(diagnosis, "job", deployment.job), "flink_job_state"});
    return keys;
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView& view) {
    const auto runs = what_runs(diagnosis);
    if (!runs) return {};
    std::vector<FactKey> keys;
    for (const auto& name : names_in(diagnosis))
        keys.push_back({subject_in(diagnosis, "node", name), std::string(runs->kind)});
    if (runs->role == "broker") keys.push_back(quorum_leader(diagnosis));
    if (runs->role == "taskmanager")
        for (auto& key : job_states(diagnosis, view)) keys.push_back(std::move(key));
    return keys;
}

struct Target {
    std::string node, runs;  // broker-2, "2".
};

// The controller goes last: each move of it costs the cluster a moment (Strimzi rolls in this order).
Result<std::vector<Target>> in_order(const Diagnosis& diagnosis, const PlanningView& view, const NodeRole& runs) {
    std::vector<Target> targets;
    for (const auto& name : names_in(diagnosis)) {
        const NodeInfo* node = view.node(name);
        if (node == nullptr || node->role != runs.role)
            return fail(ErrorCode::invalid, "{} is no {} of the configuration", name, runs.role);
        if (!node->can_stop || !node->can_start)
            return fail(ErrorCode::invalid, "node {} has no driver that can stop and start it", name);
        const std::string what = told(view, {subject_in(diagnosis, "node", name), std::string(runs.kind)});
        if (what.empty()) return fail(ErrorCode::not_ready, "which {} runs on {} is not known", runs.kind, name);
        targets.push_back({name, what});
    }
    if (targets.empty()) return fail(ErrorCode::invalid, "no node is named");
    const Fact* leader = runs.role == "broker" ? view.fact(quorum_leader(diagnosis)) : nullptr;
    if (leader != nullptr && leader->value)
        std::ranges::stable_partition(
            targets, [&](const Target& one) { return one.runs != std::to_string(static_cast<int>(*leader->value)); });
    return targets;
}

// It does its work again, not only runs.
std::vector<Condition> works_again(const Diagnosis& diagnosis, const PlanningView& view, const NodeRole& runs,
                                   const Target& target) {
    const Subject subject = subject_in(diagnosis, std::string(runs.kind), target.runs);
    std::vector<Condition> all{equals(subject_in(diagnosis, "node", target.node), "process_up", 1),
                               equals(subject, std::string(runs.answers), 1)};
    if (runs.role == "broker") all.push_back(equals(subject, "kafka_broker_replicas_out_of_sync", 0));
    if (runs.role == "taskmanager")
        for (const auto& key : job_states(diagnosis, view))
            if (told(view, key) == "RUNNING") all.push_back(text_in(key.subject, key.name, {"RUNNING"}));
    return all;
}

// What a person wants to know of it beforehand.
std::vector<std::string> what_it_waits_for(const NodeRole& runs, const std::vector<Target>& targets) {
    std::string order;
    for (const auto& target : targets) order += (order.empty() ? "" : ", ") + target.node;
    if (runs.role == "broker" && targets.size() > 1) order += "; who leads the controllers' quorum goes last";
    std::string works = "it answers again";
    if (runs.role == "broker") works += ", every replica on it is in sync";
    if (runs.role == "taskmanager") works = "it is registered again, every job of `deployments` that runs now runs";
    return {
        "order: " + order,
        fmt::format("the next one's turn comes when {}, for {} s without a break", works, settles_in.count() / 1'000),
        fmt::format("each is given {} min to stop and, in each attempt, {} min to work again; then a person is told",
                    stopped_within.count() / 60'000, back_within(runs).count() / 60'000)};
}

// Shown, never sent.
void make_dry(Plan& plan, const NodeRole& runs, const std::vector<Target>& targets) {
    plan.summary = "dry run, nothing is sent: " + plan.summary;
    plan.findings = what_it_waits_for(runs, targets);
    for (Step& step : plan.steps) step.precondition.push_back(never_met(step.subject));
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const NodeRole runs, what_runs(diagnosis));
    MEDIC_TRY(const std::vector<Target> targets, in_order(diagnosis, view, runs));
    Plan plan;
    for (const auto& target : targets) {
        plan.summary += (plan.summary.empty() ? "restart one after another: " : ", ") + target.node;
        const Subject node = subject_in(diagnosis, "node", target.node);
        Step stop{.subject = node,
                  .text = "stop " + target.node + " in good order",
                  .operation = StopNode{target.node},
                  .timeout = driver_takes_max};
        stop.idempotent = true;
        // The one before it may have fallen over again, or another one meanwhile.
        for (const auto& other : targets)
            stop.precondition.push_back(equals(subject_in(diagnosis, "node", other.node), "process_up", 1));
        stop.done = {equals(node, "process_up", 0)};
        stop.expectation = {.all = stop.done, .within = stopped_within};
        stop.undo = "start " + target.node;
        stop.destroys = Destroys::availability;
        plan.steps.push_back(stop);

        Step start{.subject = node,
                   .text = "start " + target.node,
                   .operation = StartNode{target.node, false},
                   .timeout = driver_takes_max};
        start.idempotent = true;
        start.precondition = {at_least(node, "process_up", 0)};  // Up or not: it must be known.
        start.done = {equals(node, "process_up", 1)};
        // Also where its service manager was sooner: that it works again is what counts.
        start.expectation = {
            .all = works_again(diagnosis, view, runs, target), .within = back_within(runs), .stable_for = settles_in};
        start.undo = "stop " + target.node;
        start.risk = Risk::reversible;
        plan.steps.push_back(start);
    }
    if (is_dry_run(diagnosis)) make_dry(plan, runs, targets);
    return plan;
}

}  // namespace

Remedy descriptor() {
    return {.name = "node.roll",
            .what = "restarts brokers, Connect workers or task managers one after another, when a person asks for it",
            .destroys = Destroys::availability,
            .cures = {{"operator.roll", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::node_roll

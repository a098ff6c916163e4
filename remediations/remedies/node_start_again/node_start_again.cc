#include <algorithm>

#include "remediations/planning/request_time.h"
#include "remediations/remedies/dead_consumers.h"
#include "remediations/remedies/parts.h"

// A job manager, Connect worker or broker is gone, alive but silent, blocked in its own thread, or fails at whatever it
// is given: end it where it still has a process (one that works on is asked to, any other is fenced), start it again.
// Nothing is moved: its work comes back with it, or went elsewhere by itself. Jobs
// that a job manager without high availability has forgotten are a trouble of their own (flink.job-lost).
namespace medic::remedies::node_start_again {
namespace {

// Kafka recovers its log first, Connect loads its plugins: half a minute each on a busy machine.
constexpr Duration back_within{120'000};
// Kafka's controlled shutdown moves each leader away first; Connect hands its tasks over.
constexpr Duration stopped_within{5 * 60'000};

constexpr std::string_view faulty = "node.many-faults";

// Its own API answers again.
Result<Condition> answers(const Diagnosis& diagnosis, const NodeInfo& node) {
    if (node.role == "jobmanager") return jobmanager_answers(diagnosis);
    if (node.role == "connect-worker") {
        MEDIC_TRY(const std::string worker, parameter(diagnosis, "worker"));
        const bool blocked = diagnosis.cause == "connect.herder-blocked";
        return equals(subject_in(diagnosis, "worker", worker),
                      blocked ? "connect_worker_herder_answers" : "connect_worker_reachable", 1);
    }
    if (node.role == "broker") {
        MEDIC_TRY(const std::string broker, parameter(diagnosis, "broker"));
        return equals(subject_in(diagnosis, "broker", broker), "kafka_broker_reachable", 1);
    }
    return fail(ErrorCode::invalid, "node {} is a {}, which this remedy does not start", node.name, node.role);
}

std::string_view what_is_wrong(std::string_view cause) {
    if (cause == faulty) return "fails again and again: stop it and";
    if (cause.ends_with("-frozen")) return "stands still: fence it and";
    if (cause.ends_with("-blocked")) return "works on no request: fence it and";
    return "is gone:";
}

// A Connect cluster that goes on without one of its workers holds that worker's tasks back for a while, whether it
// comes back or not (KIP-415; scheduled.rebalance.max.delay.ms, 300 s), and tells them as RUNNING meanwhile. One that
// has lost its only worker begins anew at once.
std::string what_it_waits_for(const NodeInfo& node, const PlanningView& view) {
    const bool others = std::ranges::any_of(view.cluster.nodes, [&](const NodeInfo& one) {
        return one.role == node.role && one.name != node.name && !one.spare;
    });
    if (node.role != "connect-worker" || !others) return "";
    return "; its tasks begin again when Connect's rebalance delay is over (scheduled.rebalance.max.delay.ms, five "
           "minutes "
           "by default), although they are told as RUNNING";
}

// It answers nothing, or not what matters: nobody misses its process.
Step fence_of(const NodeInfo& node, const Subject& subject, const Condition& back) {
    Condition silent = back;
    silent.value = 0;
    Step fence{
        .subject = subject, .text = "fence " + node.name + ": kill its process", .operation = KillNode{node.name}};
    fence.idempotent = true;
    fence.precondition = {silent};  // One that answers again has come back to life.
    fence.done = {equals(subject, "process_up", 0)};
    fence.skip_if = fence.done;
    fence.expectation = {.all = fence.done, .within = Duration{10'000}};
    return fence;
}

// It still serves: it hands over what it has, and where that can't be (partitions that need it) it is left as it is.
Step stop_of(const NodeInfo& node, const Subject& subject) {
    Step stop{.subject = subject,
              .text = "stop " + node.name + " in good order",
              .operation = StopNode{node.name},
              .timeout = request_takes_max};
    stop.idempotent = true;
    stop.precondition = {equals(subject, "process_up", 1)};
    stop.done = {equals(subject, "process_up", 0)};
    stop.skip_if = stop.done;
    stop.expectation = {.all = stop.done, .within = stopped_within};
    return stop;
}

Step start_of(const NodeInfo& node, const Subject& subject, const Condition& back) {
    Step start{.subject = subject, .text = "start " + node.name, .operation = StartNode{node.name, false}};
    start.idempotent = true;
    start.precondition = {equals(subject, "process_up", 0)};
    start.done = {equals(subject, "process_up", 1)};
    start.expectation = {.all = {start.done.front(), back}, .within = back_within, .stable_for = Duration{2'000}};
    start.undo = "stop " + node.name;
    start.risk = Risk::reversible;
    return start;
}

Result<Step> end_of(const Diagnosis& diagnosis, const NodeInfo& node, const Subject& subject, const Condition& back) {
    if (diagnosis.cause != faulty) return fence_of(node, subject, back);
    if (!node.can_stop)
        return fail(ErrorCode::invalid, "node {} still works, and has no driver that can stop it in good order",
                    node.name);
    // Whoever starts it again and again has done what this remedy would do.
    if (2 * number(diagnosis, "restarts").value_or(0) > number(diagnosis, "faults").value_or(0))
        return fail(ErrorCode::invalid, "node {} is started again and again already: what ends it must be found",
                    node.name);
    return stop_of(node, subject);
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const NodeInfo* node, replaceable_node(diagnosis, view));
    MEDIC_TRY(const Condition back, answers(diagnosis, *node));
    const Subject subject = subject_in(diagnosis, "node", node->name);
    MEDIC_TRY(Step end, end_of(diagnosis, *node, subject, back));
    end.undo = "start " + node->name + " again";
    end.destroys = Destroys::availability;
    end.compatible_with = {"reassignment"};  // A move to or from a broker waits for it.

    Plan plan;
    plan.summary = fmt::format("{} {} start it again{}", node->name, what_is_wrong(diagnosis.cause),
                               what_it_waits_for(*node, view));
    plan.steps.push_back(end);
    if (auto removal = remove_dead_consumers(diagnosis, view, subject)) plan.steps.push_back(*std::move(removal));
    Step start = start_of(*node, subject, back);
    start.compatible_with = end.compatible_with;
    plan.steps.push_back(std::move(start));
    return plan;
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto node = parameter(diagnosis, "node");
    if (!node) return {};
    std::vector<FactKey> keys = dead_consumer_facts(diagnosis);
    keys.push_back({subject_in(diagnosis, "node", *node), "process_up"});
    return keys;
}

}  // namespace

Remedy descriptor() {
    return {
        .name = "node.start-again",
        .what =
            "starts a lost, frozen or failing job manager, Connect worker or broker again, ended before where it still "
            "has a process",
        .destroys = Destroys::availability,
        .cures = {{"flink.jobmanager-lost"},
                  {"flink.jobmanager-frozen"},
                  {"connect.worker-lost"},
                  {"connect.worker-frozen"},
                  {.cause = "connect.herder-blocked", .since = 2},
                  {"kafka.broker-lost"},
                  {"kafka.broker-frozen"},
                  {.cause = std::string(faulty), .since = 2}},
        .needs = needs,
        .plan = plan};
}

}  // namespace medic::remedies::node_start_again

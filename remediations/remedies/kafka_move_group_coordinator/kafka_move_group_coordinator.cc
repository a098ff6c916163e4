#include <algorithm>

#include "agent/store/kafka_words.h"
#include "remediations/remedies/leadership.h"
#include "remediations/remedies/parts.h"

// A coordinator hangs in one partition of __consumer_offsets, on a broker that does all else: another replica that is
// in sync leads that partition, loads its groups and serves them. The same replicas with another one first, then an
// election: no data moves, and Kafka's own leader balancing leaves it so. What hangs in the broker ends when that is
// started anew, which is for a person to choose a time for.
namespace medic::remedies::kafka_move_group_coordinator {
namespace {

constexpr const char* leader = "kafka_partition_leader";
constexpr const char* in_sync = "kafka_partition_in_sync_replicas";
constexpr const char* answers = "kafka_coordinator_answers";
constexpr const char* reachable = "kafka_broker_reachable";
constexpr const char* moving = "kafka_cluster_partitions_reassigning";
constexpr Duration ordered_within{30'000};
// The new one reads the whole partition first (offsets.load.buffer.size at a time; compaction keeps it small).
constexpr Duration serves_within{90'000}, serves_for{10'000};

struct Stuck {
    LedPartition was;
    Subject partition, broker;
    int heir = -1;
    std::vector<int> order;  // The heir first, the stuck one last.
};

Subject cluster_of(const Diagnosis& diagnosis) { return subject_in(diagnosis, "cluster", diagnosis.subject.cluster); }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const Subject broker = subject_in(diagnosis, "broker", parameter(diagnosis, "broker").value_or(""));
    std::vector<FactKey> keys{{cluster_of(diagnosis), moving}, {broker, "leadership"}, {diagnosis.subject, answers}};
    const std::string peers = parameter(diagnosis, "peers").value_or("");
    for (const auto id : split(peers, ','))
        for (const char* name : {reachable, "kafka_broker_replicas_out_of_sync", "kafka_broker_leaders"})
            keys.push_back({subject_in(diagnosis, "broker", std::string(id)), name});
    return keys;
}

double of_broker(const PlanningView& view, const Subject& broker, const char* name, double unknown) {
    const Fact* fact = view.fact({broker, name});
    return fact != nullptr && fact->value ? *fact->value : unknown;
}

// In sync, there, with nothing to catch up on; of several the one that leads least.
Result<int> heir_of(const Diagnosis& diagnosis, const PlanningView& view, const LedPartition& was) {
    std::optional<std::pair<double, int>> best;
    for (const int id : was.replicas) {
        if (id == was.leader || !was.is_in_sync(id)) continue;
        const Subject peer = subject_in(diagnosis, "broker", std::to_string(id));
        const Fact* leads = view.fact({peer, "kafka_broker_leaders"});
        if (of_broker(view, peer, reachable, 0) != 1 ||
            of_broker(view, peer, "kafka_broker_replicas_out_of_sync", 1) != 0 || leads == nullptr || !leads->value)
            continue;
        const std::pair one{*leads->value, id};
        if (!best || one < *best) best = one;
    }
    if (!best)
        return fail(ErrorCode::not_ready, "no other replica of {} is known to be in sync and well",
                    diagnosis.subject.name);
    return best->second;
}

Result<Stuck> look_at(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string broker, parameter(diagnosis, "broker"));
    MEDIC_TRY(const std::int64_t number_of, number(diagnosis, "offsets_partition"));
    const Fact* moves = view.fact({cluster_of(diagnosis), moving});
    if (moves == nullptr || !moves->value)
        return fail(ErrorCode::not_ready, "it is not known whether replicas are being moved");
    if (*moves->value > 0) return fail(ErrorCode::not_ready, "{:.0f} partitions are being moved", *moves->value);
    Stuck stuck{
        .was = {}, .partition = diagnosis.subject, .broker = subject_in(diagnosis, "broker", broker), .order = {}};
    const std::string text = told(view, {stuck.broker, "leadership"});
    if (text.empty()) return fail(ErrorCode::not_ready, "which partitions broker {} leads is not known", broker);
    MEDIC_TRY(const auto led, read_leadership(text));
    const auto id = integer(broker);
    const auto mine = std::ranges::find_if(led, [&](const LedPartition& one) {
        return one.partition.topic == coordinators_topic && one.partition.partition == number_of;
    });
    if (mine == led.end() || !id || mine->leader != *id)
        return fail(ErrorCode::not_ready, "broker {} does not lead {}", broker, diagnosis.subject.name);
    stuck.was = *mine;
    MEDIC_TRY(stuck.heir, heir_of(diagnosis, view, stuck.was));
    stuck.order = {stuck.heir};
    std::ranges::copy_if(stuck.was.replicas, std::back_inserter(stuck.order),
                         [&](int one) { return one != stuck.heir && one != stuck.was.leader; });
    stuck.order.push_back(stuck.was.leader);
    return stuck;
}

Subject heir(const Stuck& stuck) { return {stuck.partition.cluster, "broker", std::to_string(stuck.heir)}; }

// What every step is alike in: it states what is wanted, of the same replicas, while nobody moves any.
Step step_of(const Stuck& stuck, std::string text, OperationBody operation) {
    Step step{.subject = stuck.partition, .text = std::move(text), .operation = std::move(operation)};
    step.timeout = Duration{30'000};
    step.idempotent = true;
    step.risk = Risk::reversible;
    step.object = "topic:" + std::string(coordinators_topic);
    // Its groups' own rebalances are what it ends.
    step.compatible_with = {"rebalance"};
    step.precondition = {
        equals({stuck.partition.cluster, "cluster", stuck.partition.cluster}, moving, 0),
        text_in(stuck.partition, std::string(replicas_in_order), {text_of(stuck.was.replicas), text_of(stuck.order)})};
    return step;
}

Step order_step(const Stuck& stuck, const std::vector<int>& to, std::string text) {
    const PartitionOfTopic& of = stuck.was.partition;
    Step step = step_of(stuck, std::move(text), AlterReassignments{{{of.topic, of.partition, to}}});
    step.done = {text_in(stuck.partition, std::string(replicas_in_order), {text_of(to)})};
    step.skip_if = step.done;
    step.expectation = {.all = step.done, .within = ordered_within};
    return step;
}

Step election_step(const Stuck& stuck, const std::vector<int>& order, std::string text) {
    Step step = step_of(stuck, std::move(text), ElectLeaders{{stuck.was.partition}});
    step.precondition.back() = text_in(stuck.partition, std::string(replicas_in_order), {text_of(order)});
    step.done = {equals(stuck.partition, leader, order.front())};
    step.skip_if = step.done;
    step.expectation = {.all = step.done, .within = ordered_within};
    return step;
}

// The stuck one leads still, and who is to lead is there and has all that it should have.
void require_heir(Step& step, const Stuck& stuck) {
    step.precondition.push_back(equals(stuck.partition, leader, stuck.was.leader));
    step.precondition.push_back(at_least(stuck.partition, in_sync, 2));
    step.precondition.push_back(equals(heir(stuck), reachable, 1));
    step.precondition.push_back(equals(heir(stuck), "kafka_broker_replicas_out_of_sync", 0));
    step.precondition.push_back(equals(stuck.broker, reachable, 1));
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const Stuck stuck, look_at(diagnosis, view));
    const std::string& name = stuck.partition.name;
    const int old = stuck.was.leader;
    Plan result;
    if (stuck.order != stuck.was.replicas) {
        Step order = order_step(stuck, stuck.order,
                                fmt::format("put broker {} first among the replicas of {}", stuck.heir, name));
        order.undo = "put the replicas back into their order";
        require_heir(order, stuck);
        result.steps.push_back(std::move(order));
    }
    Step election =
        election_step(stuck, stuck.order, fmt::format("let broker {} coordinate the groups of {}", stuck.heir, name));
    require_heir(election, stuck);
    election.undo = fmt::format("let broker {} lead it again", old);
    election.expectation = {.all = {equals(stuck.partition, leader, stuck.heir), equals(stuck.partition, answers, 1)},
                            .worse_if = {equals(heir(stuck), reachable, 0)},
                            .within = serves_within,
                            .stable_for = serves_for,
                            .cause_gone = true};
    result.steps.push_back(std::move(election));
    if (stuck.order != stuck.was.replicas) {
        Step back =
            order_step(stuck, stuck.was.replicas, fmt::format("put the replicas of {} back into their order", name));
        back.undo = fmt::format("put broker {} first again", stuck.heir);
        result.undo_steps.push_back(std::move(back));
    }
    // Only as the first replica can it be elected back.
    if (stuck.was.replicas.front() == old) {
        Step again = election_step(stuck, stuck.was.replicas, fmt::format("let broker {} lead {} again", old, name));
        again.undo = fmt::format("let broker {} lead it", stuck.heir);
        result.undo_steps.push_back(std::move(again));
    }
    result.summary = fmt::format(
        "broker {} hangs as the coordinator of {} ({}): let broker {} coordinate them; what hangs ends when broker {} "
        "is "
        "started anew",
        old, name, parameter(diagnosis, "groups").value_or("its groups"), stuck.heir, old);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.move-group-coordinator",
            .what = "lets another broker coordinate the groups of a coordinator that hangs; no data moves",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.coordinator-stuck", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_move_group_coordinator

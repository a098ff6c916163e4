#include <algorithm>
#include <iterator>
#include <map>
#include <ranges>
#include <set>
#include <span>

#include <fmt/ranges.h>

#include "agent/store/kafka_words.h"
#include "remediations/remedies/leadership.h"
#include "remediations/remedies/parts.h"

// A broker that is slow by itself (a failing disk, a throttled volume, a starved host) leads nobody any more until it
// is mended: it becomes the last replica of each partition that it leads or should lead, and the new first ones are
// elected. Its replicas stay and follow on, so that no data moves and nothing is less safe; the new order keeps Kafka's
// own leader balancing from giving the leaders back. As Cruise Control demotes a broker, in portions, and only to
// brokers that are in sync and can bear it. What it can't mend: a writer with acks=all waits for every replica in sync,
// the slow one, too.
namespace medic::remedies::kafka_demote_slow_broker {
namespace {

// Cruise Control's num.concurrent.leader.movements.per.broker; a portion is two steps, the order and the election.
constexpr std::size_t portion_max = 250;
constexpr std::size_t portions_max = 10;  // The rest is found again at the next look.
// Request handlers should be idle for 0.3 of their time (Kafka's documentation); a tenth more, as this is an estimate.
constexpr double busy_max = 0.6, idle_healthy = 0.3;
constexpr double slow_seconds = 1.0;  // What the analyzer calls slow, after Cruise Control.
constexpr Duration ordered_within{30'000};
// A page is read every 5 s while it proves something; percentiles reach over minutes and rise at once.
constexpr Duration felt_within{2 * 60'000}, felt_for{30'000};

struct Peer {
    Subject subject;
    double busy = 0;
};

struct Slow {
    Subject subject;
    int id = 0;
    std::string measure;
    double leaders = 0, preferred = 0;
    double busy_per_leader = 0;  // What one of its partitions costs whoever leads it.
    std::map<int, Peer> peers{};
};

// One partition: led by `heir` from now on, in this order.
struct Move {
    LedPartition was;
    int heir = 0;
    std::vector<int> order;
    [[nodiscard]] bool reorders() const { return order != was.replicas; }
};

Subject cluster_of(const Diagnosis& diagnosis) { return subject_in(diagnosis, "cluster", diagnosis.subject.cluster); }

Subject slow_broker(const Diagnosis& diagnosis) {
    return subject_in(diagnosis, "broker", parameter(diagnosis, "broker").value_or(""));
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    std::vector<FactKey> keys{{cluster_of(diagnosis), "kafka_cluster_partitions_reassigning"}};
    for (const char* name : {"leadership", "kafka_broker_leaders", "kafka_broker_leaders_preferred"})
        keys.push_back({slow_broker(diagnosis), name});
    const std::string peers = parameter(diagnosis, "peers").value_or("");
    for (const auto id : split(peers, ','))
        keys.push_back({subject_in(diagnosis, "broker", std::string(id)), "kafka_broker_reachable"});
    return keys;
}

Status add_peers(const Diagnosis& diagnosis, const PlanningView& view, Slow& slow) {
    const auto peers = parameter(diagnosis, "peers"), busy = parameter(diagnosis, "peers_busy_percent");
    if (!peers || !busy) return fail(ErrorCode::not_ready, "how busy the other brokers are is not known");
    const auto ids = split(*peers, ','), percents = split(*busy, ',');
    if (ids.size() != percents.size()) return fail(ErrorCode::invalid, "how busy the other brokers are can't be read");
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto id = integer(ids[i]), percent = integer(percents[i]);
        if (!id || !percent) return fail(ErrorCode::invalid, "how busy the other brokers are can't be read");
        const Subject subject = subject_in(diagnosis, "broker", std::string(ids[i]));
        const Fact* reachable = view.fact({subject, "kafka_broker_reachable"});
        if (*id == slow.id || reachable == nullptr || reachable->value != 1.0) continue;
        slow.peers[*id] = {subject, *percent / 100.0};
    }
    return {};
}

Result<Slow> look_at(const Diagnosis& diagnosis, const PlanningView& view) {
    Slow slow{.subject = slow_broker(diagnosis), .measure = {}};
    const auto id = integer(slow.subject.name);
    if (!id) return fail(ErrorCode::invalid, "the diagnosis {} does not say which broker", diagnosis.cause);
    slow.id = *id;
    MEDIC_TRY(slow.measure, parameter(diagnosis, "measure"));
    MEDIC_TRY(const std::int64_t others_slow, number(diagnosis, "others_slow"));
    if (others_slow > 0)
        return fail(ErrorCode::invalid, "{} others are slow as well: it is not this broker alone", others_slow);
    const Fact* moving = view.fact({cluster_of(diagnosis), "kafka_cluster_partitions_reassigning"});
    if (moving == nullptr || !moving->value)
        return fail(ErrorCode::not_ready, "it is not known whether replicas are being moved");
    if (*moving->value > 0) return fail(ErrorCode::not_ready, "{:.0f} partitions are being moved", *moving->value);
    const Fact* leaders = view.fact({slow.subject, "kafka_broker_leaders"});
    const Fact* preferred = view.fact({slow.subject, "kafka_broker_leaders_preferred"});
    if (leaders == nullptr || !leaders->value || preferred == nullptr || !preferred->value)
        return fail(ErrorCode::not_ready, "what broker {} leads is not known", slow.id);
    slow.leaders = *leaders->value;
    slow.preferred = *preferred->value;
    if (slow.leaders <= 0) return fail(ErrorCode::invalid, "broker {} leads nothing any more", slow.id);
    const auto cost = number(diagnosis, "moved_busy_percent");
    if (!cost) return fail(ErrorCode::not_ready, "what its leaders would cost the others is not known");
    slow.busy_per_leader = static_cast<double>(*cost) / 100.0 / slow.leaders;
    MEDIC_CHECK(add_peers(diagnosis, view, slow));
    return slow;
}

// Among those in sync the one that will be least busy with it; nullopt: none has the headroom.
std::optional<int> heir_of(const LedPartition& one, const Slow& slow) {
    std::optional<int> best;
    for (const int id : one.replicas) {
        const auto peer = slow.peers.find(id);
        if (peer == slow.peers.end() || !one.is_in_sync(id)) continue;
        if (peer->second.busy + slow.busy_per_leader > busy_max) continue;
        if (!best || peer->second.busy < slow.peers.at(*best).busy) best = id;
    }
    return best;
}

std::vector<int> in_order(const LedPartition& one, int first, int last) {
    std::vector<int> order{first};
    std::ranges::copy_if(one.replicas, std::back_inserter(order), [&](int id) { return id != first && id != last; });
    order.push_back(last);
    return order;
}

std::vector<Move> moves_of(const std::vector<LedPartition>& led, Slow& slow) {
    std::vector<Move> moves;
    for (const LedPartition& one : led) {
        const bool should_lead = !one.replicas.empty() && one.replicas.front() == slow.id;
        if (one.leader != slow.id) {  // Another leads already, and stays.
            if (should_lead && one.is_in_sync(one.leader))
                moves.push_back({one, one.leader, in_order(one, one.leader, slow.id)});
            continue;
        }
        const auto heir = heir_of(one, slow);
        if (!heir) continue;
        slow.peers.at(*heir).busy += slow.busy_per_leader;
        const bool first_already = one.replicas.front() == *heir;
        moves.push_back({one, *heir, first_already ? one.replicas : in_order(one, *heir, slow.id)});
    }
    if (moves.size() > portion_max * portions_max) moves.resize(portion_max * portions_max);
    return moves;
}

// What is so once so many moves are made, or taken back.
struct Left {
    double leaders = 0, preferred = 0;
};

// Its replicas are still those that the plan was made for, in one of these orders: else data would move.
void require_replicas(Step& step, const Slow& slow, const Move& move, std::initializer_list<std::vector<int>> orders) {
    std::vector<std::string> texts;
    for (const auto& order : orders) texts.push_back(text_of(order));
    const PartitionOfTopic& which = move.was.partition;
    step.precondition.push_back(text_in(partition_subject(slow.subject.cluster, which.topic, which.partition),
                                        std::string(replicas_in_order), std::move(texts)));
}

// Whoever is to lead is there and has all that it should have, also when a step is sent long after it was planned.
void require_heirs(Step& step, const Slow& slow, const std::set<int>& heirs) {
    for (const int id : heirs) {
        const Subject heir{slow.subject.cluster, "broker", std::to_string(id)};
        step.precondition.push_back(equals(heir, "kafka_broker_reachable", 1));
        step.precondition.push_back(equals(heir, "kafka_broker_replicas_out_of_sync", 0));
    }
}

// What every step of the plan is alike in. Each states what is wanted: that order, those leaders.
Step step_of(const Slow& slow, std::string text, OperationBody operation) {
    Step step{.subject = slow.subject, .text = std::move(text), .operation = std::move(operation)};
    step.timeout = Duration{30'000};
    step.idempotent = true;
    step.risk = Risk::reversible;
    step.object = "broker:" + slow.subject.name;
    return step;
}

Step order_step(const Diagnosis& diagnosis, const Slow& slow, std::span<const Move> portion, double preferred_left) {
    AlterReassignments order;
    for (const Move& move : portion)
        if (move.reorders())
            order.moves.push_back({move.was.partition.topic, move.was.partition.partition, move.order});
    std::string text =
        fmt::format("put broker {} last in the replicas of {} partitions: no data moves", slow.id, order.moves.size());
    Step step = step_of(slow, std::move(text), std::move(order));
    step.precondition = {equals(cluster_of(diagnosis), "kafka_cluster_partitions_reassigning", 0)};
    std::set<int> heirs;
    for (const Move& move : portion)
        if (move.reorders()) {
            require_replicas(step, slow, move, {move.was.replicas, move.order});
            heirs.insert(move.heir);
        }
    require_heirs(step, slow, heirs);
    step.skip_if = {at_most(slow.subject, "kafka_broker_leaders_preferred", preferred_left)};
    step.done = step.skip_if;
    step.expectation = {.all = step.done, .within = ordered_within};
    step.undo = "put the replicas back into the order that they had";
    return step;
}

Step election_step(const Slow& slow, std::span<const Move> portion, double leaders_left) {
    ElectLeaders election;
    std::set<int> heirs;
    for (const Move& move : portion) {
        if (move.was.leader != slow.id) continue;
        election.partitions.push_back(move.was.partition);
        heirs.insert(move.heir);
    }
    std::string text = fmt::format("let others lead {} partitions of broker {}", election.partitions.size(), slow.id);
    Step step = step_of(slow, std::move(text), std::move(election));
    for (const Move& move : portion)
        if (move.was.leader == slow.id) require_replicas(step, slow, move, {move.order});
    step.skip_if = {at_most(slow.subject, "kafka_broker_leaders", leaders_left)};
    step.done = step.skip_if;
    step.expectation = {.all = step.done, .within = felt_within, .stable_for = felt_for};
    require_heirs(step, slow, heirs);
    for (const int id : heirs) {
        const Subject& heir = slow.peers.at(id).subject;
        // If it is slow there, too, it is what they write, and not where.
        step.expectation.all.push_back(at_most(heir, slow.measure, slow_seconds));
        step.expectation.all.push_back(at_least(heir, "kafka_broker_request_handler_idle_ratio", idle_healthy));
        step.expectation.worse_if.push_back(equals(heir, "kafka_broker_reachable", 0));
    }
    step.undo = "let broker " + slow.subject.name + " lead them again";
    return step;
}

Step old_order_step(const Slow& slow, std::span<const Move> portion, double preferred) {
    AlterReassignments order;
    for (const Move& move : portion)
        if (move.reorders())
            order.moves.push_back({move.was.partition.topic, move.was.partition.partition, move.was.replicas});
    std::string text = fmt::format("put the replicas of {} partitions back into their order", order.moves.size());
    Step step = step_of(slow, std::move(text), std::move(order));
    for (const Move& move : portion)
        if (move.reorders()) require_replicas(step, slow, move, {move.order, move.was.replicas});
    step.skip_if = {at_least(slow.subject, "kafka_broker_leaders_preferred", preferred)};
    step.done = step.skip_if;
    step.expectation = {.all = step.done, .within = ordered_within};
    step.undo = "put broker " + slow.subject.name + " last again";
    return step;
}

// Only those of which it is the preferred leader again can be elected back.
std::vector<PartitionOfTopic> led_again(const Slow& slow, std::span<const Move> portion) {
    std::vector<PartitionOfTopic> partitions;
    for (const Move& move : portion)
        if (move.was.leader == slow.id && move.reorders()) partitions.push_back(move.was.partition);
    return partitions;
}

Step back_step(const Slow& slow, std::span<const Move> portion, double leaders) {
    ElectLeaders election{.partitions = led_again(slow, portion)};
    std::string text = fmt::format("let broker {} lead {} partitions again", slow.id, election.partitions.size());
    Step step = step_of(slow, std::move(text), std::move(election));
    for (const Move& move : portion)
        if (move.was.leader == slow.id && move.reorders()) require_replicas(step, slow, move, {move.was.replicas});
    step.skip_if = {at_least(slow.subject, "kafka_broker_leaders", leaders)};
    step.done = step.skip_if;
    step.expectation = {.all = step.done, .within = ordered_within};
    step.undo = "let others lead them";
    return step;
}

bool is_empty(const Step& step) {
    if (const auto* order = std::get_if<AlterReassignments>(&step.operation)) return order->moves.empty();
    if (const auto* election = std::get_if<ElectLeaders>(&step.operation)) return election->partitions.empty();
    return false;
}

// How many of the portion it is the first replica of, and how many it leads.
Left taken_by(const Slow& slow, std::span<const Move> portion) {
    Left taken;
    for (const Move& move : portion) {
        taken.leaders += move.was.leader == slow.id ? 1 : 0;
        taken.preferred += move.was.replicas.front() == slow.id ? 1 : 0;
    }
    return taken;
}

void append(std::vector<Step>& steps, std::initializer_list<Step> more) {
    for (const Step& step : more)
        if (!is_empty(step)) steps.push_back(step);
}

using Portions = std::vector<std::span<const Move>>;

Portions portions_of(const std::vector<Move>& moves) {
    Portions portions;
    for (std::size_t from = 0; from < moves.size(); from += portion_max)
        portions.push_back(std::span(moves).subspan(from, std::min(portion_max, moves.size() - from)));
    return portions;
}

// Forth portion by portion, and back from the last one.
void add_steps(const Diagnosis& diagnosis, const Slow& slow, const Portions& portions, Plan& plan) {
    Left left{slow.leaders, slow.preferred};
    for (const auto& portion : portions) {
        const Left taken = taken_by(slow, portion);
        left.leaders -= taken.leaders;
        left.preferred -= taken.preferred;
        append(plan.steps,
               {order_step(diagnosis, slow, portion, left.preferred), election_step(slow, portion, left.leaders)});
    }
    for (const auto& portion : std::views::reverse(portions)) {
        left.preferred += taken_by(slow, portion).preferred;
        left.leaders += static_cast<double>(led_again(slow, portion).size());
        append(plan.undo_steps,
               {old_order_step(slow, portion, left.preferred), back_step(slow, portion, left.leaders)});
    }
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(Slow slow, look_at(diagnosis, view));
    const std::string text = told(view, {slow.subject, "leadership"});
    if (text.empty()) return fail(ErrorCode::not_ready, "which partitions broker {} leads is not known", slow.id);
    MEDIC_TRY(const auto led, read_leadership(text));
    const auto moves = moves_of(led, slow);
    const double taken = taken_by(slow, moves).leaders;
    if (taken <= 0)
        return fail(ErrorCode::invalid,
                    "no partition that broker {} leads has another replica in sync on a broker with headroom", slow.id);
    Plan result;
    add_steps(diagnosis, slow, portions_of(moves), result);
    result.summary = fmt::format(
        "broker {} is slow: let others lead {:.0f} of the {:.0f} partitions that it leads, until it is mended", slow.id,
        taken, slow.leaders);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.demote-slow-broker",
            .what = "lets other brokers lead the partitions of one that is slow; no data moves",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.broker-slow", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_demote_slow_broker

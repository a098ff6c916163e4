#include <algorithm>
#include <map>
#include <set>

#include "remediations/remedies/disk_parts.h"

// Moves replicas of the topic that fills the disk to the broker with the most room that holds none of them yet, and
// into no rack where another of the partition stands. Not beside other moves: they take the same room and the same
// network.
namespace medic::remedies::kafka_move_replicas {
namespace {

constexpr std::size_t moves_max = 5;           // At once: replication must leave room for clients.
constexpr double target_free_share_min = 0.4;  // With the replica: a target that would soon fill itself helps nobody.
constexpr const char* reachable = "kafka_broker_reachable";

struct Assignment {
    int partition = 0;
    std::vector<int> replicas;
};

Subject broker_of(const Diagnosis& diagnosis, int id) { return subject_in(diagnosis, "broker", std::to_string(id)); }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    auto keys = log_dir_facts(diagnosis);
    const auto topic = parameter(diagnosis, "topic"), brokers = parameter(diagnosis, "brokers");
    if (!topic || !brokers) return keys;
    keys.push_back({subject_in(diagnosis, "topic", *topic), "assignment"});
    for (const auto broker : split(*brokers, ','))
        for (const char* name : {"kafka_log_dir_usable_bytes", "kafka_log_dir_total_bytes", reachable, "rack"})
            keys.push_back({subject_in(diagnosis, "broker", std::string(broker)), name});
    return keys;
}

// "0:1,2,3;1:2,3,1": partition and its replicas, in order.
Result<std::vector<Assignment>> read_assignment(std::string_view text) {
    std::vector<Assignment> result;
    for (const auto part : split(text, ';')) {
        const auto colon = part.find(':');
        const auto partition = colon == std::string_view::npos ? std::nullopt : integer(part.substr(0, colon));
        if (!partition) return fail(ErrorCode::invalid, "the assignment {} can't be read", text);
        Assignment one{*partition, {}};
        for (const auto replica : split(part.substr(colon + 1), ',')) {
            const auto id = integer(replica);
            if (!id) return fail(ErrorCode::invalid, "the assignment {} can't be read", text);
            one.replicas.push_back(*id);
        }
        result.push_back(std::move(one));
    }
    return result;
}

// Free bytes of every broker but the full one, as they will be once the moves that are planned so far are done.
struct Target {
    int broker = 0;
    double free_bytes = 0, total_bytes = 0;
};

std::vector<Target> targets_of(const PlanningView& view, int full) {
    std::vector<Target> targets;
    for (const auto& fact : view.facts) {
        if (fact.subject.kind != "broker" || fact.name != "kafka_log_dir_usable_bytes" || !fact.value) continue;
        const auto id = integer(fact.subject.name);
        const Fact* usable = view.fact({fact.subject, fact.name});
        const Fact* total = view.fact({fact.subject, "kafka_log_dir_total_bytes"});
        if (!id || *id == full || usable == nullptr || total == nullptr || !total->value) continue;
        if (const Fact* answers = view.fact({fact.subject, reachable}); answers != nullptr && answers->value == 0)
            continue;
        targets.push_back({*id, *usable->value, *total->value});
    }
    return targets;
}

// By broker; empty where none names its rack.
using Racks = std::map<int, std::string>;

Racks racks_of(const PlanningView& view) {
    Racks racks;
    for (const auto& fact : view.facts) {
        const auto id = integer(fact.subject.name);
        if (fact.subject.kind != "broker" || fact.name != "rack" || !id) continue;
        if (std::string rack = told(view, {fact.subject, fact.name}); !rack.empty()) racks[*id] = std::move(rack);
    }
    return racks;
}

// Whether the partition would have a rack less to rely on. One whose rack is not known may stand in any.
bool crowds_rack(const Racks& racks, const Assignment& assignment, int full, int target) {
    if (racks.empty()) return false;
    const auto rack = racks.find(target), left = racks.find(full);
    if (rack == racks.end()) return true;
    if (left != racks.end() && left->second == rack->second) return false;
    return std::ranges::any_of(assignment.replicas, [&](int other) {
        const auto its = racks.find(other);
        return other != full && (its == racks.end() || its->second == rack->second);
    });
}

struct Cramped {
    const LogDir& dir;
    int broker = 0;
    const Racks& racks;
};

// The broker that would have the most room left with the replica, holds none of the partition, and keeps enough room.
Target* roomiest(std::vector<Target>& targets, const Assignment& assignment, const Cramped& full,
                 double replica_bytes) {
    Target* best = nullptr;
    for (auto& target : targets) {
        if (target.free_bytes - replica_bytes < target_free_share_min * target.total_bytes) continue;
        if (std::ranges::find(assignment.replicas, target.broker) != assignment.replicas.end()) continue;
        if (crowds_rack(full.racks, assignment, full.broker, target.broker)) continue;
        if (best == nullptr || target.free_bytes > best->free_bytes) best = &target;
    }
    return best;
}

struct Moves {
    AlterReassignments order;
    std::set<int> to;
};

// Moves replicas off the full broker as long as the target keeps more room than the full broker would have then: beyond
// that a move would only carry the problem elsewhere.
Moves moves_off(const Cramped& full, const std::string& topic, double topic_bytes,
                const std::vector<Assignment>& assignment, std::vector<Target> targets) {
    const auto is_here = [&](const Assignment& one) {
        return std::ranges::find(one.replicas, full.broker) != one.replicas.end();
    };
    const auto here = std::ranges::count_if(assignment, is_here);
    const double replica_bytes = here == 0 ? 0 : topic_bytes / static_cast<double>(here);
    double free_bytes = full.dir.usable_bytes;
    Moves moves;
    for (const auto& one : assignment) {
        if (!is_here(one)) continue;
        if (moves.order.moves.size() >= moves_max) break;
        Target* target = roomiest(targets, one, full, replica_bytes);
        if (target == nullptr || target->free_bytes - replica_bytes < free_bytes) continue;
        target->free_bytes -= replica_bytes;
        free_bytes += replica_bytes;
        auto replicas = one.replicas;
        std::ranges::replace(replicas, full.broker, target->broker);
        moves.order.moves.push_back({topic, one.partition, std::move(replicas)});
        moves.to.insert(target->broker);
    }
    return moves;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const LogDir dir, log_dir(diagnosis, view));
    MEDIC_TRY(const std::string name, parameter(diagnosis, "topic"));
    MEDIC_TRY(const std::int64_t topic_bytes, number(diagnosis, "bytes"));
    const Subject topic = subject_in(diagnosis, "topic", name);
    const Fact* text = view.fact({topic, "assignment"});
    const auto full = integer(dir.broker);
    if (text == nullptr || text->text.empty() || !full)
        return fail(ErrorCode::not_ready, "where the replicas of {} are is not known", name);
    MEDIC_TRY(const auto assignment, read_assignment(text->text));
    const Racks racks = racks_of(view);
    const Moves moves =
        moves_off({dir, *full, racks}, name, static_cast<double>(topic_bytes), assignment, targets_of(view, *full));
    const auto& order = moves.order.moves;
    if (order.empty())
        return fail(ErrorCode::invalid,
                    "every broker with room already holds the replicas of {}{}: moving does not help", name,
                    racks.empty() ? "" : ", or others of their racks do");
    Step step{.subject = topic,
              .text = fmt::format("move {} replicas of {} away from broker {}", order.size(), name, dir.broker),
              .operation = moves.order};
    step.idempotent = true;  // It states the wanted assignment.
    step.precondition = {
        text_in(topic, "assignment", {text->text}),
        equals(subject_in(diagnosis, "cluster", diagnosis.subject.cluster), "kafka_cluster_partitions_reassigning", 0)};
    for (const int id : moves.to) step.precondition.push_back(equals(broker_of(diagnosis, id), reachable, 1));
    step.done = {text_not_in(topic, "assignment", {text->text})};
    step.expectation = {
        .all = {at_least(dir.subject, "kafka_log_dir_usable_bytes", free_share_wanted * dir.total_bytes)},
        .within = Duration{30 * 60'000}};
    step.undo = "move them back: " + text->text;
    step.risk = Risk::reversible;
    step.object = "topic:" + name;
    Plan result;
    result.summary =
        fmt::format("{} fills {} of broker {}: move replicas to brokers with room", name, dir.path, dir.broker);
    result.steps = {step};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.move-replicas",
            .what = "moves replicas of the topic that fills a disk to a broker with room",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.disk-nearly-full"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_move_replicas

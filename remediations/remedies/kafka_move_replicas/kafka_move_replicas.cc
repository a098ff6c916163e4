#include <algorithm>
#include <charconv>

#include "remediations/remedies/disk_parts.h"

// Moves replicas of the topic that fills the disk to the broker with the most room that holds none of them yet.
namespace medic::remedies::kafka_move_replicas {
namespace {

constexpr std::size_t moves_max = 5;           // At once: replication must leave room for clients.
constexpr double target_free_share_min = 0.5;  // A target that would soon fill itself helps nobody.

struct Assignment {
    int partition = 0;
    std::vector<int> replicas;
};

std::vector<const NodeInfo*> brokers(const PlanningView& view) {
    std::vector<const NodeInfo*> result;
    for (const auto& node : view.cluster.nodes)
        if (node.role == "broker") result.push_back(&node);
    return result;
}

// Broker ids are numbers; nodes are named by people. The topology attribute "broker" of a node says which it is.
std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView& view) {
    auto keys = log_dir_facts(diagnosis);
    const auto topic = parameter(diagnosis, "topic");
    keys.push_back({subject_in(diagnosis, "topic", topic ? *topic : ""), "assignment"});
    for (std::size_t id = 0; id <= brokers(view).size(); ++id)
        for (const char* name : {"kafka_log_dir_usable_bytes", "kafka_log_dir_total_bytes"})
            keys.push_back({subject_in(diagnosis, "broker", std::to_string(id)), name});
    return keys;
}

std::optional<int> integer(std::string_view text) {
    int value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
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

// The broker with the most free space that has enough of it, holds no replica of the partition and is known.
std::optional<int> roomiest(const Diagnosis& diagnosis, const PlanningView& view, const Assignment& assignment) {
    std::optional<int> best;
    double most = 0;
    for (const auto& fact : view.facts) {
        if (fact.subject.kind != "broker" || fact.name != "kafka_log_dir_usable_bytes" || !fact.value) continue;
        const auto id = integer(fact.subject.name);
        const Fact* total =
            view.fact({subject_in(diagnosis, "broker", fact.subject.name), "kafka_log_dir_total_bytes"});
        if (!id || total == nullptr || !total->value || *fact.value < target_free_share_min * *total->value) continue;
        if (std::ranges::find(assignment.replicas, *id) != assignment.replicas.end()) continue;
        if (!best || *fact.value > most) best = id, most = *fact.value;
    }
    return best;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const LogDir dir, log_dir(diagnosis, view));
    MEDIC_TRY(const std::string name, parameter(diagnosis, "topic"));
    const Subject topic = subject_in(diagnosis, "topic", name);
    const Fact* text = view.fact({topic, "assignment"});
    const auto full = integer(dir.broker);
    if (text == nullptr || text->text.empty() || !full)
        return fail(ErrorCode::invalid, "where the replicas of {} are is not known", name);
    MEDIC_TRY(const auto assignment, read_assignment(text->text));
    AlterReassignments moves;
    for (const auto& one : assignment) {
        const auto here = std::ranges::find(one.replicas, *full);
        if (here == one.replicas.end() || moves.moves.size() >= moves_max) continue;
        const auto target = roomiest(diagnosis, view, one);
        if (!target) continue;
        auto replicas = one.replicas;
        replicas[static_cast<std::size_t>(here - one.replicas.begin())] = *target;
        moves.moves.push_back({name, one.partition, std::move(replicas)});
    }
    if (moves.moves.empty())
        return fail(ErrorCode::invalid, "every broker with room already holds the replicas of {}: moving does not help",
                    name);
    Step step{.subject = topic,
              .text = fmt::format("move {} replicas of {} away from broker {}", moves.moves.size(), name, dir.broker),
              .operation = moves};
    step.idempotent = true;  // It states the wanted assignment.
    step.precondition = {text_in(topic, "assignment", {text->text})};
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
            .cures = {{"kafka.disk-filling"}, {"kafka.disk-nearly-full"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_move_replicas

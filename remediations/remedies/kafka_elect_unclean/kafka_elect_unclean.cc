#include <algorithm>
#include <charconv>

#include "agent/store/kafka_replica.h"
#include "agent/store/kafka_words.h"
#include "remediations/remedies/leadership.h"
#include "remediations/remedies/parts.h"

// A partition has no leader, and nobody who holds all of its acknowledged records comes back: one of the replicas that
// serve takes over, and what only the lost ones held is lost for good. Kafka takes the first replica in their order
// that serves, so the one whose log reaches furthest is put first where it is not: the same replicas, so that no data
// moves. Never without a person who was told what it may cost, whatever a policy says.
namespace medic::remedies::kafka_elect_unclean {
namespace {

constexpr const char* leader = "kafka_partition_leader";
constexpr const char* in_sync = "kafka_partition_in_sync_replicas";
constexpr const char* end_of_log = "kafka_partition_log_end_offset";
constexpr const char* end_of_replica = "kafka_replica_log_end_offset";
constexpr const char* min_in_sync = "min.insync.replicas";
constexpr Duration ordered_within{30'000}, led_within{60'000}, led_for{5'000};

struct Wish {
    PartitionOfTopic of;
    Subject partition;
    int heir = -1;
    double end = 0;                   // Of the heir's log.
    std::vector<std::string> silent;  // Nodes whose process must go on being away.
};

// "0/2/950/1=disk+3=away:broker-3", as the finding names it.
Result<Wish> wish_of(const Diagnosis& diagnosis, const std::string& topic, std::string_view text) {
    const auto parts = split(text, '/');
    const auto partition = !parts.empty() ? integer(parts[0]) : std::nullopt,
               heir = parts.size() > 1 ? integer(parts[1]) : std::nullopt;
    double end = 0;
    const bool read = partition && heir && parts.size() == 4 &&
                      std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), end).ec == std::errc{};
    if (!read) return fail(ErrorCode::invalid, "the partition {} of {} can't be read", text, topic);
    Wish wish{.of = {topic, *partition},
              .partition = partition_subject(diagnosis.subject.cluster, topic, *partition),
              .heir = *heir,
              .end = end,
              .silent = {}};
    constexpr std::string_view away = "=away:";
    for (const auto awaited : split(parts[3], '+'))
        if (const auto at = awaited.find(away); at != std::string_view::npos)
            wish.silent.emplace_back(awaited.substr(at + away.size()));
    return wish;
}

Result<std::vector<Wish>> wishes(const Diagnosis& diagnosis) {
    MEDIC_TRY(const std::string topic, parameter(diagnosis, "topic"));
    MEDIC_TRY(const std::string list, parameter(diagnosis, "lost_partitions"));
    std::vector<Wish> all;
    for (const auto text : split(list, ';')) {
        MEDIC_TRY(auto one, wish_of(diagnosis, topic, text));
        all.push_back(std::move(one));
    }
    return all;
}

FactKey end_key(const Wish& wish) { return {replica_subject(wish.partition, wish.heir), end_of_replica}; }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto all = wishes(diagnosis);
    if (!all) return {};
    std::vector<FactKey> keys{{diagnosis.subject, min_in_sync}};
    for (const Wish& wish : *all) {
        keys.push_back({wish.partition, leader});
        keys.push_back({wish.partition, std::string(replicas_in_order)});
        keys.push_back({wish.partition, "serving"});
        keys.push_back(end_key(wish));
    }
    return keys;
}

// Where it stands now.
struct Known {
    std::vector<int> replicas, serving;  // In their order, the preferred leader first.
    std::optional<double> min_in_sync;

    [[nodiscard]] std::vector<int> served_by(const std::vector<int>& order) const {
        std::vector<int> all;
        std::ranges::copy_if(order, std::back_inserter(all),
                             [&](int id) { return std::ranges::find(serving, id) != serving.end(); });
        return all;
    }
};

Result<Known> known(const Diagnosis& diagnosis, const PlanningView& view, const Wish& wish) {
    Known now;
    const auto read = [&](std::string_view name, std::vector<int>& ids) {
        const std::string text = told(view, {wish.partition, std::string(name)});
        for (const auto part : split(text, ',')) {
            const auto id = integer(part);
            if (id) ids.push_back(*id);
        }
        return !ids.empty() && text_of(ids) == text;
    };
    if (!read(replicas_in_order, now.replicas) || !read("serving", now.serving))
        return fail(ErrorCode::not_ready, "which replicas {} has, and which of them serve, is not known",
                    wish.partition.name);
    if (view.fact(end_key(wish)) == nullptr)
        return fail(ErrorCode::not_ready, "how far broker {} has got with {} is not known", wish.heir,
                    wish.partition.name);
    if (std::ranges::find(now.serving, wish.heir) == now.serving.end())
        return fail(ErrorCode::not_ready, "broker {} does not serve {}", wish.heir, wish.partition.name);
    if (const Fact* fact = view.fact({diagnosis.subject, min_in_sync})) now.min_in_sync = fact->value;
    return now;
}

// Nothing of it is done once somebody leads: then one that was in sync is back.
Step step_of(const Wish& wish, OperationBody operation) {
    Step step{.subject = wish.partition, .operation = std::move(operation)};
    step.idempotent = true;
    step.object = "topic:" + wish.of.topic;
    step.precondition = {equals(wish.partition, leader, -1)};
    return step;
}

Step order_step(const Wish& wish, const std::vector<int>& from, const std::vector<int>& to) {
    Step step = step_of(wish, AlterReassignments{{{wish.of.topic, wish.of.partition, to}}});
    step.text = fmt::format("put broker {} first among the replicas of {}", to.front(), wish.partition.name);
    step.done = {text_in(wish.partition, std::string(replicas_in_order), {text_of(to)})};
    step.skip_if = step.done;
    step.precondition.push_back(text_in(wish.partition, std::string(replicas_in_order), {text_of(from), text_of(to)}));
    step.expectation = {.all = step.done, .within = ordered_within};
    step.undo = "put the replicas back into their order";
    step.risk = Risk::reversible;
    return step;
}

Step election_step(const Wish& wish, const Known& now, const std::vector<int>& order) {
    Step step = step_of(wish, ElectUncleanLeader{wish.of.topic, wish.of.partition, wish.heir});
    step.text = fmt::format("let broker {} lead {}, which was not in sync", wish.heir, wish.partition.name);
    step.skip_if = {at_least(wish.partition, leader, 0)};
    step.precondition.push_back(text_in(wish.partition, std::string(replicas_in_order), {text_of(order)}));
    step.precondition.push_back(text_in(wish.partition, "serving", {text_of(now.served_by(order))}));
    step.precondition.push_back(at_least(end_key(wish).subject, end_of_replica, wish.end));
    // A process that is back may be recovering the very log that is missed.
    for (const std::string& node : wish.silent)
        step.precondition.push_back(equals({wish.partition.cluster, "node", node}, "process_up", 0));
    step.done = {equals(wish.partition, leader, wish.heir)};
    step.expectation = {.all = step.done, .within = led_within, .stable_for = led_for};
    // A quiet topic may get no record for long. With fewer replicas than it asks for it takes no acks=all.
    if (now.min_in_sync && *now.min_in_sync <= static_cast<double>(now.serving.size()))
        step.expectation.any = {progressing(wish.partition, end_of_log),
                                at_least(wish.partition, in_sync, *now.min_in_sync)};
    step.undo =
        "can't be undone: what the lost replicas held beyond it is cut off when they come back; copy their log dirs "
        "before they are started again if those records are wanted";
    step.risk = Risk::destructive;
    step.destroys = Destroys::data;
    return step;
}

void add(const Wish& wish, const Known& now, Plan& plan) {
    std::vector<int> order = now.replicas;
    if (now.served_by(order).front() != wish.heir) {
        std::erase(order, wish.heir);
        order.insert(order.begin(), wish.heir);
        plan.steps.push_back(order_step(wish, now.replicas, order));
        // Where it was elected all the same, the order stays: it names who leads.
        Step back = order_step(wish, order, now.replicas);
        back.text = fmt::format("put the replicas of {} back into their order", wish.partition.name);
        back.skip_if = {at_least(wish.partition, leader, 0)};
        back.undo = "put broker " + std::to_string(wish.heir) + " first again";
        plan.undo_steps.push_back(std::move(back));
    }
    plan.steps.push_back(election_step(wish, now, order));
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const auto all, wishes(diagnosis));
    MEDIC_TRY(const std::string estimate, parameter(diagnosis, "loss_estimate"));
    Plan result;
    std::size_t short_of_copies = 0;
    for (const Wish& wish : all) {
        const Fact* led = view.fact({wish.partition, leader});
        if (led == nullptr || !led->value)
            return fail(ErrorCode::not_ready, "whether {} has a leader is not known", wish.partition.name);
        if (*led->value >= 0) continue;
        MEDIC_TRY(const Known now, known(diagnosis, view, wish));
        if (now.min_in_sync && *now.min_in_sync > static_cast<double>(now.serving.size())) ++short_of_copies;
        add(wish, now, result);
    }
    if (result.steps.empty())
        return fail(ErrorCode::not_ready, "each partition of {} has a leader again", diagnosis.subject.name);
    result.summary = fmt::format("let a replica of {} lead that was not in sync; lost for good, of {}",
                                 diagnosis.subject.name, estimate);
    if (short_of_copies > 0)
        result.summary += fmt::format(
            "; {} of them will take no writes with acks=all before more replicas are back (min.insync.replicas)",
            short_of_copies);
    result.needs_approval = "it loses records of " + diagnosis.subject.name + " for good: " + estimate;
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.elect-unclean",
            .what =
                "lets a replica lead that was not in sync, where those that were do not come back: what only they "
                "held is lost; only ever with a person's agreement",
            .destroys = Destroys::data,
            .cures = {{"kafka.in-sync-replicas-gone", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_elect_unclean

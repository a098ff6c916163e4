#include <charconv>

#include "remediations/remedies/parts.h"

// Transactions that no coordinator will ever end are aborted, each on its own partition, so that readers of committed
// records pass. Nothing is deleted, but the records of those transactions are lost to these readers for good: that
// destroys data, and is done on topics only that the policy names, to transactions older than its floor.
namespace medic::remedies::kafka_abort_hanging_transaction {
namespace {

constexpr const char* hangs_seconds = "kafka_partition_hanging_transaction_seconds";
// Last stable offsets are read every third look, 15 s as the collector looks by default.
constexpr Duration seen_within{60'000};

// "0/4000/1/100/-1", as the finding names it.
Result<AbortTransaction> transaction_of(const std::string& topic, std::string_view text) {
    const auto parts = split(text, '/');
    std::int64_t numbers[5] = {};
    bool good = parts.size() == std::size(numbers);
    for (std::size_t i = 0; good && i < parts.size(); ++i) {
        const char* const end = parts[i].data() + parts[i].size();
        const auto [at, code] = std::from_chars(parts[i].data(), end, numbers[i]);
        good = code == std::errc{} && at == end;
    }
    if (!good) return fail(ErrorCode::invalid, "the transaction {} of {} can't be read", text, topic);
    return AbortTransaction{.topic = topic,
                            .partition = static_cast<int>(numbers[0]),
                            .producer_id = numbers[1],
                            .producer_epoch = static_cast<int>(numbers[2]),
                            .coordinator_epoch = static_cast<int>(numbers[4]),
                            .start_offset = numbers[3]};
}

Result<std::vector<AbortTransaction>> transactions(const Diagnosis& diagnosis) {
    MEDIC_TRY(const std::string topic, parameter(diagnosis, "topic"));
    MEDIC_TRY(const std::string list, parameter(diagnosis, "transactions"));
    std::vector<AbortTransaction> all;
    for (const auto text : split(list, ';')) {
        MEDIC_TRY(auto one, transaction_of(topic, text));
        all.push_back(std::move(one));
    }
    return all;
}

Subject partition_of(const Diagnosis& diagnosis, const AbortTransaction& one) {
    return partition_subject(diagnosis.subject.cluster, one.topic, one.partition);
}

FactKey age_of(const Diagnosis& diagnosis, const AbortTransaction& one) {
    return {transaction_subject(partition_of(diagnosis, one), one.producer_id, one.producer_epoch, one.start_offset),
            hangs_seconds};
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto all = transactions(diagnosis);
    if (!all) return {};
    std::vector<FactKey> keys;
    for (const auto& one : *all) keys.push_back(age_of(diagnosis, one));
    return keys;
}

Step step_of(const Diagnosis& diagnosis, const AbortTransaction& one, Duration floor) {
    const Subject partition = partition_of(diagnosis, one);
    const FactKey age = age_of(diagnosis, one);
    Step step{.subject = partition,
              .text = fmt::format("abort the transaction of producer {} on {} from offset {}", one.producer_id,
                                  partition.name, one.start_offset),
              .operation = one};
    step.idempotent = true;  // It looks first whether that very transaction is still open.
    // By that producer, in that epoch, from that offset; and older than the floor.
    step.precondition = {at_least(age.subject, age.name, static_cast<double>(floor.count()) / 1'000)};
    step.done = {at_least(partition, std::string(last_stable_offset), static_cast<double>(one.start_offset) + 1)};
    step.expectation = {.all = step.done, .within = seen_within};
    step.undo = "can't be undone: records of that transaction that are wanted must be produced anew";
    step.risk = Risk::destructive;
    step.destroys = Destroys::data;
    step.object = "topic:" + one.topic;
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const auto all, transactions(diagnosis));
    const std::string object = "topic:" + diagnosis.subject.name;
    const auto floor = view.floors.find(object);
    if (floor == view.floors.end()) return fail(ErrorCode::invalid, "the policy names no floor for {}", object);
    Plan result;
    for (const AbortTransaction& one : all)
        // What is over by itself needs no end.
        if (view.fact(age_of(diagnosis, one)) != nullptr)
            result.steps.push_back(step_of(diagnosis, one, floor->second));
    if (result.steps.empty())
        return fail(ErrorCode::not_ready, "it is not known whether a transaction on {} still hangs",
                    diagnosis.subject.name);
    result.summary =
        fmt::format("abort {} on {} that no coordinator knows and will ever end",
                    result.steps.size() == 1 ? "a transaction" : fmt::format("{} transactions", result.steps.size()),
                    diagnosis.subject.name);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {
        .name = "kafka.abort-hanging-transaction",
        .what =
            "aborts transactions that no coordinator will ever end, on topics that the policy names, older than its "
            "floor: readers of committed records pass, and those of the transaction stay unread",
        .destroys = Destroys::data,
        .cures = {{"kafka.hanging-transaction", 2}},
        .needs = needs,
        .plan = plan};
}

}  // namespace medic::remedies::kafka_abort_hanging_transaction

#include <algorithm>
#include <span>

#include "remediations/remedies/parts.h"

// The broker that is to get replicas does not come back: the moves to it are cancelled, partition by partition named,
// and no others. Kafka keeps the replicas that a partition had before; nothing that was copied is needed any more.
namespace medic::remedies::kafka_cancel_stuck_reassignment {
namespace {

constexpr std::size_t moves_max = 100;  // In one request: the controller writes one batch of records for it.
constexpr std::size_t steps_max = 20;   // The rest is found again at the next look.
constexpr Duration cancelled_within{30'000};

Subject broker_of(const Diagnosis& diagnosis) { return subject_in(diagnosis, "broker", diagnosis.subject.name); }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const Subject broker = broker_of(diagnosis);
    return {{broker, "adding_partitions"}, {broker, "kafka_broker_replicas_adding"}, {broker, "kafka_broker_up"}};
}

Step step_of(const Subject& broker, std::span<const PartitionOfTopic> partitions, double left) {
    AlterReassignments cancel;
    for (const PartitionOfTopic& one : partitions) cancel.moves.push_back({one.topic, one.partition, {}});
    Step step{.subject = broker,
              .text = fmt::format("cancel {} moves to broker {}", partitions.size(), broker.name),
              .operation = std::move(cancel)};
    step.timeout = Duration{30'000};
    step.precondition = {equals(broker, "kafka_broker_up", 0)};  // One that is back gets its replicas by itself.
    step.skip_if = {at_most(broker, "kafka_broker_replicas_adding", left)};
    step.done = step.skip_if;
    step.expectation = {.all = step.done, .within = cancelled_within, .stable_for = Duration{2'000}};
    step.undo = "begin the move again: kafka-reassign-partitions.sh --execute with the plan that was under way";
    step.risk = Risk::reversible;
    step.object = "broker:" + broker.name;
    // A broker that was stopped on purpose is the very case: its stop lasts until it is started again.
    step.compatible_with = {"reassignment", "planned stop"};
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    const Subject broker = broker_of(diagnosis);
    const Fact* adding = view.fact({broker, "kafka_broker_replicas_adding"});
    if (adding == nullptr || !adding->value)
        return fail(ErrorCode::not_ready, "it is not known what is being moved to broker {}", broker.name);
    if (*adding->value <= 0)
        return fail(ErrorCode::invalid, "nothing is being moved to broker {} any more", broker.name);
    const std::string text = told(view, {broker, "adding_partitions"});
    if (text.empty())
        return fail(ErrorCode::not_ready, "which partitions are being moved to broker {} is not known", broker.name);
    MEDIC_TRY(const auto partitions, read_partitions(text));
    Plan result;
    double left = *adding->value;
    for (std::size_t from = 0; from < partitions.size() && result.steps.size() < steps_max; from += moves_max) {
        const std::size_t count = std::min(moves_max, partitions.size() - from);
        left = std::max(0.0, left - static_cast<double>(count));
        result.steps.push_back(step_of(broker, std::span(partitions).subspan(from, count), left));
    }
    result.summary =
        fmt::format("broker {} does not come back: cancel the {} moves to it", broker.name, partitions.size());
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.cancel-stuck-reassignment",
            .what = "cancels moves of replicas to a broker that is away",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.reassignment-stuck", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_cancel_stuck_reassignment

#include <algorithm>

#include "remediations/remedies/parts.h"

// Leadership goes back to the brokers that are in sync and should lead: no data moves, and a client finds the new
// leader at its next request. Partition by partition named, never "all of them", and broker by broker, so that one that
// can't bear its leaders is noticed before the next one gets its own.
namespace medic::remedies::kafka_elect_preferred_leaders {
namespace {

// As many at once as Cruise Control moves (num.concurrent.leader.movements.per.broker = 250).
constexpr std::size_t elections_max = 250;
constexpr std::size_t steps_max = 20;  // The rest is found again at the next look.
// A leader election takes milliseconds; what Kafka says of it is read every second or few.
constexpr Duration elected_within{30'000};

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    std::vector<FactKey> keys;
    const auto brokers = parameter(diagnosis, "brokers");
    if (!brokers) return keys;
    for (const auto id : split(*brokers, ','))
        for (const char* name : {"displaced_partitions", "kafka_broker_leaders_displaced",
                                 "kafka_broker_replicas_out_of_sync", "kafka_broker_reachable"})
            keys.push_back({subject_in(diagnosis, "broker", std::string(id)), name});
    return keys;
}

Step step_of(const Subject& broker, std::vector<PartitionOfTopic> partitions, double left) {
    Step step{
        .subject = broker,
        .text = fmt::format("let broker {} lead the {} partitions that it should lead", broker.name, partitions.size()),
        .operation = ElectLeaders{std::move(partitions)}};
    step.timeout = Duration{30'000};
    step.idempotent = true;  // Who leads already is not elected again.
    step.precondition = {equals(broker, "kafka_broker_reachable", 1),
                         equals(broker, "kafka_broker_replicas_out_of_sync", 0)};
    step.skip_if = {at_most(broker, "kafka_broker_leaders_displaced", left)};
    step.done = step.skip_if;
    step.expectation = {.all = step.done,
                        .worse_if = {equals(broker, "kafka_broker_reachable", 0)},
                        .within = elected_within,
                        .stable_for = Duration{2'000}};
    step.undo = "no data has moved; to have another broker lead, put it first in the partition's replicas and elect";
    step.risk = Risk::reversible;
    step.object = "broker:" + broker.name;
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string brokers, parameter(diagnosis, "brokers"));
    Plan result;
    std::size_t elections = 0;
    for (const auto id : split(brokers, ',')) {
        const Subject broker = subject_in(diagnosis, "broker", std::string(id));
        const Fact* displaced = view.fact({broker, "kafka_broker_leaders_displaced"});
        const Fact* out_of_sync = view.fact({broker, "kafka_broker_replicas_out_of_sync"});
        if (displaced == nullptr || out_of_sync == nullptr || !displaced->value || !out_of_sync->value)
            return fail(ErrorCode::not_ready, "it is not known what broker {} leads and is in sync with", id);
        if (*displaced->value <= 0) continue;
        if (*out_of_sync->value > 0)
            return fail(ErrorCode::not_ready, "broker {} still catches up with {} replicas", id, *out_of_sync->value);
        const std::string text = told(view, {broker, "displaced_partitions"});
        if (text.empty()) return fail(ErrorCode::not_ready, "which partitions broker {} should lead is not known", id);
        MEDIC_TRY(const auto partitions, read_partitions(text));
        double left = *displaced->value;
        for (std::size_t from = 0; from < partitions.size() && result.steps.size() < steps_max;) {
            const std::size_t to = std::min(from + elections_max, partitions.size());
            left = std::max(0.0, left - static_cast<double>(to - from));
            elections += to - from;
            result.steps.push_back(step_of(broker,
                                           {partitions.begin() + static_cast<std::ptrdiff_t>(from),
                                            partitions.begin() + static_cast<std::ptrdiff_t>(to)},
                                           left));
            from = to;
        }
    }
    if (result.steps.empty()) return fail(ErrorCode::invalid, "every partition is led by its preferred leader by now");
    result.summary =
        fmt::format("{} partitions are led by others than they should be: elect their preferred leaders", elections);
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.elect-preferred-leaders",
            .what = "lets brokers that are in sync lead the partitions that they should lead",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.leaders-displaced", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_elect_preferred_leaders

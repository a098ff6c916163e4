// The topic shipments: whom each broker leads of it, and what a slow broker costs.
#include <algorithm>

#include "agent/store/kafka_words.h"
#include "agent/world/sim/cluster.h"
#include "agent/world/sim/ids_internal.h"

namespace medic::sim {
namespace {

constexpr double slow_seconds = 2.0, quick_seconds = 0.02;
constexpr double idle_of_others = 0.8;
constexpr std::string_view of_brokers = "broker-";

}  // namespace

int SimShipments::led_by(int broker) const {
    return static_cast<int>(std::ranges::count(partitions, broker, &Partition::leader));
}

int SimShipments::preferred(int broker) const {
    return static_cast<int>(
        std::ranges::count_if(partitions, [&](const Partition& one) { return one.replicas.front() == broker; }));
}

// Where it is the load that is slow, whoever leads those partitions is.
bool SimShipments::keeps_waiting(int broker) const {
    if (slow_broker && broker == *slow_broker && led_by(broker) > 0) return true;
    return slow_load &&
           std::ranges::any_of(partitions, [&](const Partition& one) { return one.leader == broker && one.heavy; });
}

bool SimCluster::in_sync(int broker) const {
    return brokers.at(std::string(of_brokers) + std::to_string(broker)).in_sync;
}

// Others lead what a broker that is gone has led; they keep it when it is back.
void SimCluster::lead_shipments() {
    for (auto& one : shipments.partitions) {
        if (in_sync(one.leader)) continue;
        const auto heir = std::ranges::find_if(one.replicas, [&](int id) { return in_sync(id); });
        if (heir != one.replicas.end()) one.leader = *heir;
    }
}

// Kafka takes another order of the same replicas at once; nobody is elected by it.
Result<std::string> SimCluster::reorder(const AlterReassignments& op) {
    for (const PartitionMove& move : op.moves) {
        if (move.topic == coordinators_topic) {
            if (!std::ranges::is_permutation(move.replicas, coordinator.replicas))
                return fail(ErrorCode::invalid, "data of a coordinator would move");
            coordinator.replicas = move.replicas;
            continue;
        }
        auto& one = shipments.partitions.at(static_cast<std::size_t>(move.partition));
        if (!std::ranges::is_permutation(move.replicas, one.replicas))
            return fail(ErrorCode::invalid, "data of shipments would move");
        one.replicas = move.replicas;
    }
    return "reordered";
}

Result<std::string> SimCluster::elect_for_shipments(const ElectLeaders& op) {
    std::size_t elected = 0;
    for (const PartitionOfTopic& which : op.partitions) {
        if (which.topic == coordinators_topic) {
            if (!in_sync(coordinator.replicas.front())) continue;
            coordinator.leader = coordinator.replicas.front();
            ++elected;
            continue;
        }
        auto& one = shipments.partitions.at(static_cast<std::size_t>(which.partition));
        if (!in_sync(one.replicas.front())) continue;
        one.leader = one.replicas.front();
        ++elected;
    }
    if (elected == 0) return fail(ErrorCode::unavailable, "PREFERRED_LEADER_NOT_AVAILABLE");
    return "elected";
}

Fact SimCluster::look_up_order(Fact fact) const {
    const auto partition = static_cast<std::size_t>(fact.subject.name.back() - '0');
    if (fact.name == replicas_in_order && partition < shipments.partitions.size())
        fact.text = list(shipments.partitions[partition].replicas);
    return fact;
}

void SimCluster::raise_min_in_sync(WallTime now) {
    if (shipments.min_in_sync == SimShipments::good_min_in_sync) shipments.changes = 0;
    ++shipments.changes;
    shipments.min_in_sync = 4;
    shipments.changed_at = now;
}

Result<std::string> SimCluster::set_topic(const AlterConfigs& op) {
    if (op.name != shipments_topic) return fail(ErrorCode::invalid, "not simulated");
    const auto setting = op.set.find("min.insync.replicas");
    if (setting == op.set.end()) return fail(ErrorCode::invalid, "not simulated");
    shipments.min_in_sync = setting->second ? std::stoi(*setting->second) : SimShipments::good_min_in_sync;
    return "changed";
}

// As the collector and the agent's memory of topics tell them: the good value is the brokers' own.
Fact SimCluster::look_up_settings(Fact fact) const {
    const int now = shipments.min_in_sync;
    if (fact.name == "min.insync.replicas") fact.text = std::to_string(now), fact.value = now;
    if (fact.name == "kafka_partition_log_end_offset") fact.value = shipments.end_offset;
    if (fact.name != "settings_change") return fact;
    fact.text = settings_unchanged;
    if (now == SimShipments::good_min_in_sync) return fact;
    fact.text = fmt::format(
        R"({{"was":{{"min.insync.replicas":"{}"}},"is":{{"min.insync.replicas":"{}"}},"back":{{"min.insync.replicas":null}},)"
        R"("forth":{{"min.insync.replicas":"{}"}},"of_brokers":[],"changed_at":{},"changes":{},"worked":true}})",
        SimShipments::good_min_in_sync, now, now, shipments.changed_at.unix_ms, shipments.changes);
    return fact;
}

Fact SimCluster::look_up_shipments(int broker, Fact fact) const {
    if (fact.name == "kafka_broker_leaders")
        fact.value = shipments.led_by(broker) + (coordinator.leader == broker ? 1 : 0);
    if (fact.name == "kafka_broker_leaders_preferred")
        fact.value = shipments.preferred(broker) + (coordinator.replicas.front() == broker ? 1 : 0);
    if (fact.name == "kafka_broker_produce_local_seconds")
        fact.value = shipments.keeps_waiting(broker) ? slow_seconds : quick_seconds;
    if (fact.name == "kafka_broker_request_handler_idle_ratio" && !fact.value) fact.value = idle_of_others;
    if (fact.name != "leadership") return fact;
    fact.text = coordinator_as_led(broker);
    int number = 0;
    for (const auto& one : shipments.partitions) {
        const int partition = number++;
        if (one.leader != broker && one.replicas.front() != broker) continue;
        std::vector<int> up_to_date;
        std::ranges::copy_if(one.replicas, std::back_inserter(up_to_date), [&](int id) { return in_sync(id); });
        fact.text += fmt::format("{}{}:{}={}|{}|{}", fact.text.empty() ? "" : ";", shipments_topic, partition,
                                 one.leader, list(one.replicas), list(up_to_date));
    }
    if (fact.text.empty()) fact.text = leads_nothing;
    return fact;
}

}  // namespace medic::sim

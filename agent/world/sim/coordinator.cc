// One partition of __consumer_offsets: who coordinates its groups, and on whom that hangs.
#include <algorithm>

#include "agent/store/kafka_words.h"
#include "agent/world/sim/cluster.h"
#include "agent/world/sim/ids_internal.h"

namespace medic::sim {

// On whoever leads it now; nobody mends that but by starting the broker anew, which somebody may do after a while.
void SimCluster::hang_coordinator(WallTime now, std::optional<Duration> ends_after) {
    if (coordinator.hangs()) return;
    coordinator.hangs_on.insert(coordinator.leader);
    coordinator.hangs_since = now;
    coordinator.ends_at.reset();
    if (ends_after) coordinator.ends_at = now + *ends_after;
}

// What hung is gone with its process. Others lead what a broker that is gone has led; they keep it when it is back.
void SimCluster::coordinator_lives_on() {
    for (const auto& [name, broker] : brokers)
        if (!broker.up) coordinator.hangs_on.erase(name.back() - '0');
    if (coordinator.ends_at && now_ >= *coordinator.ends_at) {
        coordinator.hangs_on.clear();
        coordinator.ends_at.reset();
    }
    if (in_sync(coordinator.leader)) return;
    const auto heir = std::ranges::find_if(coordinator.replicas, [&](int id) { return in_sync(id); });
    if (heir != coordinator.replicas.end()) coordinator.leader = *heir;
}

std::string SimCluster::coordinator_as_led(int broker) const {
    if (coordinator.leader != broker && coordinator.replicas.front() != broker) return "";
    std::vector<int> up_to_date;
    std::ranges::copy_if(coordinator.replicas, std::back_inserter(up_to_date), [&](int id) { return in_sync(id); });
    return fmt::format("{}:{}={}|{}|{}", coordinators_topic, SimCoordinator::partition, coordinator.leader,
                       list(coordinator.replicas), list(up_to_date));
}

Fact SimCluster::look_up_coordinator(Fact fact) const {
    if (fact.name == "kafka_partition_leader") fact.value = coordinator.leader;
    if (fact.name == replicas_in_order) fact.text = list(coordinator.replicas);
    if (fact.name == "kafka_coordinator_answers") fact.value = coordinator.hangs() ? 0 : 1;
    if (fact.name == "kafka_partition_in_sync_replicas")
        fact.value =
            static_cast<double>(std::ranges::count_if(coordinator.replicas, [&](int id) { return in_sync(id); }));
    return fact;
}

}  // namespace medic::sim

// The topic entries: one partition of which only one copy is in sync, and what becomes of it when that copy is lost.
#include <algorithm>

#include "agent/store/kafka_replica.h"
#include "agent/store/kafka_words.h"
#include "agent/world/sim/cluster.h"
#include "agent/world/sim/ids_internal.h"

namespace medic::sim {

double SimEntries::end_of(int broker) const { return broker == 1 ? 1'000 : broker == 2 ? 950 : 900; }

std::vector<int> SimCluster::entries_served_by() const {
    std::vector<int> serving;
    std::ranges::copy_if(entries.replicas, std::back_inserter(serving), [&](int id) {
        return (id != 1 || !entries.lost_at) && brokers.at("broker-" + std::to_string(id)).serves();
    });
    return serving;
}

void SimCluster::lose_entries(WallTime now, std::optional<Duration> comes_back_after) {
    if (entries.leader != 1) return;
    entries.leader = -1;
    entries.lost_at = now;
    entries.comes_back_at.reset();
    if (comes_back_after) entries.comes_back_at = now + *comes_back_after;
}

// Who was in sync and is back leads at once, and nothing is lost.
void SimCluster::entries_live_on(double seconds) {
    if (entries.leader < 0 && entries.comes_back_at && now_ >= *entries.comes_back_at) {
        entries.leader = 1;
        entries.lost_at.reset();
        entries.comes_back_at.reset();
    }
    if (entries.leader >= 0) entries.written += seconds;
}

// As the agent's door and Kafka's controller do it together.
Result<std::string> SimCluster::elect_unclean(const ElectUncleanLeader& op) {
    if (op.topic != entries_topic || op.partition != 0) return fail(ErrorCode::invalid, "not simulated");
    if (entries.leader >= 0) return fail(ErrorCode::outdated, "it is led again");
    const auto serving = entries_served_by();
    if (serving.empty()) return fail(ErrorCode::unavailable, "ELIGIBLE_LEADERS_NOT_AVAILABLE");
    if (serving.front() != op.expected) return fail(ErrorCode::outdated, "another one would lead");
    entries.leader = serving.front();
    entries.comes_back_at.reset();  // Its copy is cut when it is back.
    entries.lost_at.reset();
    return "elected";
}

Result<std::string> SimCluster::reorder_entries(const AlterReassignments& op) {
    const auto& to = op.moves.front().replicas;
    if (!std::ranges::is_permutation(to, entries.replicas)) return fail(ErrorCode::invalid, "data would move");
    entries.replicas = to;
    return "reordered";
}

Fact SimCluster::look_up_entries(Fact fact) const {
    const Subject partition = partition_subject(fact.subject.cluster, std::string(entries_topic), 0);
    if (fact.subject.kind == "topic" && fact.name == "min.insync.replicas") fact.text = "1", fact.value = 1;
    const auto serving = entries_served_by();
    if (fact.subject == partition) {
        if (fact.name == "kafka_partition_leader") fact.value = entries.leader;
        if (fact.name == "kafka_partition_in_sync_replicas") fact.value = 1;
        if (fact.name == "kafka_partition_log_end_offset" && entries.leader >= 0)
            fact.value = entries.end_of(entries.leader) + entries.written;
        if (fact.name == replicas_in_order) fact.text = list(entries.replicas);
        if (fact.name == "serving" && entries.leader < 0)
            fact.text = serving.empty() ? std::string(no_replica) : list(serving);
    }
    if (fact.name != "kafka_replica_log_end_offset" || entries.leader >= 0) return fact;
    for (const int id : serving)
        if (fact.subject == replica_subject(partition, id)) fact.value = entries.end_of(id);
    return fact;
}

}  // namespace medic::sim

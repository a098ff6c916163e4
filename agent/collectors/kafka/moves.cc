// Replicas that are being moved: which partitions, and which brokers are to get them.
#include "agent/collectors/kafka/look_internal.h"

namespace medic {

// What was under way is then as good as before; where the brokers never tell it, waiting would have no end.
void KafkaCollector::moves_unread(Look& look, const Error& why) {
    look.missing("reassignments", why);
    if (why.code == ErrorCode::invalid) return;
    look.observation.under_way.push_back(
        {look.subject("topic", "*"), "reassignment", "somebody perhaps (they could not be read)"});
}

void KafkaCollector::moves(Look& look, KafkaReader& reader) const {
    const auto answer = reader.reassignments();
    if (!answer) return moves_unread(look, answer.error());
    if (const auto good = wire::check(answer->error, "ListPartitionReassignments"); !good)
        return moves_unread(look, good.error());
    std::map<std::int32_t, NamedPartitions> adding;
    for (const std::int32_t broker : brokers_seen_) adding.try_emplace(broker, options_.partitions_named_max);
    std::size_t count = 0;
    for (const auto& topic : answer->topics)
        for (const auto& partition : topic.partitions) {
            ++count;
            look.partition_sample("kafka_partition_reassigning", topic.name, partition.partition, 1);
            look.observation.under_way.push_back({look.subject("topic", topic.name), "reassignment", ""});
            for (const std::int32_t broker : partition.adding)
                adding.try_emplace(broker, options_.partitions_named_max)
                    .first->second.add(topic.name, partition.partition);
        }
    look.sample("kafka_cluster_partitions_reassigning", {}, static_cast<double>(count));
    for (const auto& [broker, partitions] : adding) {
        const std::string id = std::to_string(broker);
        look.sample("kafka_broker_replicas_adding", {{"broker", id}}, partitions.count());
        if (partitions.count() > 0)
            look.observation.attributes[look.subject("broker", id)]["adding_partitions"] = partitions.text();
    }
}

}  // namespace medic

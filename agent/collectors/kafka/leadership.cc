// Whom each broker leads, or should lead, and who could do it instead: what leaders can be moved without data.
#include "agent/collectors/kafka/look_internal.h"
#include "agent/store/kafka_words.h"

namespace medic {
namespace {

void append(std::string& text, const std::vector<std::int32_t>& ids) {
    for (std::size_t i = 0; i < ids.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(ids[i]);
}

// "orders:0=2|2,1,3|2,1": the leader, the replicas with the preferred leader first, the in-sync ones.
std::string one_of(const std::string& topic, const wire::MetadataResponse::Partition& partition) {
    std::string text = topic + ":" + std::to_string(partition.partition) + "=" + std::to_string(partition.leader_id);
    append(text += '|', partition.replicas);
    append(text += '|', partition.isr);
    return text;
}

}  // namespace

void KafkaCollector::leadership(Look& look) const {
    struct Led {
        std::string text;
        std::size_t count = 0;
    };
    std::map<std::int32_t, Led> brokers;
    for (const auto& broker : look.metadata.brokers) brokers[broker.node_id] = {};
    const auto add = [&](std::int32_t broker, const std::string& topic, const auto& partition) {
        const auto found = brokers.find(broker);
        if (found == brokers.end() || ++found->second.count > options_.partitions_named_max) return;
        found->second.text += (found->second.text.empty() ? "" : ";") + one_of(topic, partition);
    };
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != wire::KafkaError::none) continue;
        for (const auto& partition : topic.partitions) {
            if (partition.leader_id >= 0) add(partition.leader_id, *topic.name, partition);
            if (partition.replicas.empty() || partition.replicas.front() == partition.leader_id) continue;
            add(partition.replicas.front(), *topic.name, partition);
        }
    }
    for (const auto& [broker, led] : brokers)
        look.observation.attributes[look.subject("broker", std::to_string(broker))]["leadership"] =
            led.count == 0 ? std::string(leads_nothing) : led.text;
}

}  // namespace medic

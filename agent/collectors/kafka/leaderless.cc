// Partitions without a leader: who was in sync last, who else serves, and how far the logs of those reach. Who holds
// every record that was acknowledged may lead again once it is back; what an election of anybody else costs can be told
// from how far that one has got.
#include <algorithm>

#include "agent/collectors/kafka/look_internal.h"
#include "agent/store/kafka_words.h"

namespace medic {

namespace {

// Kafka's ListOffsetsRequest.DEBUGGING_REPLICA_ID: a broker then answers for what it holds without leading it, up to
// the end of its log.
constexpr std::int32_t debugging_replica = -2;

std::string joined(const std::vector<std::int32_t>& ids) {
    std::string text;
    for (std::size_t i = 0; i < ids.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(ids[i]);
    return text.empty() ? std::string(no_replica) : text;
}

}  // namespace

void KafkaCollector::leaderless(Look& look, KafkaReader& reader) const {
    std::map<std::int32_t, wire::ListOffsetsRequest> asked;  // By who serves.
    std::size_t count = 0;
    const auto serves = [&](const wire::MetadataResponse::Partition& of, std::int32_t id) {
        return std::ranges::find(look.metadata.brokers, id, &wire::MetadataResponse::Broker::node_id) !=
                   look.metadata.brokers.end() &&
               std::ranges::find(of.offline_replicas, id) == of.offline_replicas.end();
    };
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != wire::KafkaError::none) continue;
        for (const auto& partition : topic.partitions) {
            if (partition.leader_id >= 0 || ++count > options_.leaderless_max) continue;
            std::vector<std::int32_t> serving;
            std::ranges::copy_if(partition.replicas, std::back_inserter(serving),
                                 [&](std::int32_t id) { return serves(partition, id); });
            auto& attributes =
                look.observation
                    .attributes[look.subject("partition", *topic.name + "-" + std::to_string(partition.partition))];
            attributes["in_sync"] = joined(partition.isr);
            attributes["serving"] = joined(serving);
            for (const std::int32_t id : serving) {
                auto& request = asked[id];
                request.replica_id = debugging_replica;
                if (request.topics.empty() || request.topics.back().name != *topic.name)
                    request.topics.push_back({*topic.name, {}});
                request.topics.back().partitions.push_back(
                    {.partition = partition.partition, .current_leader_epoch = -1, .timestamp = wire::kLatestOffset});
            }
        }
    }
    if (count > options_.leaderless_max)
        look.observation.lacks("more than " + std::to_string(options_.leaderless_max) + " partitions without a leader");
    for (const auto& [id, request] : asked) {
        const auto answer = reader.offsets(id, request);
        if (!answer) {
            look.observation.lacks("ends of the logs of broker " + std::to_string(id) + ": " + answer.error().message);
            continue;
        }
        for (const auto& topic : answer->topics)
            for (const auto& partition : topic.partitions)
                if (partition.error == wire::KafkaError::none && partition.offset >= 0)
                    look.sample("kafka_replica_log_end_offset",
                                {{"broker", std::to_string(id)},
                                 {"topic", topic.name},
                                 {"partition", std::to_string(partition.partition)}},
                                static_cast<double>(partition.offset));
    }
}

}  // namespace medic

#include "agent/collectors/kafka/kafka.h"

#include <algorithm>

namespace medic {

using wire::KafkaError;

namespace {

// Appends one partition to a topic's attribute "assignment": "0:1,2,3;1:2,3,1", the preferred leader first.
void append_assignment(std::string& text, std::int32_t partition, const std::vector<std::int32_t>& replicas) {
    if (!text.empty()) text += ';';
    text += std::to_string(partition) + ':';
    for (std::size_t i = 0; i < replicas.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(replicas[i]);
}

}  // namespace

struct KafkaCollector::Look {
    const std::string& cluster;
    Observation& observation;
    wire::MetadataResponse metadata;
    std::map<PartitionKey, std::int64_t> end_offsets;

    [[nodiscard]] Subject subject(std::string kind, std::string name) const {
        return {cluster, std::move(kind), std::move(name)};
    }
    void sample(std::string_view name, std::vector<LabelPair> labels, double value) const {
        labels.emplace_back("cluster", cluster);
        observation.sample(name, std::move(labels), value);
    }
    void partition_sample(std::string_view name, const std::string& topic, std::int32_t partition, double value) const {
        sample(name, {{"topic", topic}, {"partition", std::to_string(partition)}}, value);
    }
};

Observation KafkaCollector::look(KafkaReader& reader, WallTime at) {
    Observation observation;
    observation.target = options_.target;
    observation.at = at;
    auto metadata = reader.metadata();
    if (!metadata) {
        observation.outcome = ScrapeOutcome::failed;
        observation.error = metadata.error().message;
        return observation;
    }
    Look look{options_.cluster, observation, *std::move(metadata), {}};
    brokers(look);
    partitions(look);
    log_dirs(look, reader);
    moves(look, reader);
    offsets(look, reader, wire::kLatestOffset);
    offsets(look, reader, wire::kEarliestOffset);
    groups(look, reader);
    if (looks_++ % static_cast<std::uint64_t>(options_.configs_every) == 0) configs(look, reader);
    for (const auto& [topic, settings] : topic_settings_) {
        auto& attributes = observation.attributes[look.subject("topic", topic)];
        attributes.insert(settings.begin(), settings.end());
    }
    states_.turn(observation.outcome == ScrapeOutcome::complete);
    return observation;
}

void KafkaCollector::brokers(Look& look) {
    std::set<std::int32_t> present;
    for (const auto& broker : look.metadata.brokers) {
        present.insert(broker.node_id);
        auto& attributes = look.observation.attributes[look.subject("broker", std::to_string(broker.node_id))];
        attributes["address"] = broker.host + ":" + std::to_string(broker.port);
        if (broker.rack) attributes["rack"] = *broker.rack;
    }
    brokers_seen_.insert(present.begin(), present.end());
    look.sample("kafka_active_controller", {}, look.metadata.controller_id);
}

void KafkaCollector::partitions(Look& look) {
    std::map<std::int32_t, std::pair<double, double>> held;  // Broker → replicas, leaders.
    for (const auto& broker : look.metadata.brokers) held[broker.node_id] = {0, 0};
    std::size_t count = 0;
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != KafkaError::none) continue;
        std::string assignment;
        for (const auto& partition : topic.partitions) {
            if (++count > options_.partitions_max) continue;
            look.partition_sample("kafka_partition_leader", *topic.name, partition.partition, partition.leader_id);
            look.partition_sample("kafka_partition_replicas", *topic.name, partition.partition,
                                  static_cast<double>(partition.replicas.size()));
            look.partition_sample("kafka_partition_in_sync_replicas", *topic.name, partition.partition,
                                  static_cast<double>(partition.isr.size()));
            for (const std::int32_t replica : partition.replicas) held[replica].first += 1;
            // A broker that holds replicas belongs to the cluster, also while it is away and was never seen.
            brokers_seen_.insert(partition.replicas.begin(), partition.replicas.end());
            if (partition.leader_id >= 0) held[partition.leader_id].second += 1;
            append_assignment(assignment, partition.partition, partition.replicas);
        }
        look.observation.attributes[look.subject("topic", *topic.name)] = {
            {"partitions", std::to_string(topic.partitions.size())},
            {"assignment", std::move(assignment)},
            {"internal", topic.is_internal ? "true" : "false"}};
    }
    if (count > options_.partitions_max)
        look.observation.lacks("more than " + std::to_string(options_.partitions_max) + " partitions");
    for (const std::int32_t id : brokers_seen_) {
        const bool listed = std::ranges::find(look.metadata.brokers, id, &wire::MetadataResponse::Broker::node_id) !=
                            look.metadata.brokers.end();
        look.sample("kafka_broker_up", {{"broker", std::to_string(id)}}, listed ? 1 : 0);
    }
    look.sample("kafka_cluster_partitions", {}, static_cast<double>(count));
    for (const auto& [broker, numbers] : held) {
        look.sample("kafka_broker_partitions", {{"broker", std::to_string(broker)}}, numbers.first);
        look.sample("kafka_broker_leaders", {{"broker", std::to_string(broker)}}, numbers.second);
    }
}

// Every broker is asked itself: that is also how it is known whether it answers.
void KafkaCollector::log_dirs(Look& look, KafkaReader& reader) {
    const auto answers = reader.log_dirs();
    if (!answers) return look.observation.lacks("log dirs: " + answers.error().message);
    for (const auto& [broker, answer] : *answers) {
        const std::string id = std::to_string(broker);
        look.sample("kafka_broker_reachable", {{"broker", id}}, answer ? 1 : 0);
        if (!answer) {
            look.observation.lacks("broker " + id + ": " + answer.error().message);
            continue;
        }
        for (const auto& dir : answer->log_dirs) {
            const std::vector<LabelPair> labels = {{"broker", id}, {"log_dir", dir.path}};
            look.sample("kafka_log_dir_online", labels, dir.error == KafkaError::kafka_storage_error ? 0 : 1);
            look.observation.relations.push_back(
                {look.subject("log-dir", id + ":" + dir.path), "hosted-by", look.subject("broker", id)});
            if (dir.total_bytes >= 0)
                look.sample("kafka_log_dir_total_bytes", labels, static_cast<double>(dir.total_bytes));
            if (dir.usable_bytes >= 0)
                look.sample("kafka_log_dir_usable_bytes", labels, static_cast<double>(dir.usable_bytes));
            for (const auto& topic : dir.topics)
                for (const auto& partition : topic.partitions) {
                    if (partition.is_future) continue;
                    look.sample("kafka_replica_size_bytes",
                                {{"broker", id},
                                 {"log_dir", dir.path},
                                 {"topic", topic.name},
                                 {"partition", std::to_string(partition.partition)}},
                                static_cast<double>(partition.size_bytes));
                }
        }
    }
    for (const std::int32_t broker : brokers_seen_)
        if (!answers->contains(broker)) look.sample("kafka_broker_reachable", {{"broker", std::to_string(broker)}}, 0);
}

void KafkaCollector::moves(Look& look, KafkaReader& reader) const {
    const auto answer = reader.reassignments();
    if (!answer) return look.observation.lacks("reassignments: " + answer.error().message);
    if (const auto good = wire::check(answer->error, "reassignments"); !good)
        return look.observation.lacks(good.error().message);
    for (const auto& topic : answer->topics)
        for (const auto& partition : topic.partitions) {
            look.partition_sample("kafka_partition_reassigning", topic.name, partition.partition, 1);
            look.observation.under_way.push_back({look.subject("topic", topic.name), "reassignment", ""});
        }
}

void KafkaCollector::offsets(Look& look, KafkaReader& reader, std::int64_t which) const {
    std::map<std::int32_t, std::map<std::string, wire::ListOffsetsRequest::Topic>> by_leader;
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != KafkaError::none) continue;
        for (const auto& partition : topic.partitions) {
            if (partition.leader_id < 0) continue;
            auto& asked = by_leader[partition.leader_id][*topic.name];
            asked.name = *topic.name;
            asked.partitions.push_back(
                {.partition = partition.partition, .current_leader_epoch = -1, .timestamp = which});
        }
    }
    for (auto& [leader, topics] : by_leader) {
        wire::ListOffsetsRequest request;
        for (auto& [name, topic] : topics) request.topics.push_back(std::move(topic));
        const auto answer = reader.offsets(leader, request);
        if (!answer) {
            look.observation.lacks("offsets of broker " + std::to_string(leader) + ": " + answer.error().message);
            continue;
        }
        for (const auto& topic : answer->topics)
            for (const auto& partition : topic.partitions) {
                if (partition.error != KafkaError::none || partition.offset < 0) continue;
                const bool latest = which == wire::kLatestOffset;
                look.partition_sample(latest ? "kafka_partition_log_end_offset" : "kafka_partition_log_start_offset",
                                      topic.name, partition.partition, static_cast<double>(partition.offset));
                if (latest) look.end_offsets[{topic.name, partition.partition}] = partition.offset;
            }
    }
}

void KafkaCollector::groups(Look& look, KafkaReader& reader) {
    const auto answers = reader.groups();
    if (!answers) return look.observation.lacks("groups: " + answers.error().message);
    std::set<std::string> ids;
    for (const auto& [broker, answer] : *answers) {
        if (!answer) {
            look.observation.lacks("groups of broker " + std::to_string(broker) + ": " + answer.error().message);
            continue;
        }
        for (const auto& one : answer->groups) ids.insert(one.group_id);
    }
    std::size_t count = 0;
    for (const std::string& id : ids) {
        if (++count > options_.groups_max) {
            look.observation.lacks(std::to_string(ids.size() - options_.groups_max) + " groups over the limit of " +
                                   std::to_string(options_.groups_max));
            break;
        }
        group(look, reader, id);
    }
}

void KafkaCollector::group(Look& look, KafkaReader& reader, const std::string& id) {
    const auto described = reader.group(id);
    if (described && !described->groups.empty() && described->groups[0].error == KafkaError::none) {
        const auto& group = described->groups[0];
        states_.tell(look.observation, id, "kafka_group_state",
                     {{"cluster", look.cluster}, {"group", id}, {"state", group.state}});
        look.sample("kafka_group_members", {{"group", id}}, static_cast<double>(group.members.size()));
        auto& attributes = look.observation.attributes[look.subject("group", id)];
        attributes = {{"state", group.state}, {"protocol_type", group.protocol_type}};
        if (group.state == "PreparingRebalance" || group.state == "CompletingRebalance")
            look.observation.under_way.push_back({look.subject("group", id), "rebalance", ""});
        // The workers of a Connect cluster form a group without offsets; its sinks have consumer groups of their own.
        if (group.protocol_type == "connect") return;
    } else {
        look.observation.lacks("group " + id + (described ? ": not described" : ": " + described.error().message));
    }
    const auto committed = reader.committed(id);
    if (!committed) return look.observation.lacks("offsets of group " + id + ": " + committed.error().message);
    const auto& topics = committed->groups.empty() ? committed->topics : committed->groups[0].topics;
    for (const auto& topic : topics) {
        look.observation.relations.push_back({look.subject("group", id), "reads", look.subject("topic", topic.name)});
        for (const auto& partition : topic.partitions) {
            if (partition.error != KafkaError::none || partition.offset < 0) continue;
            const std::vector<LabelPair> labels = {
                {"group", id}, {"topic", topic.name}, {"partition", std::to_string(partition.partition)}};
            look.sample("kafka_group_committed_offset", labels, static_cast<double>(partition.offset));
            const auto end = look.end_offsets.find({topic.name, partition.partition});
            // The end was read first: a group may have committed beyond it since, which is no lag and not less than
            // none.
            if (end != look.end_offsets.end())
                look.sample("kafka_group_lag_records", labels,
                            static_cast<double>(std::max<std::int64_t>(0, end->second - partition.offset)));
        }
    }
}

void KafkaCollector::configs(Look& look, KafkaReader& reader) {
    wire::DescribeConfigsRequest request;
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != KafkaError::none || request.resources.size() >= options_.config_topics_max)
            continue;
        request.resources.push_back(
            {.type = static_cast<std::int8_t>(wire::ConfigResource::topic),
             .name = *topic.name,
             .keys = std::vector<std::string>{"retention.ms", "retention.bytes", "cleanup.policy",
                                              "min.insync.replicas", "segment.bytes"}});
    }
    if (request.resources.empty()) return;
    const auto answer = reader.configs(request);
    if (!answer) return look.observation.lacks("topic settings: " + answer.error().message);
    topic_settings_.clear();
    for (const auto& resource : answer->resources) {
        if (resource.error != KafkaError::none) continue;
        for (const auto& config : resource.configs)
            if (config.value && !config.is_sensitive) topic_settings_[resource.name][config.name] = *config.value;
    }
}

}  // namespace medic

// What a person sees and does with Kafka's own tools on a drill's platform.
#include <algorithm>
#include <set>

#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/placement.h"
#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_client.h"
#include "agent/world/real/kafka_consumer.h"
#include "engine/drill/platform.h"

namespace medic::engine::drill {

Result<wire::MetadataResponse> Platform::metadata() const {
    KafkaClient client(
        {.bootstrap = bootstrap(), .connect_timeout = Duration(1'000), .request_timeout = Duration(3'000)});
    return client.metadata(std::nullopt);
}

Result<std::map<std::string, double>> Platform::disk_fill() const {
    KafkaClient client(
        {.bootstrap = bootstrap(), .connect_timeout = Duration(1'000), .request_timeout = Duration(3'000)});
    MEDIC_TRY(const auto answers, client.call_every_broker(wire::DescribeLogDirsRequest{}));
    std::map<std::string, double> fill;
    for (const auto& [broker, answer] : answers) {
        if (!answer) continue;
        for (const auto& dir : answer->log_dirs) {
            const double share =
                dir.error == wire::KafkaError::none && dir.total_bytes > 0
                    ? 1.0 - static_cast<double>(dir.usable_bytes) / static_cast<double>(dir.total_bytes)
                    : 1.0;
            double& worst = fill[fmt::format("broker-{}", broker)];
            worst = std::max(worst, share);
        }
    }
    return fill;
}

Status Platform::throttle_replication(std::int64_t bytes_per_second) const {
    MEDIC_TRY(const auto known, metadata());
    std::string replicas;
    std::set<std::int32_t> brokers;
    for (const auto& topic : known.topics) {
        if (topic.name != workload_topic) continue;
        for (const auto& partition : topic.partitions)
            for (const std::int32_t broker : partition.replicas) {
                replicas += fmt::format("{}{}:{}", replicas.empty() ? "" : ",", partition.partition, broker);
                brokers.insert(broker);
            }
    }
    wire::IncrementalAlterConfigsRequest request;
    const auto set = [&](wire::ConfigResource type, std::string name, const char* what, const std::string& value) {
        auto& resource = request.resources.emplace_back();
        resource.type = static_cast<std::int8_t>(type);
        resource.name = std::move(name);
        for (const char* side : {"leader", "follower"})
            resource.configs.push_back({fmt::format("{}.replication.throttled.{}", side, what), 0, value});
    };
    set(wire::ConfigResource::topic, std::string(workload_topic), "replicas", replicas);
    for (const std::int32_t broker : brokers)
        set(wire::ConfigResource::broker, std::to_string(broker), "rate", std::to_string(bytes_per_second));
    KafkaClient client({.bootstrap = bootstrap()});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request));
    for (const auto& one : answer.resources)
        MEDIC_CHECK(wire::check(one.error, "throttle " + one.name, one.error_message.value_or("")));
    return {};
}

Status Platform::set_topic_setting(const std::string& setting, const std::optional<std::string>& value) const {
    wire::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.type = static_cast<std::int8_t>(wire::ConfigResource::topic);
    resource.name = std::string(workload_topic);
    const auto operation = value ? wire::ConfigOperation::set : wire::ConfigOperation::remove;
    resource.configs.push_back({setting, static_cast<std::int8_t>(operation), value});
    KafkaClient client({.bootstrap = bootstrap()});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request));
    for (const auto& one : answer.resources)
        MEDIC_CHECK(wire::check(one.error, "set " + setting, one.error_message.value_or("")));
    return {};
}

Status Platform::begin_move_to(std::int32_t target) const {
    constexpr std::int32_t partitions = 4;
    const std::string moved = "moved-topic";
    KafkaClient client({.bootstrap = bootstrap()});
    wire::CreateTopicsRequest creation;
    wire::CreateTopicsRequest::Topic topic{.name = moved};
    for (std::int32_t partition = 0; partition < partitions; ++partition)
        topic.assignments.push_back({partition, {1, 2}});
    creation.topics = {topic};
    MEDIC_TRY(const auto created, client.call(KafkaTarget::controller(), creation));
    for (const auto& one : created.topics)
        if (one.error != wire::KafkaError::topic_already_exists) MEDIC_CHECK(wire::check(one.error, "create " + moved));

    wire::AlterPartitionReassignmentsRequest request;
    auto& moves = request.topics.emplace_back();
    moves.name = moved;
    for (std::int32_t partition = 0; partition < partitions; ++partition)
        moves.partitions.push_back({.partition = partition, .replicas = std::vector<std::int32_t>{1, target}});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request));
    MEDIC_CHECK(wire::check(answer.error, "move " + moved, answer.error_message.value_or("")));
    for (const auto& one : answer.topics)
        for (const auto& partition : one.partitions)
            MEDIC_CHECK(wire::check(partition.error, "move " + moved, partition.error_message.value_or("")));
    return {};
}

Result<int> Platform::moves_under_way() const {
    KafkaClient client({.bootstrap = bootstrap()});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), wire::ListPartitionReassignmentsRequest{}));
    MEDIC_CHECK(wire::check(answer.error, "list reassignments"));
    std::size_t count = 0;
    for (const auto& topic : answer.topics) count += topic.partitions.size();
    return static_cast<int>(count);
}

Result<int> Platform::under_replicated() const {
    MEDIC_TRY(const auto known, metadata());
    int count = 0;
    for (const auto& topic : known.topics)
        for (const auto& partition : topic.partitions)
            count += partition.isr.size() < partition.replicas.size() ? 1 : 0;
    return count;
}

Result<std::uint64_t> Platform::committed_records() const {
    KafkaClient client(
        {.bootstrap = bootstrap(), .connect_timeout = Duration(1'000), .request_timeout = Duration(3'000)});
    std::vector<TopicPartition> partitions;
    for (int partition = 0; partition < plan_.options.workload.partitions; ++partition)
        partitions.push_back({std::string(workload_topic), partition});
    MEDIC_TRY(const auto committed, fetch_committed(client, lab::job_name, partitions));
    std::uint64_t records = 0;
    for (const auto& [partition, offset] : committed) records += static_cast<std::uint64_t>(offset);
    return records;
}

Result<double> Platform::displaced_leaders() const {
    MEDIC_TRY(const auto metadata, this->metadata());
    struct Preferred {
        double all = 0, displaced = 0;
    };
    std::map<std::int32_t, Preferred> brokers;
    for (const auto& topic : metadata.topics) {
        for (const auto& partition : topic.partitions) {
            if (partition.replicas.empty()) continue;
            Preferred& preferred = brokers[partition.replicas.front()];
            preferred.all += 1;
            if (partition.leader_id != partition.replicas.front()) preferred.displaced += 1;
        }
    }
    double worst = 0;
    for (const auto& [broker, preferred] : brokers) worst = std::max(worst, preferred.displaced / preferred.all);
    return worst;
}

}  // namespace medic::engine::drill

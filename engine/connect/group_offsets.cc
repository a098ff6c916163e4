#include "engine/connect/group_offsets.h"

#include <mutex>

#include "agent/wire/messages/group_admin.h"
#include "agent/world/real/kafka_consumer.h"

namespace medic::engine::connect {
namespace {

class Offsets final : public GroupOffsets {
public:
    explicit Offsets(const std::string& bootstrap)
        : client_({.bootstrap = list_option({{"", bootstrap}}, ""), .client_id = "connect-worker-offsets"}) {}

    Result<PartitionOffsets> read(const std::string& group, const std::vector<std::string>& topics) override {
        const std::lock_guard lock(mutex_);
        MEDIC_TRY(const auto metadata, client_.metadata(topics));
        std::vector<medic::TopicPartition> partitions;
        for (const auto& topic : metadata.topics)
            for (const auto& partition : topic.partitions)
                partitions.push_back({topic.name.value_or(""), partition.partition});
        MEDIC_TRY(const auto committed, fetch_committed(client_, group, partitions));
        PartitionOffsets offsets;
        for (const auto& [partition, offset] : committed) offsets[{partition.topic, partition.partition}] = offset;
        return offsets;
    }

    Status alter(const std::string& group, const PartitionOffsets& next_offsets) override {
        const std::lock_guard lock(mutex_);
        std::map<medic::TopicPartition, std::int64_t> offsets;
        for (const auto& [partition, offset] : next_offsets) offsets[{partition.topic, partition.partition}] = offset;
        return commit_offsets(client_, group, offsets, {});
    }

    Status remove(const std::string& group) override {
        const std::lock_guard lock(mutex_);
        wire::DeleteGroupsRequest request;
        request.groups = {group};
        MEDIC_TRY(const auto answer, client_.call(KafkaTarget::coordinator(group), request));
        for (const auto& one : answer.groups)
            if (one.error != wire::KafkaError::group_id_not_found)
                MEDIC_CHECK(wire::check(one.error, "delete group " + one.group_id));
        return {};
    }

private:
    std::mutex mutex_;
    KafkaClient client_;
};

}  // namespace

std::shared_ptr<GroupOffsets> make_group_offsets(const std::string& bootstrap) {
    return std::make_shared<Offsets>(bootstrap);
}

}  // namespace medic::engine::connect

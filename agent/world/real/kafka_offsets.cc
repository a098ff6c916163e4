// The offset calls of kafka_consumer.h, which need no consumer.
#include <thread>

#include "agent/wire/messages/group_offsets.h"
#include "agent/wire/messages/list_offsets.h"
#include "agent/world/real/kafka_consumer.h"

namespace medic {

using namespace wire;

namespace {

// For a leader that moves or has just been elected, which takes less.
constexpr int kListTriesMax = 5;
constexpr Duration kRetryPause{100};  // Kafka's default: retry.backoff.ms

// The entry of `topic` at the end of a request's list, added when it isn't there: partitions come sorted by topic.
template <class Topic>
Topic& last_topic(std::vector<Topic>& topics, const std::string& name) {
    if (topics.empty() || topics.back().name != name) topics.emplace_back().name = name;
    return topics.back();
}

Result<std::map<TopicPartition, std::int32_t>> leaders_of(KafkaClient& client,
                                                          const std::vector<TopicPartition>& partitions) {
    std::vector<std::string> topics;
    for (const auto& partition : partitions)
        if (topics.empty() || topics.back() != partition.topic) topics.push_back(partition.topic);
    MEDIC_TRY(const auto metadata, client.metadata(topics));
    std::map<TopicPartition, std::int32_t> leaders;
    for (const auto& topic : metadata.topics) {
        MEDIC_CHECK(check(topic.error, "topic " + topic.name.value_or("?")));
        for (const auto& partition : topic.partitions)
            leaders[{topic.name.value_or(""), partition.partition}] = partition.leader_id;
    }
    return leaders;
}

// `retry`: what failed passes by itself, after a new look at the leaders.
Result<std::map<TopicPartition, std::int64_t>> list_once(KafkaClient& client,
                                                         const std::vector<TopicPartition>& partitions,
                                                         std::int64_t timestamp, bool& retry) {
    retry = false;
    MEDIC_TRY(const auto leaders, leaders_of(client, partitions));
    std::map<std::int32_t, ListOffsetsRequest> requests;
    for (const auto& partition : partitions) {
        const auto leader = leaders.find(partition);
        if (leader == leaders.end())
            return fail(ErrorCode::invalid, "topic {} has no partition {}", partition.topic, partition.partition);
        if (leader->second < 0) {
            retry = true;
            return fail(ErrorCode::unavailable, "{}-{} has no leader", partition.topic, partition.partition);
        }
        last_topic(requests[leader->second].topics, partition.topic)
            .partitions.push_back({.partition = partition.partition, .timestamp = timestamp});
    }
    std::map<TopicPartition, std::int64_t> offsets;
    for (const auto& [leader, request] : requests) {
        MEDIC_TRY(const auto response, client.call(KafkaTarget::broker(leader), request));
        for (const auto& topic : response.topics) {
            for (const auto& partition : topic.partitions) {
                retry = is_retriable(partition.error);
                MEDIC_CHECK(check(partition.error, fmt::format("offsets of {}-{}", topic.name, partition.partition)));
                offsets[{topic.name, partition.partition}] = partition.offset;
            }
        }
    }
    return offsets;
}

}  // namespace

Result<std::map<TopicPartition, std::int64_t>> list_offsets(KafkaClient& client,
                                                            const std::vector<TopicPartition>& partitions,
                                                            std::int64_t timestamp) {
    for (int tries = 1;; ++tries) {
        bool retry = false;
        auto offsets = list_once(client, partitions, timestamp, retry);
        if (offsets || !retry || tries == kListTriesMax || client.stopped()) return offsets;
        std::this_thread::sleep_for(kRetryPause);
    }
}

Result<std::map<TopicPartition, std::int64_t>> fetch_committed(KafkaClient& client, const std::string& group_id,
                                                               const std::vector<TopicPartition>& partitions) {
    OffsetFetchRequest request;  // Both forms: the version that is negotiated takes its own.
    request.group_id = group_id;
    request.topics.emplace();
    for (const auto& partition : partitions)
        last_topic(*request.topics, partition.topic).partitions.push_back(partition.partition);
    request.groups.push_back({.group_id = group_id, .topics = request.topics});
    MEDIC_TRY(auto response, client.call(KafkaTarget::coordinator(group_id), request));
    if (!response.groups.empty()) {
        response.error = response.groups.front().error;
        response.topics = response.groups.front().topics;
    }
    const std::string what = "committed offsets of group " + group_id;
    if (error_code(response.error) == ErrorCode::outdated) client.forget_metadata();
    MEDIC_CHECK(check(response.error, what));
    std::map<TopicPartition, std::int64_t> offsets;
    for (const auto& topic : response.topics) {
        for (const auto& partition : topic.partitions) {
            MEDIC_CHECK(check(partition.error, what));
            if (partition.offset >= 0) offsets[{topic.name, partition.partition}] = partition.offset;
        }
    }
    return offsets;
}

Status commit_offsets(KafkaClient& client, const std::string& group_id,
                      const std::map<TopicPartition, std::int64_t>& offsets, const GroupMembership& membership) {
    OffsetCommitRequest request;
    request.group_id = group_id;
    request.generation_id = membership.generation_id;
    request.member_id = membership.member_id;
    for (const auto& [partition, offset] : offsets)
        last_topic(request.topics, partition.topic)
            .partitions.push_back({.partition = partition.partition, .offset = offset, .metadata = std::string()});
    MEDIC_TRY(const auto response, client.call(KafkaTarget::coordinator(group_id), request));
    for (const auto& topic : response.topics) {
        for (const auto& partition : topic.partitions) {
            if (partition.error == KafkaError::not_coordinator) client.forget_metadata();
            MEDIC_CHECK(check(partition.error,
                              fmt::format("commit of {}-{} for group {}", topic.name, partition.partition, group_id)));
        }
    }
    return {};
}

}  // namespace medic

// A Kafka that answers as its test says, for the tests of this folder's collector. Tests only.
#pragma once

#include "agent/collectors/kafka/kafka.h"

namespace medic {

// Two brokers, one topic of two partitions, one group; parts can be made to fail.
struct FakeKafka : KafkaReader {
    ErrorCode metadata_error = ErrorCode::unavailable;
    bool metadata_fails = false, broker_2_silent = false, broker_2_gone = false;
    std::int64_t committed_offset = 90;
    int config_calls = 0;
    bool old = false;  // Knows none of the newer calls.
    bool forbidden = false;
    bool open_transaction = false, modern_group = false;
    // Of its producer: whether a coordinator knows it, and whether it counts the partition to the transaction.
    bool coordinated = true, counted = true, may_describe = true, coordinator_loads = false, state_led = true;
    std::int64_t start_offset = 60;
    int leader_of_1 = 2;  // Its preferred leader is broker 2.
    std::vector<std::int32_t> replicas_of_1 = {2, 1}, isr_of_1 = {2};
    std::vector<std::int32_t> offline_of_1;
    // Partitions of __consumer_offsets, all led by broker 1; 0: there is no such topic. Groups beside "g", and those
    // whose coordinator does not come back, so that broker 1 lists none.
    int coordinators = 0;
    std::vector<std::string> more_groups;
    std::set<std::string> stuck_groups;
    bool lists_all_the_same = false;
    std::map<std::int32_t, std::int64_t> replica_ends;  // By broker: where its log of partition 1 ends.
    std::string leader_rebalance = "false", throttled = "0:1,1:2", rate_of_2;
    wire::ConfigSource rate_source = wire::ConfigSource::dynamic_broker;

    Result<wire::MetadataResponse> metadata() override {
        if (metadata_fails) return fail(metadata_error, "nobody answers");
        wire::MetadataResponse answer;
        answer.brokers.push_back({.node_id = 1, .host = "h", .port = 9092, .rack = "r1"});
        if (!broker_2_gone) answer.brokers.push_back({.node_id = 2, .host = "h", .port = 9093, .rack = std::nullopt});
        answer.controller_id = 1;
        wire::MetadataResponse::Topic topic;
        topic.name = "t";
        topic.partitions.push_back({.partition = 0, .leader_id = 1, .replicas = {1, 2}, .isr = {1, 2}});
        topic.partitions.push_back({.partition = 1,
                                    .leader_id = broker_2_gone ? -1 : leader_of_1,
                                    .replicas = replicas_of_1,
                                    .isr = isr_of_1,
                                    .offline_replicas = offline_of_1});
        answer.topics.push_back(topic);
        if (coordinators > 0) {
            auto& offsets = answer.topics.emplace_back();
            offsets.name = "__consumer_offsets";
            for (int i = 0; i < coordinators; ++i)
                offsets.partitions.push_back({.partition = i, .leader_id = 1, .replicas = {1, 2}, .isr = {1, 2}});
        }
        if (!state_led) {
            answer.topics.push_back(topic);
            answer.topics.back().name = "__transaction_state";
            answer.topics.back().partitions.at(0).leader_id = -1;
        }
        return answer;
    }
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override {
        ByBroker<wire::DescribeLogDirsResponse> all;
        wire::DescribeLogDirsResponse answer;
        answer.log_dirs.push_back({.error = wire::KafkaError::none,
                                   .path = "/d",
                                   .topics = {{"t", {{.partition = 0, .size_bytes = 70}}}},
                                   .total_bytes = 1000,
                                   .usable_bytes = 400});
        answer.log_dirs.push_back({.error = wire::KafkaError::kafka_storage_error,
                                   .path = "/e",
                                   .topics = {},
                                   .total_bytes = -1,
                                   .usable_bytes = -1});
        all.emplace(1, answer);
        if (broker_2_silent)
            all.emplace(2, fail(ErrorCode::unavailable, "no answer within 2 s"));
        else if (!broker_2_gone)
            all.emplace(2, answer);
        return all;
    }
    Result<ByBroker<wire::ListGroupsResponse>> groups() override {
        ByBroker<wire::ListGroupsResponse> all;
        wire::ListGroupsResponse answer;
        answer.groups.push_back({.group_id = "g", .protocol_type = "consumer", .state = "Stable", .type = ""});
        if (modern_group)
            answer.groups.push_back(
                {.group_id = "m", .protocol_type = "consumer", .state = "Stable", .type = "Consumer"});
        for (const std::string& id : more_groups)
            answer.groups.push_back({.group_id = id, .protocol_type = "consumer", .state = "Stable", .type = ""});
        if (stuck_groups.empty() || lists_all_the_same)
            all.emplace(1, answer);
        else
            all.emplace(1, fail(ErrorCode::unavailable, "no answer within 2 s"));
        return all;
    }
    Result<wire::DescribeGroupsResponse> describe_groups(std::int32_t, const std::vector<std::string>& ids) override {
        wire::DescribeGroupsResponse answer;
        for (const std::string& id : ids)
            if (stuck_groups.contains(id)) return fail(ErrorCode::unavailable, "no answer within 2 s");
        for (const std::string& id : ids) {
            wire::DescribeGroupsResponse::Group group;
            group.group_id = id;
            group.state = "Stable";
            group.protocol_type = "consumer";
            group.members.resize(2);
            answer.groups.push_back(group);
        }
        return answer;
    }
    Result<wire::ConsumerGroupDescribeResponse> describe_consumer_groups(std::int32_t,
                                                                         const std::vector<std::string>& ids) override {
        if (old) return fail(ErrorCode::invalid, "broker 1 does not offer ConsumerGroupDescribe");
        wire::ConsumerGroupDescribeResponse answer;
        for (const std::string& id : ids) {
            answer.groups.emplace_back().group_id = id;
            answer.groups.back().state = "Reconciling";
            answer.groups.back().members.resize(3);
        }
        return answer;
    }
    Result<std::vector<wire::OffsetFetchResponse::Group>> committed(std::int32_t,
                                                                    const std::vector<std::string>& ids) override {
        std::vector<wire::OffsetFetchResponse::Group> groups;
        for (const std::string& id : ids)
            groups.push_back(
                {id, {{"t", {{.partition = 0, .offset = committed_offset}, {.partition = 1, .offset = -1}}}}});
        return groups;
    }
    Result<wire::ListOffsetsResponse> offsets(std::int32_t broker, const wire::ListOffsetsRequest& request) override {
        wire::ListOffsetsResponse answer;
        if (request.replica_id == -2) {
            if (!replica_ends.contains(broker)) return fail(ErrorCode::unavailable, "no answer within 2 s");
            answer.topics.push_back({"t", {{.partition = 1, .offset = replica_ends.at(broker)}}});
            return answer;
        }
        for (const auto& topic : request.topics) {
            answer.topics.push_back({topic.name, {}});
            for (const auto& partition : topic.partitions)
                answer.topics.back().partitions.push_back(
                    {.partition = partition.partition,
                     .offset = request.isolation == 1 && open_transaction && partition.partition == 0 ? 60
                               : partition.timestamp == wire::kLatestOffset                           ? 100
                                                                                                      : 10});
        }
        return answer;
    }
    Result<wire::ListPartitionReassignmentsResponse> reassignments() override {
        wire::ListPartitionReassignmentsResponse answer;
        answer.topics.push_back({"t", {{.partition = 1, .replicas = {1, 2}, .adding = {1}, .removing = {}}}});
        return answer;
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest&) override {
        ++config_calls;
        wire::DescribeConfigsResponse answer;
        wire::DescribeConfigsResponse::Resource resource;
        resource.name = "t";
        resource.configs.push_back({.name = "retention.ms",
                                    .value = "86400000",
                                    .source = static_cast<std::int8_t>(wire::ConfigSource::topic)});
        resource.configs.push_back({.name = "segment.bytes",
                                    .value = "1073741824",
                                    .source = static_cast<std::int8_t>(wire::ConfigSource::default_value)});
        resource.configs.push_back({.name = "follower.replication.throttled.replicas", .value = throttled});
        answer.resources.push_back(resource);
        return answer;
    }
    Result<ByBroker<wire::DescribeConfigsResponse>> broker_configs(const std::vector<std::string>& keys) override {
        ByBroker<wire::DescribeConfigsResponse> all;
        for (const int broker : {1, 2}) {
            wire::DescribeConfigsResponse answer;
            auto& resource = answer.resources.emplace_back();
            resource.name = std::to_string(broker);
            if (forbidden) resource.error = wire::KafkaError::cluster_authorization_failed;
            if (!forbidden) resource.configs.push_back({.name = keys.at(0), .value = leader_rebalance});
            // A throttle is told only while it is set; one of all brokers alike comes from elsewhere.
            if (!forbidden && broker == 2 && !rate_of_2.empty())
                resource.configs.push_back({.name = "leader.replication.throttled.rate",
                                            .value = rate_of_2,
                                            .source = static_cast<std::int8_t>(rate_source)});
            all.emplace(broker, answer);
        }
        if (broker_2_silent) all.at(2) = fail(ErrorCode::unavailable, "no answer within 2 s");
        return all;
    }
    template <class Response>
    Result<Response> newer(Response answer) const {
        if (old) return fail(ErrorCode::invalid, "broker 1 does not offer it");
        if constexpr (requires { answer.error; })
            if (forbidden) answer.error = wire::KafkaError::cluster_authorization_failed;
        return answer;
    }
    Result<wire::DescribeQuorumResponse> quorum() override {
        wire::DescribeQuorumResponse answer;
        wire::DescribeQuorumResponse::Topic::Partition log;
        log.leader_id = 1;
        log.leader_epoch = 7;
        log.voters = {{.replica_id = 1, .log_end_offset = 50, .last_caught_up_timestamp_ms = 1'000},
                      {.replica_id = 2, .log_end_offset = 40, .last_caught_up_timestamp_ms = -1}};
        log.observers = {{.replica_id = 3, .log_end_offset = 50, .last_caught_up_timestamp_ms = 500}};
        answer.topics.push_back({"__cluster_metadata", {log}});
        return newer(answer);
    }
    Result<wire::DescribeClientQuotasResponse> quotas() override {
        wire::DescribeClientQuotasResponse answer;
        answer.entries.emplace();
        answer.entries->push_back(
            {.entity = {{"user", "alice"}, {"client-id", std::nullopt}}, .values = {{"producer_byte_rate", 1024}}});
        return newer(answer);
    }
    Result<ByBroker<wire::ListTransactionsResponse>> transactions() override {
        ByBroker<wire::ListTransactionsResponse> all;
        wire::ListTransactionsResponse answer;
        if (open_transaction) answer.transactions.push_back({"tx-1", 9, "Ongoing"});
        all.emplace(1, newer(answer));
        return all;
    }
    Result<ByBroker<wire::ListTransactionsResponse>> transactions_of(const std::vector<std::int64_t>& ids) override {
        ByBroker<wire::ListTransactionsResponse> all;
        wire::ListTransactionsResponse answer;
        for (const std::int64_t id : ids)
            if (coordinated) answer.transactions.push_back({"tx-1", id, "Ongoing"});
        all.emplace(1, newer(answer));
        all.emplace(2, newer(wire::ListTransactionsResponse{}));
        if (coordinator_loads && !old) all.at(2)->error = wire::KafkaError::coordinator_load_in_progress;
        return all;
    }
    Result<wire::DescribeTransactionsResponse> describe_transactions(std::int32_t,
                                                                     const std::vector<std::string>& ids) override {
        wire::DescribeTransactionsResponse answer;
        for (const std::string& id : ids) {
            if (id != "tx-1") {
                answer.transactions.push_back({.error = may_describe
                                                            ? wire::KafkaError::not_coordinator
                                                            : wire::KafkaError::transactional_id_authorization_failed,
                                               .transactional_id = id});
                continue;
            }
            answer.transactions.push_back(
                {.transactional_id = id, .state = "Ongoing", .started_at_ms = 400, .producer_id = 9});
            if (counted) answer.transactions.back().topics = {{"t", {0}}};
        }
        return answer;
    }
    Result<wire::DescribeProducersResponse> producers(std::int32_t,
                                                      const wire::DescribeProducersRequest& request) override {
        ++producer_calls;
        wire::DescribeProducersResponse answer;
        wire::DescribeProducersResponse::Topic::Partition partition{.partition = request.topics.at(0).partitions.at(0)};
        partition.producers = {{.producer_id = 9, .last_timestamp_ms = 1'000, .transaction_start_offset = start_offset},
                               {.producer_id = 10, .last_timestamp_ms = 1'000, .transaction_start_offset = -1}};
        answer.topics.push_back({"t", {partition}});
        return answer;
    }
    int producer_calls = 0;
};

inline KafkaCollector collector() { return KafkaCollector({.cluster = "c", .target = "c/kafka"}); }

}  // namespace medic

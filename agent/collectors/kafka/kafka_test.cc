#include "agent/collectors/kafka/kafka.h"

#include <gtest/gtest.h>

#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::count;
using recorded::value;

// Two brokers, one topic of two partitions, one group; parts can be made to fail.
struct FakeKafka : KafkaReader {
    bool metadata_fails = false, broker_2_silent = false, broker_2_gone = false;
    std::int64_t committed_offset = 90;
    int config_calls = 0;

    Result<wire::MetadataResponse> metadata() override {
        if (metadata_fails) return fail(ErrorCode::unavailable, "nobody answers");
        wire::MetadataResponse answer;
        answer.brokers.push_back({.node_id = 1, .host = "h", .port = 9092, .rack = "r1"});
        if (!broker_2_gone) answer.brokers.push_back({.node_id = 2, .host = "h", .port = 9093, .rack = std::nullopt});
        answer.controller_id = 1;
        wire::MetadataResponse::Topic topic;
        topic.name = "t";
        topic.partitions.push_back({.partition = 0, .leader_id = 1, .replicas = {1, 2}, .isr = {1, 2}});
        topic.partitions.push_back(
            {.partition = 1, .leader_id = broker_2_gone ? -1 : 2, .replicas = {2, 1}, .isr = {2}});
        answer.topics.push_back(topic);
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
        all.emplace(1, answer);
        return all;
    }
    Result<wire::DescribeGroupsResponse> group(const std::string& id) override {
        wire::DescribeGroupsResponse answer;
        wire::DescribeGroupsResponse::Group group;
        group.group_id = id;
        group.state = "Stable";
        group.protocol_type = "consumer";
        group.members.resize(2);
        answer.groups.push_back(group);
        return answer;
    }
    Result<wire::OffsetFetchResponse> committed(const std::string&) override {
        wire::OffsetFetchResponse answer;
        answer.topics.push_back({"t", {{.partition = 0, .offset = committed_offset}, {.partition = 1, .offset = -1}}});
        return answer;
    }
    Result<wire::ListOffsetsResponse> offsets(std::int32_t, const wire::ListOffsetsRequest& request) override {
        wire::ListOffsetsResponse answer;
        for (const auto& topic : request.topics) {
            answer.topics.push_back({topic.name, {}});
            for (const auto& partition : topic.partitions)
                answer.topics.back().partitions.push_back(
                    {.partition = partition.partition,
                     .offset = partition.timestamp == wire::kLatestOffset ? 100 : 10});
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
        resource.configs.push_back({.name = "retention.ms", .value = "86400000"});
        answer.resources.push_back(resource);
        return answer;
    }
};

KafkaCollector collector() { return KafkaCollector({.cluster = "c", .target = "c/kafka"}); }

TEST(Kafka, AHealthyClusterBecomesCanonicalSeries) {
    FakeKafka kafka;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_active_controller{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_cluster_partitions{cluster="c"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_broker_partitions{broker="1",cluster="c"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_broker_leaders{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_partition_in_sync_replicas{cluster="c",partition="1",topic="t"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_usable_bytes{broker="1",cluster="c",log_dir="/d"})"), 400);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_online{broker="1",cluster="c",log_dir="/e"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_usable_bytes{broker="1",cluster="c",log_dir="/e"})"), std::nullopt);
    EXPECT_EQ(value(seen, R"(kafka_replica_size_bytes{broker="1",cluster="c",log_dir="/d",partition="0",topic="t"})"),
              70);
    EXPECT_EQ(value(seen, R"(kafka_group_lag_records{cluster="c",group="g",partition="0",topic="t"})"), 10);
    EXPECT_EQ(count(seen, "kafka_group_lag_records"), 1u);
    EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="g"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_partition_reassigning{cluster="c",partition="1",topic="t"})"), 1);
    ASSERT_EQ(seen.under_way.size(), 1u);
    EXPECT_EQ(seen.under_way[0].kind, "reassignment");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("assignment"), "0:1,2;1:2,1");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("retention.ms"), "86400000");
}

TEST(Kafka, ABrokerThatLeftMetadataIsToldAsDown) {
    FakeKafka kafka;
    auto look = collector();
    (void)look.look(kafka, {1000});
    kafka.broker_2_gone = true;
    const auto seen = look.look(kafka, {2000});
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_partition_leader{cluster="c",partition="1",topic="t"})"), -1);
    EXPECT_EQ(kafka.config_calls, 1);
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("retention.ms"), "86400000");
}

TEST(Kafka, ABrokerThatHoldsReplicasIsMissedThoughItWasNeverSeen) {
    FakeKafka kafka;
    kafka.broker_2_gone = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 0);
}

TEST(Kafka, ASilentBrokerIsUnreachableAndTheLookPartial) {
    FakeKafka kafka;
    kafka.broker_2_silent = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_NE(seen.error.find("broker 2: no answer"), std::string::npos);
}

TEST(Kafka, NobodyAnsweringIsAFailedLook) {
    FakeKafka kafka;
    kafka.metadata_fails = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_TRUE(seen.samples.empty());
}

TEST(Kafka, AGroupAheadOfTheEndThatWasReadHasNoLag) {
    FakeKafka kafka;
    kafka.committed_offset = 120;
    auto look = collector();
    EXPECT_EQ(
        value(look.look(kafka, {1000}), R"(kafka_group_lag_records{cluster="c",group="g",partition="0",topic="t"})"),
        0);
}

}  // namespace
}  // namespace medic

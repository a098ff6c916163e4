// Settings of more topics than one answer may hold.
#include <gtest/gtest.h>

#include <algorithm>

#include <fmt/format.h>

#include "agent/collectors/kafka/fake_kafka_internal.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

struct ManyTopics : FakeKafka {
    int topics = 600;
    bool configs_fail = false;
    std::size_t asked_most = 0;

    Result<wire::MetadataResponse> metadata() override {
        wire::MetadataResponse answer;
        answer.brokers.push_back({.node_id = 1, .host = "h", .port = 9092, .rack = std::nullopt});
        for (int i = topics; i > 0; --i) {
            auto& topic = answer.topics.emplace_back();
            topic.name = fmt::format("t{:03}", i);
            topic.partitions.push_back({.partition = 0, .leader_id = 1, .replicas = {1}, .isr = {1}});
        }
        return answer;
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest& request) override {
        ++config_calls;
        if (configs_fail) return fail(ErrorCode::unavailable, "no answer within 2 s");
        asked_most = std::max(asked_most, request.resources.size());
        wire::DescribeConfigsResponse answer;
        for (const auto& asked : request.resources) {
            auto& resource = answer.resources.emplace_back();
            resource.name = asked.name;
            resource.configs.push_back({.name = "min.insync.replicas", .value = "2", .source = 5});
            if (asked.name == "t002" || asked.name == "t599")
                resource.configs.push_back({.name = "leader.replication.throttled.replicas", .value = "0:1"});
        }
        return answer;
    }
};

std::ptrdiff_t known(const Observation& seen) {
    return std::ranges::count_if(seen.attributes, [](const auto& one) {
        return one.first.kind == "topic" && one.second.contains("min.insync.replicas");
    });
}

TEST(Kafka, SettingsOfMoreTopicsThanOneAnswerHoldsAreReadInTurn) {
    ManyTopics kafka;
    auto look = collector();
    EXPECT_EQ(known(look.look(kafka, {1'000})), 500);
    const auto second = look.look(kafka, {2'000});
    EXPECT_EQ(known(second), 600);
    EXPECT_EQ(recorded::count(second, "kafka_topic_throttled_replicas"), 2U) << "of both portions";
    EXPECT_EQ(known(look.look(kafka, {3'000})), 600);
    EXPECT_EQ(kafka.config_calls, 2) << "all are known: the next reading is due with the fourth look";
    for (int i = 4; i <= 9; ++i) EXPECT_EQ(known(look.look(kafka, {i * 1'000})), 600);
    EXPECT_EQ(kafka.config_calls, 6);
    EXPECT_EQ(kafka.asked_most, 500U);
}

TEST(Kafka, EveryLookMayReadAPortion) {
    ManyTopics kafka;
    KafkaCollector look({.cluster = "c", .target = "c/kafka", .configs_every = 1});
    for (int i = 1; i <= 6; ++i) EXPECT_EQ(known(look.look(kafka, {i * 1'000})), i == 1 ? 500 : 600);
}

TEST(Kafka, TopicsThatAreGoneAreForgotten) {
    ManyTopics kafka;
    auto look = collector();
    for (int i = 1; i <= 3; ++i) (void)look.look(kafka, {i * 1'000});
    kafka.topics = 550;
    EXPECT_EQ(known(look.look(kafka, {4'000})), 550);
}

TEST(Kafka, SettingsThatCannotBeReadAgainAreNotKnownForLong) {
    ManyTopics kafka;
    KafkaCollector look({.cluster = "c", .target = "c/kafka", .configs_every = 1});
    for (int i = 1; i <= 2; ++i) (void)look.look(kafka, {i * 1'000});
    kafka.configs_fail = true;
    for (int i = 3; i <= 4; ++i) {
        const auto seen = look.look(kafka, {i * 1'000});
        EXPECT_EQ(known(seen), 600);
        EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    }
    EXPECT_EQ(known(look.look(kafka, {5'000})), 0);
    kafka.configs_fail = false;
    EXPECT_EQ(known(look.look(kafka, {6'000})), 500);
}

}  // namespace
}  // namespace medic

// What each broker is needed for.
#include <gtest/gtest.h>

#include <functional>

#include "agent/collectors/kafka/fake_kafka_internal.h"
#include "agent/collectors/recorded_internal.h"
#include "agent/store/kafka_words.h"

namespace medic {
namespace {

// Brokers 1, 2 and 3, all of them voters; one partition with the in-sync replicas that the test says.
struct ThreeBrokers : FakeKafka {
    std::vector<std::int32_t> isr{1, 2, 3};
    std::optional<std::string> least = "2";  // min.insync.replicas
    std::int64_t third_voter_at_ms = 10'000;
    std::size_t partitions = 1;
    std::optional<wire::DescribeQuorumResponse> other_quorum{};
    bool quorum_silent = false, third_answers = false;

    Result<wire::MetadataResponse> metadata() override {
        wire::MetadataResponse answer;
        for (const std::int32_t id : {1, 2, 3})
            answer.brokers.push_back({.node_id = id, .host = "h", .port = 9092, .rack = std::nullopt});
        wire::MetadataResponse::Topic topic;
        topic.name = "t";
        for (std::size_t i = 0; i < partitions; ++i)
            topic.partitions.push_back({.partition = static_cast<std::int32_t>(i),
                                        .leader_id = isr.empty() ? -1 : isr.front(),
                                        .replicas = {1, 2, 3},
                                        .isr = isr});
        answer.topics.push_back(topic);
        return answer;
    }
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override {
        auto all = FakeKafka::log_dirs();
        if (third_answers) all->emplace(3, wire::DescribeLogDirsResponse{});
        return all;
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest&) override {
        wire::DescribeConfigsResponse answer;
        wire::DescribeConfigsResponse::Resource resource;
        resource.name = "t";
        if (least) resource.configs.push_back({.name = "min.insync.replicas", .value = least, .source = 5});
        answer.resources.push_back(resource);
        return answer;
    }
    Result<wire::DescribeQuorumResponse> quorum() override {
        if (quorum_silent) return fail(ErrorCode::unavailable, "no answer within 2 s");
        if (other_quorum) return *other_quorum;
        wire::DescribeQuorumResponse answer;
        wire::DescribeQuorumResponse::Topic::Partition log;
        log.leader_id = 1;
        log.voters = {{.replica_id = 1, .log_end_offset = 9, .last_caught_up_timestamp_ms = 10'000},
                      {.replica_id = 2, .log_end_offset = 9, .last_caught_up_timestamp_ms = 9'900},
                      {.replica_id = 3, .log_end_offset = 9, .last_caught_up_timestamp_ms = third_voter_at_ms}};
        answer.topics.push_back({"__cluster_metadata", {log}});
        return newer(answer);
    }
};

std::string needed_by(ThreeBrokers& kafka, const char* broker) {
    auto look = collector();
    return look.look(kafka, {10'000}).attributes.at({"c", "broker", broker}).at("kafka_broker_needed_by");
}

TEST(Kafka, ABrokerWhoseCopiesAreElsewhereIsNeededByNothing) {
    ThreeBrokers kafka;
    for (const char* broker : {"1", "2", "3"}) EXPECT_EQ(needed_by(kafka, broker), needed_by_nothing);
}

TEST(Kafka, WhatABrokerIsNeededForIsNamed) {
    ThreeBrokers kafka;
    kafka.isr = {1, 2};
    EXPECT_EQ(needed_by(kafka, "2"), "below min.insync.replicas without it: t-0");
    EXPECT_EQ(needed_by(kafka, "3"), needed_by_nothing) << "it is behind: nothing rests on it";
    kafka.isr = {1, 2, 3};
    kafka.least = "3";
    EXPECT_EQ(needed_by(kafka, "3"), "below min.insync.replicas without it: t-0") << "as many must be in sync as are";
    kafka.isr = {2};
    kafka.partitions = 6;
    EXPECT_EQ(needed_by(kafka, "2"), "no other in-sync replica: t-0, t-1, t-2, t-3 and 2 more");
    EXPECT_EQ(needed_by(kafka, "1"), needed_by_nothing);
    kafka.isr = {};
    EXPECT_EQ(needed_by(kafka, "2"), needed_by_nothing) << "a partition without a leader is lost already";
}

TEST(Kafka, ABrokerIsNotSpareWhileTheLeastNumberOfCopiesIsNotKnown) {
    ThreeBrokers kafka;
    kafka.least.reset();
    EXPECT_EQ(needed_by(kafka, "1"), "min.insync.replicas not known: t-0");
}

TEST(Kafka, AMajorityOfTheQuorumMustKeepUpWithoutIt) {
    ThreeBrokers kafka;
    kafka.third_voter_at_ms = 7'000;  // Three seconds behind.
    EXPECT_EQ(needed_by(kafka, "2"), "the controllers' quorum: 1 of 2 others keep up, 2 must");
    EXPECT_EQ(needed_by(kafka, "3"), needed_by_nothing) << "the one that is behind may go";
    kafka.old = true;
    EXPECT_EQ(needed_by(kafka, "2"), needed_by_nothing) << "no such quorum: ZooKeeper, or controllers of their own";
}

TEST(Kafka, WhetherTheControllersQuorumAnswersIsToldWhereTheBrokersDo) {
    const auto told = [](const std::function<void(ThreeBrokers&)>& change) {
        ThreeBrokers kafka;
        change(kafka);
        auto look = collector();
        return recorded::value(look.look(kafka, {10'000}), R"(kafka_quorum_answers{cluster="c"})");
    };
    EXPECT_EQ(told([](ThreeBrokers& kafka) { kafka.third_answers = true; }), 1);
    EXPECT_EQ(told([](ThreeBrokers& kafka) { kafka.third_answers = kafka.quorum_silent = true; }), 0);
    EXPECT_EQ(told([](ThreeBrokers& kafka) { kafka.quorum_silent = true; }), std::nullopt) << "one of them hangs";
    EXPECT_EQ(told([](ThreeBrokers& kafka) { kafka.third_answers = kafka.old = true; }), std::nullopt);
    EXPECT_EQ(told([](ThreeBrokers& kafka) { kafka.third_answers = kafka.forbidden = true; }), std::nullopt);
}

TEST(Kafka, ABrokerIsNotSpareWhileTheControllersQuorumCannotBeRead) {
    ThreeBrokers kafka;
    kafka.quorum_silent = true;
    EXPECT_EQ(needed_by(kafka, "2"), "the controllers' quorum is not known: no answer within 2 s");
    kafka.quorum_silent = false;
    kafka.other_quorum.emplace();
    EXPECT_EQ(needed_by(kafka, "2"), "the controllers' quorum is not known: an empty answer");
    kafka.other_quorum->error = wire::KafkaError::not_controller;
    EXPECT_NE(needed_by(kafka, "2").find("NOT_CONTROLLER"), std::string::npos) << "an election goes on";
    kafka.other_quorum.reset();
    kafka.forbidden = true;
    EXPECT_NE(needed_by(kafka, "2").find("allow this user Describe on the cluster"), std::string::npos);
}

}  // namespace
}  // namespace medic

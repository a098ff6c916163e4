// A broker that ends while a look goes on: whether it signed off or was killed must not depend on the order of
// questions.
#include <gtest/gtest.h>

#include "agent/collectors/kafka/fake_kafka_internal.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::value;

// Broker 2 ends after the metadata was read, before it is asked itself.
struct EndsBetweenTwoQuestions : FakeKafka {
    enum class How : std::uint8_t { not_yet, signs_off, is_killed, is_killed_and_nobody_answers } how = How::not_yet;
    int metadata_calls = 0;

    Result<wire::MetadataResponse> metadata() override {
        ++metadata_calls;
        return FakeKafka::metadata();
    }
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override {
        broker_2_silent = how != How::not_yet;
        broker_2_gone = how == How::signs_off;
        metadata_fails = how == How::is_killed_and_nobody_answers;
        return FakeKafka::log_dirs();
    }
};

struct KafkaBrokerEnds : testing::Test {
    EndsBetweenTwoQuestions kafka;
    KafkaCollector look = collector();

    // At the look in which it ends.
    Observation look_while(EndsBetweenTwoQuestions::How how) {
        (void)look.look(kafka, {1000});
        kafka.how = how;
        return look.look(kafka, {2000});
    }
};

TEST_F(KafkaBrokerEnds, ABrokerThatSignsOffDuringTheLookIsNoLongerListed) {
    const auto seen = look_while(EndsBetweenTwoQuestions::How::signs_off);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 0);
}

TEST_F(KafkaBrokerEnds, ABrokerThatIsKilledDuringTheLookIsStillListedAndTheClusterAskedAgainOnlyOnce) {
    const auto seen = look_while(EndsBetweenTwoQuestions::How::is_killed);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(kafka.metadata_calls, 3);
    (void)look.look(kafka, {3000});
    EXPECT_EQ(kafka.metadata_calls, 4);
}

TEST_F(KafkaBrokerEnds, WhatWasSaidFirstStandsWhereTheClusterIsNotHeardAgain) {
    const auto seen = look_while(EndsBetweenTwoQuestions::How::is_killed_and_nobody_answers);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(kafka.metadata_calls, 3);
}

}  // namespace
}  // namespace medic

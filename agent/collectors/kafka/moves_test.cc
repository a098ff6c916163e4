// What is told of moves of replicas that could not be read.
#include <gtest/gtest.h>

#include "agent/collectors/kafka/fake_kafka_internal.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

struct Moves : FakeKafka {
    std::optional<ErrorCode> fails{};
    wire::KafkaError error = wire::KafkaError::none;

    Result<wire::ListPartitionReassignmentsResponse> reassignments() override {
        if (fails) return fail(*fails, "no answer within 2 s");
        wire::ListPartitionReassignmentsResponse answer;
        answer.error = error;
        return answer;
    }
};

std::size_t under_way(Moves& kafka) {
    auto look = collector();
    const auto seen = look.look(kafka, {1'000});
    const bool read = !kafka.fails && kafka.error == wire::KafkaError::none;
    EXPECT_EQ(recorded::count(seen, "kafka_cluster_partitions_reassigning"), read ? 1U : 0U) << "not read is not none";
    for (const WorkUnderWay& work : seen.under_way) EXPECT_EQ(work.subject, (Subject{"c", "topic", "*"}));
    return seen.under_way.size();
}

TEST(Kafka, MovesThatCouldNotBeReadMayBeUnderWay) {
    Moves kafka;
    EXPECT_EQ(under_way(kafka), 0U);
    kafka.fails = ErrorCode::unavailable;
    EXPECT_EQ(under_way(kafka), 1U);
    kafka.fails.reset();
    kafka.error = wire::KafkaError::not_controller;
    EXPECT_EQ(under_way(kafka), 1U);
}

TEST(Kafka, WhereMovesAreNeverToldNobodyWaitsForThem) {
    Moves kafka;
    kafka.fails = ErrorCode::invalid;
    EXPECT_EQ(under_way(kafka), 0U) << "an older broker";
    kafka.fails.reset();
    kafka.error = wire::KafkaError::cluster_authorization_failed;
    EXPECT_EQ(under_way(kafka), 0U) << "no right to ask";
}

}  // namespace
}  // namespace medic

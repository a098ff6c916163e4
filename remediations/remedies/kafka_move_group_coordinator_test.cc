#include "remediations/remedies/remedy_test_internal.h"

namespace medic::remedy_test {
namespace {

class MoveGroupCoordinator : public RemedyTest {
protected:
    MoveGroupCoordinator() {
        about("kafka.coordinator-stuck", partition,
              {{"broker", "1"}, {"offsets_partition", "3"}, {"groups", "audit,billing"}, {"peers", "2,3"}});
    }
    void know(const std::string& led = "__consumer_offsets:3=1|1,2,3|1,2,3;orders:0=1|1,2|1", double moving = 0) {
        view_.facts.clear();
        fact({"lab", "cluster", "lab"}, "kafka_cluster_partitions_reassigning", moving);
        view_.facts.push_back({{"lab", "broker", "1"}, "leadership", std::nullopt, led, now});
        fact(partition, "kafka_coordinator_answers", 0);
        peer("2", 1, 0, 20);
        peer("3", 1, 0, 10);
    }
    void peer(const std::string& id, double reachable, double out_of_sync, double leaders) {
        const Subject broker{"lab", "broker", id};
        std::erase_if(view_.facts, [&](const Fact& one) { return one.subject == broker; });
        fact(broker, "kafka_broker_reachable", reachable);
        fact(broker, "kafka_broker_replicas_out_of_sync", out_of_sync);
        fact(broker, "kafka_broker_leaders", leaders);
    }
    const Subject partition{"lab", "partition", "__consumer_offsets-3"};
    static constexpr const char* remedy = "kafka.move-group-coordinator";
};

bool wants(const std::vector<Condition>& conditions, const Condition& wanted) {
    return std::ranges::any_of(conditions, [&](const Condition& one) {
        return one.fact == wanted.fact && one.is == wanted.is && one.value == wanted.value && one.texts == wanted.texts;
    });
}

TEST_F(MoveGroupCoordinator, TheReplicaInSyncThatLeadsLeastTakesOver) {
    know();
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 2U);
    const auto& order = std::get<AlterReassignments>(made->steps[0].operation).moves.at(0);
    EXPECT_EQ(order.topic, "__consumer_offsets");
    EXPECT_EQ(order.partition, 3);
    EXPECT_EQ(order.replicas, (std::vector<int>{3, 2, 1})) << "the same replicas: no data moves";
    const Step& election = made->steps[1];
    EXPECT_EQ(std::get<ElectLeaders>(election.operation).partitions.at(0).partition, 3);
    EXPECT_TRUE(wants(election.precondition, equals(partition, "kafka_partition_leader", 1)));
    EXPECT_TRUE(wants(election.precondition, equals({"lab", "broker", "3"}, "kafka_broker_reachable", 1)));
    EXPECT_TRUE(
        wants(election.precondition, equals({"lab", "cluster", "lab"}, "kafka_cluster_partitions_reassigning", 0)));
    EXPECT_TRUE(wants(election.expectation.all, equals(partition, "kafka_partition_leader", 3)));
    EXPECT_TRUE(wants(election.expectation.all, equals(partition, "kafka_coordinator_answers", 1)));
    EXPECT_TRUE(election.expectation.cause_gone);
    for (const Step& step : made->steps) {
        EXPECT_EQ(step.destroys, Destroys::nothing);
        EXPECT_EQ(step.compatible_with, std::vector<std::string>{"rebalance"});
    }
}

TEST_F(MoveGroupCoordinator, WhatIsTakenBackIsTheOldOrderAndItsLeader) {
    know();
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->undo_steps.size(), 2U);
    EXPECT_EQ(std::get<AlterReassignments>(made->undo_steps[0].operation).moves.at(0).replicas,
              (std::vector<int>{1, 2, 3}));
    EXPECT_TRUE(wants(made->undo_steps[1].done, equals(partition, "kafka_partition_leader", 1)));
    // One that was not the first replica can't be elected back.
    know("__consumer_offsets:3=1|2,1,3|1,2,3");
    peer("2", 0, 0, 20);
    const auto other = plan(remedy);
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(other->undo_steps.size(), 1U);
}

TEST_F(MoveGroupCoordinator, ThePreferredLeaderIsElectedAsItStands) {
    know("__consumer_offsets:3=1|3,2,1|1,2,3");
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<ElectLeaders>(made->steps[0].operation));
}

TEST_F(MoveGroupCoordinator, NobodyTakesOverWhoIsNotKnownToBeWell) {
    know();
    peer("3", 1, 4, 10);
    auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(std::get<AlterReassignments>(made->steps[0].operation).moves.at(0).replicas, (std::vector<int>{2, 3, 1}));
    peer("2", 0, 0, 20);
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
    know("__consumer_offsets:3=1|1,2,3|1");
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "it is the only one in sync";
    know();
    std::erase_if(view_.facts, [](const Fact& one) { return one.name == "kafka_broker_leaders"; });
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
}

TEST_F(MoveGroupCoordinator, NothingWhileReplicasMoveOrFactsAreMissing) {
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "nothing is known";
    know("__consumer_offsets:3=1|1,2,3|1,2,3", 2);
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "replicas are being moved";
    know("none");
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "another one leads it already";
    know();
    diagnosis_.facts.erase("offsets_partition");
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}

}  // namespace
}  // namespace medic::remedy_test

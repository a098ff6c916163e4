#include "agent/store/kafka_replica.h"
#include "remediations/remedies/remedy_test_internal.h"

namespace medic::remedy_test {
namespace {

class ElectUnclean : public RemedyTest {
protected:
    ElectUnclean() {
        about("kafka.in-sync-replicas-gone", topic,
              {{"topic", "orders"},
               {"lost_partitions", "3/2/950/1=away:b1"},
               {"loss_estimate", "partition 3: about 50 records, read beyond by ledger (at 980)"}});
    }
    void know(const std::string& replicas = "1,2,3", const std::string& serving = "2,3", double leader = -1) {
        fact(partition, "kafka_partition_leader", leader);
        view_.facts.push_back({partition, "replicas", std::nullopt, replicas, now});
        view_.facts.push_back({partition, "serving", std::nullopt, serving, now});
        fact(replica_subject(partition, 2), "kafka_replica_log_end_offset", 950);
    }
    const Subject topic{"lab", "topic", "orders"}, partition{"lab", "partition", "orders-3"};
    static constexpr const char* remedy = "kafka.elect-unclean";
};

bool holds_for(const std::vector<Condition>& conditions, const Condition& wanted) {
    return std::ranges::any_of(conditions, [&](const Condition& one) {
        return one.fact == wanted.fact && one.is == wanted.is && one.value == wanted.value && one.texts == wanted.texts;
    });
}

TEST_F(ElectUnclean, TheFirstThatServesIsElectedAndAPersonReadsWhatItCosts) {
    know();
    fact(topic, "min.insync.replicas", 2);
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 1U);
    const Step& step = made->steps[0];
    const auto& election = std::get<ElectUncleanLeader>(step.operation);
    EXPECT_EQ(election.topic, "orders");
    EXPECT_EQ(election.partition, 3);
    EXPECT_EQ(election.expected, 2);
    EXPECT_EQ(step.destroys, Destroys::data);
    EXPECT_EQ(step.object, "topic:orders");
    EXPECT_NE(step.undo.find("can't be undone"), std::string::npos);
    EXPECT_TRUE(made->undo_steps.empty());
    EXPECT_TRUE(holds_for(step.precondition, equals(partition, "kafka_partition_leader", -1)));
    EXPECT_TRUE(holds_for(step.precondition, equals({"lab", "node", "b1"}, "process_up", 0)))
        << "one whose process is back may be recovering what would be lost";
    EXPECT_TRUE(
        holds_for(step.precondition, at_least(replica_subject(partition, 2), "kafka_replica_log_end_offset", 950)));
    EXPECT_FALSE(step.expectation.any.empty()) << "it takes writes";
    for (const std::string& text : {made->summary, made->needs_approval})
        EXPECT_NE(text.find("about 50 records, read beyond by ledger (at 980)"), std::string::npos) << text;
}

// Kafka takes the first that serves, whatever its log lacks.
TEST_F(ElectUnclean, TheOneThatGotFurthestIsPutFirst) {
    know("1,3,2", "3,2");
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 2U);
    const auto& order = std::get<AlterReassignments>(made->steps[0].operation);
    ASSERT_EQ(order.moves.size(), 1U);
    EXPECT_EQ(order.moves[0].replicas, (std::vector<int>{2, 1, 3})) << "the same replicas: no data moves";
    EXPECT_EQ(made->steps[0].destroys, Destroys::nothing);
    EXPECT_TRUE(holds_for(made->steps[1].precondition, text_in(partition, "replicas", {"2,1,3"})));
    EXPECT_TRUE(holds_for(made->steps[1].precondition, text_in(partition, "serving", {"2,3"})));
    ASSERT_EQ(made->undo_steps.size(), 1U);
    EXPECT_EQ(std::get<AlterReassignments>(made->undo_steps[0].operation).moves[0].replicas,
              (std::vector<int>{1, 3, 2}));
    EXPECT_TRUE(holds_for(made->undo_steps[0].skip_if, at_least(partition, "kafka_partition_leader", 0)))
        << "once it leads its place is right";
}

TEST_F(ElectUnclean, WithTooFewReplicasItIsSaidThatWritesWait) {
    know("1,2", "2");
    fact(topic, "min.insync.replicas", 2);
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(made->steps[0].expectation.any.empty());
    EXPECT_NE(made->summary.find("no writes with acks=all"), std::string::npos) << made->summary;
}

TEST_F(ElectUnclean, NothingOnceItIsLedOrWhereFactsAreMissing) {
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "nothing is known";
    know("1,2,3", "2,3", 1);
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "one that was in sync is back";
    view_.facts.clear();
    know("1,2,3", "3");
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "the one that was chosen does not serve any more";
    view_.facts.clear();
    know("1,2,3", "nobody");
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
    view_.facts.clear();
    know();
    view_.facts.pop_back();
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "how far it got is not known";
    know();
    diagnosis_.facts["lost_partitions"] = "3/2/x";
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
    diagnosis_.facts.erase("loss_estimate");
    diagnosis_.facts["lost_partitions"] = "3/2/950/1=disk";
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid) << "nobody could say what it costs";
}

}  // namespace
}  // namespace medic::remedy_test

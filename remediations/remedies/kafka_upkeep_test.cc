// Remedies that bring a Kafka cluster back to how it was laid out: leaders where they belong, no throttle left behind.
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

class ElectPreferredLeaders : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.leaders-displaced", {"lab", "cluster", "lab"}, {{"brokers", "2,3"}, {"displaced", "4"}});
        knows("2", 3, "orders:0,3;logs:1");
        knows("3", 1, "orders:2");
    }
    void knows(const std::string& broker, double displaced, const std::string& partitions, double out_of_sync = 0) {
        const Subject subject{"lab", "broker", broker};
        fact(subject, "kafka_broker_leaders_displaced", displaced);
        fact(subject, "kafka_broker_replicas_out_of_sync", out_of_sync);
        fact(subject, "displaced_partitions", 0, partitions);
    }
};

TEST_F(ElectPreferredLeaders, names_every_partition_broker_by_broker) {
    EXPECT_EQ(
        operations("kafka.elect-preferred-leaders"),
        (std::vector<std::string>{"lab: elect-leaders orders-0, orders-3, logs-1", "lab: elect-leaders orders-2"}));
    const auto made = plan("kafka.elect-preferred-leaders");
    EXPECT_EQ(made->needs_approval, "");
    const Step& first = made->steps[0];
    EXPECT_TRUE(first.idempotent);
    EXPECT_EQ(describe(first.precondition[0]), "broker/2 kafka_broker_reachable = 1");
    EXPECT_EQ(describe(first.precondition[1]), "broker/2 kafka_broker_replicas_out_of_sync = 0");
    EXPECT_EQ(describe(first.done[0]), "broker/2 kafka_broker_leaders_displaced ≤ 0");
}
TEST_F(ElectPreferredLeaders, many_go_in_portions) {
    view_.facts.clear();
    std::string many = "orders:0";
    for (int i = 1; i < 600; ++i) many += "," + std::to_string(i);
    knows("2", 600, many);
    knows("3", 0, "");
    const auto made = plan("kafka.elect-preferred-leaders");
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 3U);
    EXPECT_EQ(describe(made->steps[0].done[0]), "broker/2 kafka_broker_leaders_displaced ≤ 350");
    EXPECT_EQ(describe(made->steps[2].done[0]), "broker/2 kafka_broker_leaders_displaced ≤ 0");
}
TEST_F(ElectPreferredLeaders, a_broker_that_catches_up_is_waited_for) {
    view_.facts.clear();
    knows("2", 3, "orders:0,3;logs:1", 7);
    EXPECT_EQ(refusal("kafka.elect-preferred-leaders"), ErrorCode::not_ready);
}
TEST_F(ElectPreferredLeaders, nothing_is_elected_twice_or_blindly) {
    view_.facts.clear();
    EXPECT_EQ(refusal("kafka.elect-preferred-leaders"), ErrorCode::not_ready);
    knows("2", 3, "");
    EXPECT_EQ(refusal("kafka.elect-preferred-leaders"), ErrorCode::not_ready) << "how many, but not which";
    view_.facts.clear();
    knows("2", 0, "");
    knows("3", 0, "");
    EXPECT_EQ(refusal("kafka.elect-preferred-leaders"), ErrorCode::invalid) << "by now they lead";
    view_.facts.clear();
    knows("2", 3, "orders:x");
    EXPECT_EQ(refusal("kafka.elect-preferred-leaders"), ErrorCode::invalid);
}

class DeleteOrphanThrottles : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.orphan-throttle", {"lab", "cluster", "lab"}, {{"topics", "orders"}, {"brokers", "2"}});
        fact({"lab", "cluster", "lab"}, "kafka_cluster_partitions_reassigning", 0);
        topic("0:1,1:2", "none");
        broker("none", "1000");
    }
    void topic(std::string leader, std::string follower) {
        fact({"lab", "topic", "orders"}, "leader.replication.throttled.replicas", 0, std::move(leader));
        fact({"lab", "topic", "orders"}, "follower.replication.throttled.replicas", 0, std::move(follower));
    }
    void broker(std::string leader, std::string follower) {
        fact({"lab", "broker", "2"}, "leader.replication.throttled.rate", 0, std::move(leader));
        fact({"lab", "broker", "2"}, "follower.replication.throttled.rate", 0, std::move(follower));
    }
};

TEST_F(DeleteOrphanThrottles, takes_back_what_is_set_and_keeps_it_for_the_way_back) {
    EXPECT_EQ(
        operations("kafka.delete-orphan-throttles"),
        (std::vector<std::string>{"lab: alter-configs topic orders leader.replication.throttled.replicas=(default)",
                                  "lab: alter-configs broker 2 follower.replication.throttled.rate=(default)"}));
    const auto made = plan("kafka.delete-orphan-throttles");
    std::vector<std::string> back;
    for (const Step& step : made->undo_steps)
        back.push_back(describe(Operation{.key = {}, .cluster = "lab", .body = step.operation}));
    EXPECT_EQ(back, (std::vector<std::string>{
                        "lab: alter-configs broker 2 follower.replication.throttled.rate=1000",
                        "lab: alter-configs topic orders leader.replication.throttled.replicas=0:1,1:2"}));
    EXPECT_EQ(describe(made->steps[0].precondition[0]),
              "topic/orders leader.replication.throttled.replicas is 0:1,1:2");
    EXPECT_EQ(describe(made->steps[0].precondition[1]), "cluster/lab kafka_cluster_partitions_reassigning = 0");
    EXPECT_EQ(describe(made->steps[0].done[0]), "topic/orders leader.replication.throttled.replicas is none");
}
TEST_F(DeleteOrphanThrottles, waits_while_replicas_are_moved_or_nobody_knows_it) {
    view_.facts[0].value = 3;
    EXPECT_EQ(refusal("kafka.delete-orphan-throttles"), ErrorCode::not_ready);
    view_.facts.erase(view_.facts.begin());
    EXPECT_EQ(refusal("kafka.delete-orphan-throttles"), ErrorCode::not_ready);
}
TEST_F(DeleteOrphanThrottles, waits_while_it_is_not_known_what_is_set) {
    view_.facts.resize(3);
    EXPECT_EQ(refusal("kafka.delete-orphan-throttles"), ErrorCode::not_ready);
}
TEST_F(DeleteOrphanThrottles, leaves_standing_limits_and_what_is_gone_alone) {
    view_.facts.resize(1);
    topic("*", "*");
    broker("none", "none");
    EXPECT_EQ(refusal("kafka.delete-orphan-throttles"), ErrorCode::invalid);
}

class CancelStuckReassignment : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.reassignment-stuck", broker, {{"broker", "3"}, {"replicas", "3"}});
        knows(3, "orders:0,3;logs:1");
    }
    void knows(double adding, const std::string& partitions) {
        view_.facts.clear();
        fact(broker, "kafka_broker_replicas_adding", adding);
        fact(broker, "adding_partitions", 0, partitions);
    }
    const Subject broker{"lab", "broker", "3"};
};

TEST_F(CancelStuckReassignment, cancels_what_is_named_and_nothing_else) {
    EXPECT_EQ(
        operations("kafka.cancel-stuck-reassignment"),
        std::vector<std::string>{"lab: alter-reassignments orders-0 (cancel), orders-3 (cancel), logs-1 (cancel)"});
    const auto made = plan("kafka.cancel-stuck-reassignment");
    const Step& step = made->steps.at(0);
    EXPECT_EQ(describe(step.precondition.at(0)), "broker/3 kafka_broker_up = 0") << "one that is back gets them";
    EXPECT_EQ(describe(step.done.at(0)), "broker/3 kafka_broker_replicas_adding ≤ 0");
    EXPECT_EQ(step.compatible_with, (std::vector<std::string>{"reassignment", "planned stop"}));
}
TEST_F(CancelStuckReassignment, many_go_in_portions) {
    std::string many = "orders:0";
    for (int i = 1; i < 250; ++i) many += "," + std::to_string(i);
    knows(250, many);
    const auto made = plan("kafka.cancel-stuck-reassignment");
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 3U);
    EXPECT_EQ(describe(made->steps[0].done[0]), "broker/3 kafka_broker_replicas_adding ≤ 150");
    EXPECT_EQ(describe(made->steps[2].done[0]), "broker/3 kafka_broker_replicas_adding ≤ 0");
}
TEST_F(CancelStuckReassignment, nothing_is_cancelled_blindly) {
    knows(0, "");
    EXPECT_EQ(refusal("kafka.cancel-stuck-reassignment"), ErrorCode::invalid) << "over";
    knows(2, "");
    EXPECT_EQ(refusal("kafka.cancel-stuck-reassignment"), ErrorCode::not_ready) << "how many, but not which";
    knows(2, "orders:x");
    EXPECT_EQ(refusal("kafka.cancel-stuck-reassignment"), ErrorCode::invalid);
    view_.facts.clear();
    EXPECT_EQ(refusal("kafka.cancel-stuck-reassignment"), ErrorCode::not_ready);
}

}  // namespace
}  // namespace medic

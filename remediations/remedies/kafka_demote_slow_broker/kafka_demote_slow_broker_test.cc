#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

constexpr std::string_view remedy = "kafka.demote-slow-broker";
const Subject broker_2{"lab", "broker", "2"};
const Subject cluster{"lab", "cluster", "lab"};

// Broker 2 leads four partitions and should lead a fifth; moving all of it would cost the others 20 % of their time.
class DemoteSlowBroker : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.broker-slow", broker_2,
              {{"broker", "2"},
               {"measure", "kafka_broker_produce_local_seconds"},
               {"others_slow", "0"},
               {"peers", "1,3"},
               {"peers_busy_percent", "20,30"},
               {"moved_busy_percent", "20"}});
        knows("orders:0=2|2,1,3|2,1,3;orders:1=2|2,3,1|2,3;logs:0=2|3,2|2,3;alone:0=2|2|2;logs:1=1|2,1|1,2", 4, 4);
    }
    void knows(const std::string& leadership, double leaders, double preferred) {
        view_.facts.clear();
        fact(cluster, "kafka_cluster_partitions_reassigning", 0);
        fact(broker_2, "leadership", 0, leadership);
        fact(broker_2, "kafka_broker_leaders", leaders);
        fact(broker_2, "kafka_broker_leaders_preferred", preferred);
        for (const char* id : {"1", "3"}) fact({"lab", "broker", id}, "kafka_broker_reachable", 1);
    }
    void forget(const FactKey& key) {
        std::erase_if(view_.facts, [&](const Fact& one) { return one.subject == key.subject && one.name == key.name; });
    }
    std::vector<std::string> way_back() {
        std::vector<std::string> all;
        const auto made = plan(remedy);
        if (made)
            for (const Step& step : made->undo_steps)
                all.push_back(describe(Operation{.key = {}, .cluster = "lab", .body = step.operation}));
        return all;
    }
    std::string why() {
        const auto made = plan(remedy);
        EXPECT_FALSE(made);
        return made ? made->summary : made.error().message;
    }
};

TEST_F(DemoteSlowBroker, puts_it_last_and_has_others_in_sync_lead) {
    EXPECT_EQ(
        operations(remedy),
        (std::vector<std::string>{"lab: alter-reassignments orders-0 to [1,3,2], orders-1 to [3,1,2], logs-1 to [1,2]",
                                  "lab: elect-leaders orders-0, orders-1, logs-0"}))
        << "the only replica stays, what another leads is only reordered, whose first is another needs no new order";
    const auto made = plan(remedy);
    EXPECT_EQ(made->summary,
              "broker 2 is slow: let others lead 3 of the 4 partitions that it leads, until it is mended");
    EXPECT_EQ(made->needs_approval, "");
    const Step &order = made->steps.at(0), &election = made->steps.at(1);
    EXPECT_EQ(describe(order.precondition.at(0)), "cluster/lab kafka_cluster_partitions_reassigning = 0");
    EXPECT_EQ(describe(order.done.at(0)), "broker/2 kafka_broker_leaders_preferred ≤ 1");
    EXPECT_EQ(order.precondition.size(), 8U);
    EXPECT_EQ(describe(order.precondition.at(5)), "broker/1 kafka_broker_replicas_out_of_sync = 0");
    EXPECT_EQ(describe(order.precondition.at(1)), "partition/orders-0 replicas is 2,1,3 or 1,3,2") << "no data moves";
    EXPECT_EQ(describe(election.precondition.at(0)), "partition/orders-0 replicas is 1,3,2");
    EXPECT_EQ(describe(election.precondition.at(2)), "partition/logs-0 replicas is 3,2");
    EXPECT_EQ(describe(election.precondition.at(3)), "broker/1 kafka_broker_reachable = 1");
    EXPECT_EQ(describe(election.done.at(0)), "broker/2 kafka_broker_leaders ≤ 1");
    EXPECT_TRUE(order.idempotent && election.idempotent);
}
TEST_F(DemoteSlowBroker, it_has_helped_only_where_the_slowness_did_not_follow_the_leaders) {
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    std::vector<std::string> hoped;
    for (const Condition& one : made->steps.at(1).expectation.all) hoped.push_back(describe(one));
    EXPECT_EQ(hoped, (std::vector<std::string>{"broker/2 kafka_broker_leaders ≤ 1",
                                               "broker/1 kafka_broker_produce_local_seconds ≤ 1",
                                               "broker/1 kafka_broker_request_handler_idle_ratio ≥ 0.3",
                                               "broker/3 kafka_broker_produce_local_seconds ≤ 1",
                                               "broker/3 kafka_broker_request_handler_idle_ratio ≥ 0.3"}));
}
TEST_F(DemoteSlowBroker, the_way_back_is_the_old_order_and_an_election) {
    EXPECT_EQ(way_back(), (std::vector<std::string>{
                              "lab: alter-reassignments orders-0 to [2,1,3], orders-1 to [2,3,1], logs-1 to [2,1]",
                              "lab: elect-leaders orders-0, orders-1"}))
        << "what another should lead is not given back";
    const auto made = plan(remedy);
    EXPECT_EQ(describe(made->undo_steps.at(0).done.at(0)), "broker/2 kafka_broker_leaders_preferred ≥ 4");
    EXPECT_EQ(describe(made->undo_steps.at(1).done.at(0)), "broker/2 kafka_broker_leaders ≥ 3");
}
TEST_F(DemoteSlowBroker, many_go_in_portions_and_come_back_from_the_last) {
    std::string many = "other:0=2|3,2|2,3";
    for (int i = 0; i < 599; ++i) many += fmt::format(";orders:{}=2|2,1,3|2,1,3", i);
    knows(many, 600, 599);
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 6U);
    EXPECT_EQ(describe(made->steps[0].done.at(0)), "broker/2 kafka_broker_leaders_preferred ≤ 350");
    EXPECT_EQ(describe(made->steps[1].done.at(0)), "broker/2 kafka_broker_leaders ≤ 350");
    EXPECT_EQ(describe(made->steps[5].done.at(0)), "broker/2 kafka_broker_leaders ≤ 0");
    ASSERT_EQ(made->undo_steps.size(), 6U);
    EXPECT_EQ(describe(made->undo_steps[0].done.at(0)), "broker/2 kafka_broker_leaders_preferred ≥ 100");
    EXPECT_EQ(describe(made->undo_steps[1].done.at(0)), "broker/2 kafka_broker_leaders ≥ 100");
    EXPECT_EQ(describe(made->undo_steps[5].done.at(0)), "broker/2 kafka_broker_leaders ≥ 599")
        << "one is not given back";
}
TEST_F(DemoteSlowBroker, only_brokers_with_headroom_get_leaders) {
    diagnosis_.facts["peers_busy_percent"] = "20,58";
    EXPECT_EQ(operations(remedy).front(), "lab: alter-reassignments orders-0 to [1,3,2], logs-1 to [1,2]")
        << "broker 3 can't bear more, and 1 is not in sync with orders-1";
    diagnosis_.facts["peers_busy_percent"] = "57,58";
    EXPECT_NE(why().find("no partition"), std::string::npos) << why();
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}
TEST_F(DemoteSlowBroker, who_gets_one_is_busier_for_the_next) {
    diagnosis_.facts["peers_busy_percent"] = "40,40";
    knows("orders:0=2|2,1,3|2,1,3;orders:1=2|2,1,3|2,1,3;orders:2=2|2,1,3|2,1,3;orders:3=2|2,1,3|2,1,3", 4, 4);
    EXPECT_EQ(operations(remedy).front(),
              "lab: alter-reassignments orders-0 to [1,3,2], orders-1 to [3,1,2], orders-2 to [1,3,2], "
              "orders-3 to [3,1,2]");
}
TEST_F(DemoteSlowBroker, a_broker_that_does_not_answer_gets_none) {
    forget({{"lab", "broker", "1"}, "kafka_broker_reachable"});
    EXPECT_EQ(operations(remedy).back(), "lab: elect-leaders orders-0, orders-1, logs-0");
    EXPECT_EQ(operations(remedy).front(),
              "lab: alter-reassignments orders-0 to [3,1,2], orders-1 to [3,1,2], logs-1 to [1,2]");
    fact({"lab", "broker", "1"}, "kafka_broker_reachable", 0);
    EXPECT_EQ(operations(remedy).front(),
              "lab: alter-reassignments orders-0 to [3,1,2], orders-1 to [3,1,2], logs-1 to [1,2]");
}
TEST_F(DemoteSlowBroker, never_while_others_are_slow_or_replicas_are_moved) {
    diagnosis_.facts["others_slow"] = "1";
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
    diagnosis_.facts["others_slow"] = "0";
    view_.facts[0].value = 2;
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
    forget({cluster, "kafka_cluster_partitions_reassigning"});
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
}
TEST_F(DemoteSlowBroker, nothing_is_done_blindly) {
    forget({broker_2, "leadership"});
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "how many, but not which";
    fact(broker_2, "leadership", 0, "orders:0=2|2,x|2");
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
    SetUp();
    forget({broker_2, "kafka_broker_leaders"});
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
    knows("none", 0, 0);
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid) << "it leads nothing any more";
    SetUp();
    for (const char* name : {"peers", "peers_busy_percent", "moved_busy_percent"}) {
        const auto kept = diagnosis_.facts;
        diagnosis_.facts.erase(name);
        EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << name;
        diagnosis_.facts = kept;
    }
    diagnosis_.facts.erase("others_slow");
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid) << "whether others are slow is not known";
}

}  // namespace
}  // namespace medic

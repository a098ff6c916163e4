// Where replicas may go: never two of a partition into one rack, to no broker that does not answer, and not beside
// other moves.
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

const Subject dir{"lab", "log-dir", "2:/data"}, topic{"lab", "topic", "events-debug"};
using Operations = std::vector<std::string>;

// Broker 2 is full, 4 is the emptiest, and 1 has room.
class MoveReplicas : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.disk-nearly-full", dir,
              {{"broker", "2"},
               {"log_dir", "/data"},
               {"topic", "events-debug"},
               {"bytes", "200"},
               {"brokers", "1,2,3,4"}});
        fact(dir, "kafka_log_dir_total_bytes", 1'000);
        fact(dir, "kafka_log_dir_usable_bytes", 150);
        fact(topic, "assignment", 0, "0:2,3");
        room_on("1", 800);
        room_on("4", 900);
    }
    static Subject broker(const std::string& id) { return {"lab", "broker", id}; }
    void room_on(const std::string& id, double usable) {
        fact(broker(id), "kafka_log_dir_usable_bytes", usable);
        fact(broker(id), "kafka_log_dir_total_bytes", 1'000);
    }
    void racks(const std::map<std::string, std::string>& of) {
        for (const auto& [id, rack] : of) fact(broker(id), "rack", 0, rack);
    }
    const Operations to_1{"lab: alter-reassignments events-debug-0 to [1,3]"};
    const Operations to_4{"lab: alter-reassignments events-debug-0 to [4,3]"};
};

TEST_F(MoveReplicas, where_no_broker_names_its_rack_the_most_room_decides) {
    EXPECT_EQ(operations("kafka.move-replicas"), to_4);
}
TEST_F(MoveReplicas, no_second_one_goes_into_a_rack) {
    racks({{"1", "a"}, {"2", "a"}, {"3", "b"}, {"4", "b"}});
    EXPECT_EQ(operations("kafka.move-replicas"), to_1);
}
TEST_F(MoveReplicas, another_rack_that_holds_none_is_as_good) {
    racks({{"1", "a"}, {"2", "a"}, {"3", "b"}, {"4", "c"}});
    EXPECT_EQ(operations("kafka.move-replicas"), to_4);
}
TEST_F(MoveReplicas, a_shared_rack_is_kept_where_it_was_shared_before) {
    racks({{"1", "b"}, {"2", "a"}, {"3", "a"}, {"4", "a"}});
    EXPECT_EQ(operations("kafka.move-replicas"), to_4);
}
TEST_F(MoveReplicas, a_broker_whose_rack_is_not_known_is_no_target) {
    racks({{"1", "a"}, {"2", "a"}, {"3", "b"}});
    EXPECT_EQ(operations("kafka.move-replicas"), to_1);
}
TEST_F(MoveReplicas, a_replica_whose_rack_is_not_known_may_stand_in_any_other) {
    racks({{"1", "a"}, {"2", "a"}, {"4", "b"}});
    EXPECT_EQ(operations("kafka.move-replicas"), to_1);
}
TEST_F(MoveReplicas, nothing_moves_where_only_a_taken_rack_has_room) {
    racks({{"1", "b"}, {"2", "a"}, {"3", "b"}, {"4", "b"}});
    EXPECT_EQ(refusal("kafka.move-replicas"), ErrorCode::invalid);
}
TEST_F(MoveReplicas, a_broker_that_does_not_answer_is_no_target) {
    fact(broker("4"), "kafka_broker_reachable", 0);
    EXPECT_EQ(operations("kafka.move-replicas"), to_1);
}
TEST_F(MoveReplicas, other_moves_and_targets_that_fall_silent_are_waited_for) {
    const auto made = plan("kafka.move-replicas");
    ASSERT_TRUE(made) << made.error().message;
    Operations wanted;
    for (const Condition& one : made->steps.front().precondition) wanted.push_back(describe(one));
    ASSERT_EQ(wanted.size(), 3U);
    EXPECT_EQ(wanted[1], "cluster/lab kafka_cluster_partitions_reassigning = 0");
    EXPECT_EQ(wanted[2], "broker/4 kafka_broker_reachable = 1");
}
TEST_F(MoveReplicas, racks_are_asked_for) {
    const auto keys = Planner(remedies::all_remedies()).needs("kafka.move-replicas", diagnosis_, view_);
    for (const char* id : {"1", "2", "3", "4"})
        EXPECT_NE(std::ranges::find(keys, FactKey{broker(id), "rack"}), keys.end()) << id;
}

}  // namespace
}  // namespace medic

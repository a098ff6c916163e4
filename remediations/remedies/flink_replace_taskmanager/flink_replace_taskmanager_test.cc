#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

class ReplaceTaskManager : public RemedyTest {
protected:
    void SetUp() override {
        about("flink.taskmanager-frozen", {"lab", "taskmanager", "tm-1"}, {{"node", "tm-1"}, {"job", "fleet"}});
        fact({"lab", "cluster", "lab"}, "flink_jobmanager_reachable", 1);
    }
};

TEST_F(ReplaceTaskManager, fences_starts_a_spare_of_the_same_zone_and_refills) {
    node("tm-2").spare = node("tm-3").spare = true;
    EXPECT_EQ(
        operations("flink.replace-taskmanager"),
        (std::vector<std::string>{"lab: kill-node tm-1", "lab: start-node tm-3", "lab: start-node tm-1 as a spare"}));
}
TEST_F(ReplaceTaskManager, takes_a_spare_of_another_zone_when_its_own_has_none) {
    node("tm-2").spare = true;
    EXPECT_EQ(operations("flink.replace-taskmanager").at(1), "lab: start-node tm-2");
}
TEST_F(ReplaceTaskManager, starts_the_node_itself_when_the_pool_is_empty) {
    EXPECT_EQ(operations("flink.replace-taskmanager"),
              (std::vector<std::string>{"lab: kill-node tm-1", "lab: start-node tm-1"}));
}
TEST_F(ReplaceTaskManager, of_an_absent_one_only_where_a_job_misses_it) {
    about("flink.taskmanager-absent", {"lab", "node", "tm-1"}, {{"node", "tm-1"}});
    EXPECT_EQ(refusal("flink.replace-taskmanager"), ErrorCode::invalid);
    diagnosis_.facts["job"] = "fleet";
    EXPECT_EQ(operations("flink.replace-taskmanager").size(), 2U);
}
TEST_F(ReplaceTaskManager, needs_a_driver) {
    node("tm-1").can_kill = false;
    EXPECT_EQ(refusal("flink.replace-taskmanager"), ErrorCode::invalid);
}
TEST_F(ReplaceTaskManager, waits_until_it_is_known_whether_the_job_manager_answers) {
    view_.facts.clear();
    EXPECT_EQ(refusal("flink.replace-taskmanager"), ErrorCode::not_ready);
}
TEST_F(ReplaceTaskManager, a_stale_fact_is_a_missing_fact) {
    view_.facts[0].observed_at = now - Duration{60'000};
    EXPECT_EQ(refusal("flink.replace-taskmanager"), ErrorCode::not_ready);
}

TEST_F(ReplaceTaskManager, one_that_fails_again_and_again_may_sign_off_first) {
    about("node.many-faults", {"lab", "node", "tm-1"}, {{"node", "tm-1"}, {"job", "fleet"}});
    node("tm-1").can_stop = node("tm-3").spare = true;
    EXPECT_EQ(operations("flink.replace-taskmanager"),
              (std::vector<std::string>{"lab: stop-node tm-1", "lab: kill-node tm-1", "lab: start-node tm-3",
                                        "lab: start-node tm-1 as a spare"}));
    EXPECT_EQ(describe(plan("flink.replace-taskmanager")->steps[1].precondition.back()),
              describe(text_not_in(job, "flink_job_state", {"RUNNING"})))
        << "one that works again is not killed";
    node("tm-1").role = "broker";
    EXPECT_EQ(refusal("flink.replace-taskmanager"), ErrorCode::invalid) << "another remedy is for that";
}

TEST_F(ReplaceTaskManager, a_blocking_task_manager_is_killed_only_while_the_job_does_not_run) {
    diagnosis_.cause = "flink.connector-blocks-restart";
    const auto made = plan("flink.kill-blocking-taskmanager");
    ASSERT_TRUE(made);
    EXPECT_EQ(made->steps[0].precondition.back().is, Condition::Is::text_not_in);
    EXPECT_NE(made->steps[1].precondition.back().is, Condition::Is::text_not_in) << "the start is wanted anyway";
    diagnosis_.facts.erase("job");
    EXPECT_EQ(refusal("flink.kill-blocking-taskmanager"), ErrorCode::invalid);
}

TEST_F(ReplaceTaskManager, a_blocking_task_manager_is_asked_to_stop_before_it_is_killed) {
    diagnosis_.cause = "flink.connector-blocks-restart";
    node("tm-1").can_stop = true;
    const auto made = plan("flink.kill-blocking-taskmanager");
    ASSERT_TRUE(made);
    const Step &stop = made->steps[0], &kill = made->steps[1];
    EXPECT_TRUE(std::holds_alternative<StopNode>(stop.operation));
    EXPECT_TRUE(stop.optional) << "it may be as deaf as its task";
    EXPECT_EQ(stop.precondition.back().is, Condition::Is::text_not_in);
    EXPECT_TRUE(std::holds_alternative<KillNode>(kill.operation));
    EXPECT_EQ(kill.precondition.back().is, Condition::Is::text_not_in);
    diagnosis_.cause = "flink.taskmanager-frozen";
    EXPECT_TRUE(std::holds_alternative<KillNode>(plan("flink.replace-taskmanager")->steps[0].operation))
        << "a frozen one hears nothing";
}

}  // namespace
}  // namespace medic

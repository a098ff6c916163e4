#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

class StartLostJob : public RemedyTest {
protected:
    void SetUp() override {
        about("flink.job-lost", job,
              {{"job", "fleet"}, {"version", "v1"}, {"parallelism", "4"}, {"checkpoint_path", "file:/cp/chk-7"}});
        fact(lost_, "listed", 0, "false");
        fact(lost_, "old_attempt", 0, "may run");
    }
    void newest(std::string path) {
        const auto key = newest_checkpoint_key("lab", "file:/cp/chk-7");
        view_.facts.push_back({key.subject, key.name, std::nullopt, std::move(path), now});
    }
    const Subject lost_{"lab", "lost-job", "fleet"};
};

TEST_F(StartLostJob, starts_what_ran_from_the_newest_checkpoint_once_the_old_attempt_is_gone) {
    newest("file:/cp/chk-9");
    EXPECT_EQ(operations("flink.start-lost-job"),
              (std::vector<std::string>{"lab: start-deployment fleet version v1 from file:/cp/chk-9, parallelism 4"}));
    const auto made = plan("flink.start-lost-job");
    EXPECT_EQ(made->needs_approval, "");
    ASSERT_EQ(made->steps.size(), 1U);
    const Step& step = made->steps[0];
    EXPECT_FALSE(step.idempotent);  // Never twice.
    ASSERT_EQ(step.precondition.size(), 2U);
    EXPECT_EQ(describe(step.precondition[0]), "lost-job/fleet listed is false");
    EXPECT_EQ(describe(step.precondition[1]), "lost-job/fleet old_attempt is gone");
    EXPECT_EQ(describe(step.done[0]), "lost-job/fleet listed is true");
}
TEST_F(StartLostJob, fences_the_old_task_managers_and_starts_them_anew) {
    newest("file:/cp/chk-9");
    diagnosis_.facts["old_taskmanagers"] = "tm-1=10.0.0.1:4711-ab tm-2=10.0.0.2:4711-cd";
    EXPECT_EQ(operations("flink.start-lost-job"),
              (std::vector<std::string>{"lab: kill-node tm-1", "lab: kill-node tm-2", "lab: start-node tm-1",
                                        "lab: start-node tm-2",
                                        "lab: start-deployment fleet version v1 from file:/cp/chk-9, parallelism 4"}));
    const auto made = plan("flink.start-lost-job");
    const Step& kill = made->steps[0];
    EXPECT_TRUE(kill.serves_nobody);
    ASSERT_EQ(kill.precondition.size(), 3U);
    EXPECT_EQ(describe(kill.precondition[1]), "lost-job/fleet comes_back is never");
    EXPECT_EQ(describe(kill.precondition[2]), "taskmanager/10.0.0.1:4711-ab flink_taskmanager_registered = 0");
    EXPECT_EQ(made->steps[4].precondition.size(), 1U) << "what the fences have ended needs no waiting for";
}
TEST_F(StartLostJob, starts_those_that_ran_no_task_of_it_at_the_end) {
    newest("file:/cp/chk-9");
    diagnosis_.facts["old_taskmanagers"] = "tm-1=a:1-ab tm-2=b:1-cd";
    diagnosis_.facts["idle_nodes"] = "tm-1";
    EXPECT_EQ(operations("flink.start-lost-job"),
              (std::vector<std::string>{"lab: kill-node tm-1", "lab: kill-node tm-2", "lab: start-node tm-2",
                                        "lab: start-deployment fleet version v1 from file:/cp/chk-9, parallelism 4",
                                        "lab: start-node tm-1"}));
    EXPECT_TRUE(plan("flink.start-lost-job")->steps[4].after_heal);
}
TEST_F(StartLostJob, fences_none_where_one_of_them_has_no_driver_or_no_name) {
    newest("file:/cp/chk-9");
    for (const char* named : {"tm-1=a broker-2=b", "tm-1=a elsewhere=b", "tm-1=a tm-2"}) {
        diagnosis_.facts["old_taskmanagers"] = named;
        const auto made = plan("flink.start-lost-job");
        ASSERT_TRUE(made);
        ASSERT_EQ(made->steps.size(), 1U) << named;
        EXPECT_EQ(describe(made->steps[0].precondition[1]), "lost-job/fleet old_attempt is gone");
    }
}
TEST_F(StartLostJob, asks_a_person_where_a_newer_checkpoint_cannot_be_ruled_out) {
    EXPECT_NE(plan("flink.start-lost-job")->needs_approval, "");
}
TEST_F(StartLostJob, refuses_what_was_never_seen_and_says_so) {
    newest("file:/cp/chk-9");
    diagnosis_.facts.erase("version");
    EXPECT_EQ(refusal("flink.start-lost-job"), ErrorCode::invalid);
    diagnosis_.facts["version"] = "v1";
    diagnosis_.facts.erase("checkpoint_path");
    EXPECT_EQ(refusal("flink.start-lost-job"), ErrorCode::invalid);
    EXPECT_NE(plan("flink.start-lost-job").error().message.find("no complete checkpoint"), std::string::npos);
}
TEST_F(StartLostJob, never_starts_empty_unknown_or_rolled_back) {
    newest(std::string(no_checkpoint));
    EXPECT_EQ(refusal("flink.start-lost-job"), ErrorCode::invalid);
    view_.facts.back().text = "file:/cp/chk-9";
    diagnosis_.facts["version"] = "v0";
    EXPECT_EQ(refusal("flink.start-lost-job"), ErrorCode::invalid);
    diagnosis_.facts["version"] = "v1";
    view_.quarantined.insert({"fleet", "v1"});
    EXPECT_EQ(refusal("flink.start-lost-job"), ErrorCode::invalid);
}
TEST_F(StartLostJob, never_beside_a_job_of_the_same_name) {
    newest("file:/cp/chk-9");
    fact(job, "flink_job_state", 1, "RUNNING");
    EXPECT_EQ(refusal("flink.start-lost-job"), ErrorCode::invalid);
}
TEST_F(StartLostJob, waits_where_it_is_not_known_whether_it_is_listed) {
    newest("file:/cp/chk-9");
    std::erase_if(view_.facts, [&](const Fact& one) { return one.name == "listed"; });
    EXPECT_EQ(refusal("flink.start-lost-job"), ErrorCode::not_ready);
}

}  // namespace
}  // namespace medic

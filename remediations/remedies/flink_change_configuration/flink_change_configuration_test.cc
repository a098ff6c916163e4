// How wide a job is made, how long it has to show that this helped, and what is done where it did not.
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

class ChangeConfiguration : public RemedyTest {
protected:
    void SetUp() override {
        about("flink.configuration-does-not-fit-load", job,
              {{"job", "fleet"},
               {"job_id", "abc"},
               {"version", "v1"},
               {"parallelism_wanted", "20"},
               {"group", "g"},
               {"offered_per_second", "1000"},
               {"setting.execution.checkpointing.interval", "5s"}});
    }
    void free_slots(double count) { fact({"lab", "cluster", "lab"}, "flink_taskmanager_free_slots", count); }
    [[nodiscard]] int started_with() {
        const auto made = plan("flink.change-configuration");
        return made ? std::get<StartDeployment>(made->steps.at(1).operation).parallelism : 0;
    }
};

TEST_F(ChangeConfiguration, stops_with_a_savepoint_and_starts_wider_up_to_the_configured_limit) {
    fact(job, "flink_job_parallelism", 2);
    EXPECT_EQ(operations("flink.change-configuration"),
              (std::vector<std::string>{"lab: stop-job-with-savepoint abc into /sp",
                                        "lab: start-deployment fleet version v1 from empty state, parallelism 8, "
                                        "execution.checkpointing.interval=5s"}));
    const auto made = plan("flink.change-configuration");
    EXPECT_TRUE(made->steps[1].restore_from_own_savepoint);
    EXPECT_EQ(made->steps[1].expectation.all.back().value, 950);
    ASSERT_EQ(made->undo_steps.size(), 2U);
    EXPECT_EQ(std::get<StartDeployment>(made->undo_steps[1].operation).parallelism, 2);
}
TEST_F(ChangeConfiguration, rescales_in_place_where_the_scheduler_can) {
    fact(job, "flink_job_parallelism", 2);
    fact(job, "scheduler", 1, "adaptive");
    fact(job, "parallelism_bounds", 1, "1,2,2");
    EXPECT_EQ(operations("flink.change-configuration").size(), 2U) << "a setting takes a new start";
    diagnosis_.facts.erase("setting.execution.checkpointing.interval");
    EXPECT_EQ(operations("flink.change-configuration"),
              (std::vector<std::string>{"lab: rescale-job abc from parallelism 2 to 8"}));
    const auto made = plan("flink.change-configuration");
    EXPECT_EQ(made->steps[0].expectation.all.back().value, 950);
    ASSERT_EQ(made->undo_steps.size(), 1U);
    EXPECT_EQ(std::get<RescaleJob>(made->undo_steps[0].operation).to, 2);
    EXPECT_EQ(describe(made->steps[0].precondition.back()), "job/fleet parallelism_bounds is 1,2,2");
    EXPECT_EQ(describe(made->undo_steps[0].precondition.back()), "job/fleet parallelism_bounds is 1,2,2 or 1,8,8");
    view_.cluster.deployments.clear();
    free_slots(18);
    EXPECT_EQ(operations("flink.change-configuration"),
              (std::vector<std::string>{"lab: rescale-job abc from parallelism 2 to 20"}))
        << "no deployment driver is asked for";
}
// A task manager is lost: its vertices may have eight subtasks, and have four.
TEST_F(ChangeConfiguration, a_job_that_lacks_slots_has_nothing_to_rescale) {
    fact(job, "flink_job_parallelism", 4);
    fact(job, "scheduler", 1, "adaptive");
    fact(job, "parallelism_bounds", 1, "8,8");
    diagnosis_.facts.erase("setting.execution.checkpointing.interval");
    EXPECT_EQ(refusal("flink.change-configuration"), ErrorCode::invalid);
}
TEST_F(ChangeConfiguration, starts_anew_where_taking_it_back_would_narrow_a_vertex_that_was_wide_before) {
    fact(job, "flink_job_parallelism", 4);
    fact(job, "scheduler", 1, "adaptive");
    fact(job, "parallelism_bounds", 1, "4,8");
    diagnosis_.facts.erase("setting.execution.checkpointing.interval");
    EXPECT_EQ(operations("flink.change-configuration").size(), 2U);
    view_.facts.back().text = "4,80";
    EXPECT_EQ(operations("flink.change-configuration"),
              (std::vector<std::string>{"lab: rescale-job abc from parallelism 4 to 8"}));
}
TEST_F(ChangeConfiguration, starts_anew_where_it_is_not_told_how_wide_its_vertices_may_be) {
    fact(job, "flink_job_parallelism", 4);
    fact(job, "scheduler", 1, "adaptive");
    diagnosis_.facts.erase("setting.execution.checkpointing.interval");
    EXPECT_EQ(operations("flink.change-configuration").size(), 2U);
}
TEST_F(ChangeConfiguration, starts_anew_under_another_scheduler) {
    fact(job, "flink_job_parallelism", 2);
    diagnosis_.facts.erase("setting.execution.checkpointing.interval");
    for (const char* other : {"default", "reactive", ""}) {
        view_.facts.resize(1);
        fact(job, "scheduler", 1, other);
        EXPECT_EQ(operations("flink.change-configuration").size(), 2U) << other;
    }
}
TEST_F(ChangeConfiguration, has_nothing_to_offer_at_the_limit) {
    fact(job, "flink_job_parallelism", 8);
    diagnosis_.facts.erase("setting.execution.checkpointing.interval");
    EXPECT_EQ(refusal("flink.change-configuration"), ErrorCode::invalid);
}
// Else it would say RUNNING, and its tasks would wait for slots.
TEST_F(ChangeConfiguration, takes_no_more_than_the_slots_that_are_free_where_nobody_has_set_a_limit) {
    view_.cluster.deployments[0].parallelism_max = 0;
    fact(job, "flink_job_parallelism", 2);
    EXPECT_EQ(refusal("flink.change-configuration"), ErrorCode::not_ready);
    free_slots(3);
    EXPECT_EQ(started_with(), 5);
    view_.facts.back().value = 100;
    EXPECT_EQ(started_with(), 20) << "what it wants";
    view_.facts.back().value = 0;
    EXPECT_EQ(started_with(), 2) << "only its settings change";
    diagnosis_.facts.erase("setting.execution.checkpointing.interval");
    EXPECT_EQ(refusal("flink.change-configuration"), ErrorCode::invalid);
    view_.cluster.deployments[0].parallelism_max = 8;
    EXPECT_EQ(started_with(), 8) << "a person has said how many there are";
}
TEST_F(ChangeConfiguration, has_two_checkpoints_time_to_show_a_rate) {
    view_.cluster.deployments[0].gate.within = Duration{10'000};
    fact(job, "flink_job_parallelism", 2);
    const auto within = [&] { return plan("flink.change-configuration")->steps.at(1).expectation.within; };
    EXPECT_EQ(within(), Duration{120'000});
    view_.cluster.deployments[0].gate.within = Duration{300'000};
    EXPECT_EQ(within(), Duration{300'000});
    fact(job, "checkpoint_interval_ms", 5'000);
    EXPECT_EQ(within(), Duration{300'000});
    view_.facts.back().value = 300'000;
    EXPECT_EQ(within(), Duration{660'000});
}
// One that never got its slots can take no savepoint.
TEST_F(ChangeConfiguration, a_run_without_a_checkpoint_is_cancelled_and_any_other_only_stopped_with_a_savepoint) {
    fact(job, "flink_job_parallelism", 2);
    ASSERT_EQ(plan("flink.change-configuration")->undo_steps.size(), 2U)
        << "where it takes none, their number says nothing";
    fact(job, "checkpoint_interval_ms", 60'000);
    const auto made = plan("flink.change-configuration");
    ASSERT_EQ(made->undo_steps.size(), 3U);
    const Step &cancel = made->undo_steps[0], &halt = made->undo_steps[1];
    EXPECT_TRUE(std::holds_alternative<CancelJob>(cancel.operation));
    EXPECT_TRUE(cancel.optional);
    EXPECT_EQ(describe(cancel.precondition.at(1)), "job/fleet flink_checkpoints_completed_total ≤ 0");
    EXPECT_EQ(describe(cancel.skip_if.at(0)), "job/fleet flink_checkpoints_completed_total ≥ 1");
    EXPECT_TRUE(std::holds_alternative<StopJobWithSavepoint>(halt.operation));
    EXPECT_FALSE(halt.optional) << "from the first savepoint it would put out once more what came since";
    EXPECT_EQ(describe(halt.skip_if.at(0)), "job/fleet flink_job_state is FINISHED or CANCELED or FAILED");
    EXPECT_TRUE(made->undo_steps[2].restore_from_own_savepoint);
}
TEST_F(ChangeConfiguration, waits_for_the_present_parallelism) {
    EXPECT_EQ(refusal("flink.change-configuration"), ErrorCode::not_ready);
}

}  // namespace
}  // namespace medic

// A job whose start outlasts its request: listed nowhere before its main() has ended. It is waited for, for a bounded
// time, and not started twice.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

constexpr int ticks_per_second = 2;
constexpr Duration comes_within{180'000};

// The job's parallelism is too small: it is stopped with a savepoint, and its start's answer is lost.
class SlowStart : public testing::Test {
protected:
    SlowStart() : bench(with_deployment()) {
        bench.set({job, "flink_job_parallelism"}, 2);
        bench.set({job, "flink_checkpoints_in_progress"}, 0);
        bench.text({task, "connect_task_state"}, "RUNNING");
        bench.diagnoses = {too_slow()};
        bench.on_send = [this](const Operation& operation) {
            if (std::holds_alternative<StopJobWithSavepoint>(operation.body)) {
                bench.text({job, "flink_job_state"}, "FINISHED");
                return bench.reply(operation.key, std::string("/savepoints/savepoint-1"));
            }
            if (!std::holds_alternative<StartDeployment>(operation.body)) return obey(bench, operation);
            started.push_back(bench.wall());
            bench.reply(operation.key, fail(ErrorCode::outcome_unknown, "time-out"));
        };
        for (int i = 0; i < 60 && started.empty(); ++i) bench.tick();
    }
    void run_seconds(int seconds) { bench.run(seconds * ticks_per_second); }
    void comes() {
        bench.text({job, "id"}, "j2");
        bench.text({job, "flink_job_state"}, "RUNNING");
        bench.set({job, "flink_job_parallelism"}, 4);
        bench.counts({job, "flink_subtask_records_in_total"});
        bench.diagnoses.clear();
    }
    // A person takes over; meanwhile another component of the cluster needs help.
    void stop_and_break_something_else() {
        bench.inbox.emplace_back(OperatorCommand{OperatorCommand::Kind::stop, "I1", "my turn", "ann"});
        bench.diagnoses.push_back(task_stuck());
        run_seconds(20);
    }
    [[nodiscard]] bool another_acts() const {
        return std::ranges::any_of(
            bench.sent, [](const Operation& one) { return std::holds_alternative<KillConnectorTask>(one.body); });
    }
    Bench bench;
    std::vector<WallTime> started;
};

TEST_F(SlowStart, that_comes_late_is_adopted_and_never_sent_twice) {
    ASSERT_EQ(started.size(), 1U) << bench.story();
    run_seconds(100);
    EXPECT_EQ(started.size(), 1U) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::probing) << bench.story();
    comes();
    bench.run(3);
    EXPECT_NE(bench.incident().state, IncidentState::probing) << "noticed as soon as it is listed\n" << bench.story();
    run_seconds(120);
    EXPECT_EQ(started.size(), 1U) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

TEST_F(SlowStart, that_did_happen_is_noticed_at_once) {
    ASSERT_EQ(started.size(), 1U) << bench.story();
    comes();
    bench.run(3);
    EXPECT_NE(bench.incident().state, IncidentState::probing) << bench.story();
}

TEST_F(SlowStart, that_never_comes_is_sent_again_after_its_time) {
    ASSERT_EQ(started.size(), 1U) << bench.story();
    run_seconds(240);
    ASSERT_GE(started.size(), 2U) << bench.story();
    EXPECT_GE((started[1] - started[0]).count(), comes_within.count()) << bench.story();
}

TEST_F(SlowStart, is_remembered_by_the_next_agent) {
    run_seconds(10);
    bench.restart();
    run_seconds(150);
    EXPECT_EQ(started.size(), 1U) << bench.story();
}

TEST_F(SlowStart, keeps_others_away_for_its_time_also_when_a_person_has_taken_over) {
    ASSERT_EQ(started.size(), 1U) << bench.story();
    stop_and_break_something_else();
    EXPECT_FALSE(another_acts()) << bench.story();
    bench.restart();
    run_seconds(100);
    EXPECT_FALSE(another_acts()) << "the next agent does not know it any more\n" << bench.story();
    run_seconds(120);
    EXPECT_TRUE(another_acts()) << bench.story();
}

TEST_F(SlowStart, that_has_come_keeps_nobody_away) {
    ASSERT_EQ(started.size(), 1U) << bench.story();
    stop_and_break_something_else();
    EXPECT_FALSE(another_acts()) << bench.story();
    bench.text({job, "flink_job_state"}, "RUNNING");
    run_seconds(20);
    EXPECT_TRUE(another_acts()) << bench.story();
}

TEST_F(SlowStart, is_not_taken_back_while_it_may_still_come) {
    ASSERT_EQ(started.size(), 1U) << bench.story();
    stop_and_break_something_else();
    bench.inbox.emplace_back(OperatorCommand{OperatorCommand::Kind::undo, "I1", "", "ann"});
    run_seconds(20);
    EXPECT_EQ(started.size(), 1U) << bench.story();
}

}  // namespace
}  // namespace medic

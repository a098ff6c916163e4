// A job that is found ended: by ourselves, as a step of a plan, or by a person. The one must run again, the other is
// left alone.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

Diagnosis bad_version() {
    Diagnosis diagnosis = node_lost();
    diagnosis.cause = "flink.null-dereference";
    diagnosis.subject = job;
    diagnosis.remedies = {"flink.roll-back"};
    diagnosis.facts = {{"job", "fleet"}, {"job_id", "j1"}, {"version", "v2"}, {"last_good_version", "v1"}};
    return diagnosis;
}

// A bad version keeps its job restarting; what the roll-back asks for is done by the test.
class RollBack : public testing::Test {
protected:
    explicit RollBack(Mode mode = Mode::auto_) : bench(with_versions(mode)) {
        bench.on_send = [&](const Operation& operation) { answer(operation); };
        bench.text({job, "checkpoint_path"}, "/checkpoints/7");
        bench.text({job, "checkpoints_kept"}, "always");
        bench.text({job, "flink_job_state"}, "RESTARTING");
        bench.run(3);
    }
    static LoopOptions with_versions(Mode mode) {
        LoopOptions given = options(mode);
        given.policy.rules[0].limits.attempts_max = 2;
        given.clusters[0].deployments = {
            {.job = "fleet", .savepoints = "/savepoints", .versions = {"v0", "v1", "v2"}, .parallelism = {}}};
        return given;
    }
    void answer(const Operation& operation) {
        if (std::holds_alternative<CancelJob>(operation.body)) {
            if (!cancel_is_heard) return bench.reply(operation.key, fail(ErrorCode::unavailable, "refused"));
            bench.text({job, "flink_job_state"}, "CANCELED");
            bench.diagnoses.clear();
        } else if (std::holds_alternative<StartDeployment>(operation.body)) {
            ++starts;
            restored_from = std::get<StartDeployment>(operation.body).restore_from;
            started = std::get<StartDeployment>(operation.body).version;
            if (!start_is_heard) return bench.reply(operation.key, fail(ErrorCode::unavailable, "refused"));
            bench.text({job, "flink_job_state"}, "RUNNING");
            bench.counts({job, "flink_subtask_records_in_total"});
        }
        bench.reply(operation.key, std::string("ok"));
    }
    void fail_on_records() {
        bench.diagnoses = {bad_version()};
        bench.diagnoses[0].since = bench.wall();
    }
    Bench bench;
    bool cancel_is_heard = true, start_is_heard = true;
    int starts = 0;
    std::string restored_from, started;
};

TEST_F(RollBack, starts_the_good_version_of_a_job_that_it_has_ended) {
    fail_on_records();
    bench.run(100);
    EXPECT_EQ(starts, 1) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
    EXPECT_EQ(bench.incident().stopped_job.kind, "");
}

TEST_F(RollBack, that_could_not_start_it_is_not_over_although_nothing_is_reported_any_more) {
    start_is_heard = false;
    fail_on_records();
    for (int i = 0; i < 400 && (starts == 0 || bench.incident().state != IncidentState::escalated); ++i) bench.tick();
    bench.restart();  // The journal's record says who has ended it.
    bench.run(1'200);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    bench.text({job, "flink_job_state"}, "RUNNING");
    bench.run(60);
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
}

TEST_F(RollBack, does_not_start_a_job_that_a_person_has_ended_meanwhile) {
    cancel_is_heard = false;
    fail_on_records();
    while (bench.sent.empty()) bench.tick();
    bench.tick();  // The refusal.
    bench.text({job, "flink_job_state"}, "CANCELED");
    bench.diagnoses.clear();
    bench.run(400);
    EXPECT_EQ(starts, 0) << bench.story();
}

// It lived in between: the second end is a person's.
TEST_F(RollBack, does_not_start_a_job_that_a_person_has_started_and_ended_again) {
    start_is_heard = false;
    fail_on_records();
    while (starts == 0) bench.tick();
    bench.text({job, "flink_job_state"}, "RESTARTING");
    bench.run(2);
    bench.text({job, "flink_job_state"}, "CANCELED");
    bench.run(400);
    EXPECT_EQ(starts, 1) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
}

// Nobody saw it alive, but it has another id: it was started, and that end is a person's.
TEST_F(RollBack, does_not_start_a_job_that_ran_and_was_ended_while_nobody_looked) {
    start_is_heard = false;
    bench.text({job, "id"}, "j1");
    fail_on_records();
    while (starts == 0) bench.tick();
    bench.text({job, "id"}, "j2");
    bench.run(400);
    EXPECT_EQ(starts, 1) << bench.story();
}

// While a person makes up their mind, the job may complete another checkpoint.
class RollBackToApprove : public RollBack {
protected:
    RollBackToApprove() : RollBack(Mode::ask) {
        fail_on_records();
        for (int i = 0; i < 100 && !waits(); ++i) bench.tick();
    }
    [[nodiscard]] bool waits() {
        const auto all = bench.loop().incidents();
        return !all.empty() && all.back().state == IncidentState::waiting_approval;
    }
    void approve() {
        bench.inbox.emplace_back(OperatorCommand{
            .kind = OperatorCommand::Kind::approve, .target = bench.incident().action_id(), .reason = "", .by = "ann"});
    }
    void run_to_the_end() {
        for (int i = 0; i < 200 && starts == 0; ++i) bench.tick();
    }
};

TEST_F(RollBackToApprove, starts_from_the_checkpoint_that_was_agreed_to) {
    ASSERT_TRUE(waits()) << bench.story();
    approve();
    run_to_the_end();
    EXPECT_EQ(restored_from, "/checkpoints/7") << bench.story();
}

TEST_F(RollBackToApprove, does_not_end_a_job_that_has_moved_on_for_an_older_checkpoint) {
    ASSERT_TRUE(waits()) << bench.story();
    approve();
    bench.text({job, "checkpoint_path"}, "/checkpoints/8");
    bench.run(200);
    EXPECT_TRUE(bench.sent.empty() || restored_from == "/checkpoints/8") << bench.story();
}

TEST_F(RollBackToApprove, starts_from_the_newest_checkpoint_of_when_it_is_agreed_to) {
    ASSERT_TRUE(waits()) << bench.story();
    bench.text({job, "checkpoint_path"}, "/checkpoints/8");
    bench.run(10);
    ASSERT_TRUE(waits()) << bench.story();
    EXPECT_TRUE(bench.sent.empty());
    approve();
    run_to_the_end();
    EXPECT_EQ(restored_from, "/checkpoints/8") << bench.story();
}

// What was agreed to was another version.
TEST_F(RollBackToApprove, asks_anew_where_it_would_start_something_else) {
    ASSERT_TRUE(waits()) << bench.story();
    bench.diagnoses[0].facts["last_good_version"] = "v0";
    bench.text({job, "checkpoint_path"}, "/checkpoints/8");
    approve();
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    ASSERT_TRUE(waits()) << bench.story();
    EXPECT_NE(bench.incident().plan->summary.find("back to v0"), std::string::npos) << bench.story();
    approve();
    run_to_the_end();
    EXPECT_EQ(started, "v0") << bench.story();
    EXPECT_EQ(restored_from, "/checkpoints/8") << bench.story();
}

TEST_F(RollBackToApprove, does_not_go_back_from_what_a_job_completed_before_it_failed_by_itself) {
    ASSERT_TRUE(waits()) << bench.story();
    bench.text({job, "checkpoint_path"}, "/checkpoints/8");
    bench.text({job, "flink_job_state"}, "FAILED");
    approve();
    bench.run(200);
    EXPECT_TRUE(bench.sent.empty() || restored_from == "/checkpoints/8") << bench.story();
}

// No version to go back to: the job fails on every restart.
class CrashLoop : public testing::Test {
protected:
    CrashLoop() : bench(options(Mode::auto_)) {
        bench.on_send = [&](const Operation& operation) {
            if (std::holds_alternative<CancelJob>(operation.body)) {
                bench.text({job, "flink_job_state"}, "CANCELED");
                bench.diagnoses.clear();
            }
            bench.reply(operation.key, std::string("ok"));
        };
        bench.text({job, "checkpoint_path"}, "/checkpoints/7");
        bench.text({job, "checkpoints_kept"}, "always");
        bench.text({job, "flink_job_state"}, "RESTARTING");
        bench.set({job, "checkpoint_id"}, 7);
        bench.set({job, "flink_job_restarts_total"}, 2);
        bench.run(3);
        bench.diagnoses = {bad_version()};
        bench.diagnoses[0].remedies = {"flink.pause-crash-loop"};
        bench.diagnoses[0].since = bench.wall();
    }
    Bench bench;
};

TEST_F(CrashLoop, IsPausedOnceItIsShownAndStaysOpenUntilTheJobRunsAgain) {
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    bench.set({job, "flink_job_restarts_total"}, 7);
    bench.run(30);
    ASSERT_EQ(bench.sent.size(), 1U) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "paused");
    EXPECT_EQ(bench.incident().healed_at.unix_ms, 0) << "nothing was mended";
    EXPECT_NE(bench.story().find("start the job again from /checkpoints/7"), std::string::npos) << bench.story();
    bench.restart();
    bench.run(1'200);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    bench.unknown({job, "flink_job_state"});  // Flink forgets a job that has ended.
    bench.run(2'400);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    bench.text({job, "flink_job_state"}, "RUNNING");
    bench.run(60);
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
    EXPECT_EQ(bench.sent.size(), 1U);
}

TEST_F(CrashLoop, ThatCompletesACheckpointMovesOnAndIsNotPaused) {
    bench.run(10);
    bench.set({job, "flink_job_restarts_total"}, 9);
    bench.set({job, "checkpoint_id"}, 8);
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
}

TEST_F(CrashLoop, ThatEndsByItselfIsOver) {
    bench.run(10);
    bench.diagnoses.clear();
    bench.text({job, "flink_job_state"}, "RUNNING");
    bench.set({job, "flink_job_restarts_total"}, 9);
    bench.run(120);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
}

}  // namespace
}  // namespace medic

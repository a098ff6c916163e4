// A job is stopped with a savepoint and started from it. One that takes longer than the request may: what becomes of it
// is told by facts, and nothing is asked for twice. New settings that don't help are taken back.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

constexpr int two_minutes = 240;    // Ticks.
constexpr int gate_and_more = 800;  // A deployment's gate gives it five minutes.
const FactKey in_progress{job, "flink_checkpoints_in_progress"};

// Its parallelism is too small; what a request does is the test's.
class TooSlow : public testing::Test {
protected:
    TooSlow() : bench(with_deployment()) {
        bench.set({job, "flink_job_parallelism"}, 2);
        bench.set(in_progress, 0);
        bench.diagnoses = {too_slow()};
    }
    Bench bench;
};

class SlowSavepoint : public TooSlow {
protected:
    SlowSavepoint() {
        bench.on_send = [this](const Operation& operation) {
            if (!std::holds_alternative<StopJobWithSavepoint>(operation.body)) {
                bench.text({job, "flink_job_state"}, "RUNNING");
                bench.counts({job, "flink_subtask_records_in_total"});
                bench.diagnoses.clear();
                return bench.reply(operation.key, std::string("j2"));
            }
            EXPECT_LE(operation.timeout, Duration{75'000}) << "the default lease would not let it leave";
            bench.set(in_progress, 1);
            bench.reply(operation.key, fail(ErrorCode::outcome_unknown, "the savepoint was not complete in time"));
        };
        bench.run(10);
    }
    [[nodiscard]] std::ptrdiff_t stops() const {
        return std::ranges::count_if(
            bench.sent, [](const Operation& one) { return std::holds_alternative<StopJobWithSavepoint>(one.body); });
    }
};
using SavepointAgain = TooSlow;
using SettingsInVain = TooSlow;

TEST_F(SlowSavepoint, is_waited_for_and_gone_on_from) {
    ASSERT_EQ(stops(), 1) << bench.story();
    bench.run(2 * two_minutes);
    EXPECT_EQ(stops(), 1) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::probing) << bench.story();
    bench.set(in_progress, 0);
    bench.text({job, "flink_job_state"}, "FINISHED");
    bench.text({job, "savepoint_path"}, "/savepoints/savepoint-7");
    bench.run(40);
    ASSERT_EQ(bench.sent.size(), 2U) << bench.story();
    EXPECT_EQ(std::get<StartDeployment>(bench.sent[1].body).restore_from, "/savepoints/savepoint-7");
}

TEST_F(SlowSavepoint, is_asked_for_again_once_it_has_failed) {
    bench.run(two_minutes);
    ASSERT_EQ(stops(), 1) << bench.story();
    bench.set(in_progress, 0);
    bench.run(60);
    EXPECT_EQ(stops(), 2) << bench.story();
}

// A first request is answered with a path, and the job runs on; the second one's answer is lost.
TEST_F(SavepointAgain, what_the_first_request_answered_is_not_gone_on_from) {
    int stops = 0;
    bench.on_send = [&](const Operation& operation) {
        if (!std::holds_alternative<StopJobWithSavepoint>(operation.body))
            return bench.reply(operation.key, std::string("j2"));
        if (++stops == 1) return bench.reply(operation.key, std::string("/savepoints/savepoint-1"));
        bench.text({job, "flink_job_state"}, "FINISHED");
        bench.text({job, "savepoint_path"}, "/savepoints/savepoint-2");
        bench.reply(operation.key, fail(ErrorCode::outcome_unknown, "time-out"));
    };
    bench.run(2 * two_minutes);
    ASSERT_EQ(stops, 2) << bench.story();
    ASSERT_GE(bench.sent.size(), 3U) << bench.story();
    EXPECT_EQ(std::get<StartDeployment>(bench.sent[2].body).restore_from, "/savepoints/savepoint-2");
}

// The first one took its savepoint, and it is all that is told of the run until the second one's is seen, too.
TEST_F(SavepointAgain, what_the_first_request_is_seen_to_have_taken_is_not_gone_on_from_either) {
    int stops = 0;
    bench.on_send = [&](const Operation& operation) {
        if (!std::holds_alternative<StopJobWithSavepoint>(operation.body))
            return bench.reply(operation.key, std::string("j2"));
        if (++stops == 2) bench.text({job, "flink_job_state"}, "FINISHED");
        bench.text({job, "savepoint_path"}, "/savepoints/savepoint-1");
        bench.reply(operation.key, fail(ErrorCode::outcome_unknown, "time-out"));
    };
    bench.run(2 * two_minutes);
    ASSERT_EQ(stops, 2) << bench.story();
    EXPECT_EQ(bench.sent.size(), 2U) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "cannot_tell") << bench.story();
}

// A run that had a savepoint before: its path is told until that of the stop is seen.
class SavepointBefore : public TooSlow {
protected:
    SavepointBefore() {
        bench.text({job, "savepoint_path"}, "/savepoints/nightly");
        bench.on_send = [this](const Operation& operation) {
            if (!std::holds_alternative<StopJobWithSavepoint>(operation.body))
                return bench.reply(operation.key, std::string("j2"));
            bench.text({job, "flink_job_state"}, "FINISHED");
            bench.reply(operation.key, fail(ErrorCode::outcome_unknown, "the savepoint was not complete in time"));
        };
        for (int i = 0; i < two_minutes && bench.sent.empty(); ++i) bench.tick();
        bench.run(20);
    }
};

TEST_F(SavepointBefore, is_not_started_from) {
    EXPECT_EQ(bench.sent.size(), 1U) << bench.story();
    bench.run(two_minutes);
    EXPECT_EQ(bench.sent.size(), 1U) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "cannot_tell") << bench.story();
}

TEST_F(SavepointBefore, is_told_from_the_one_that_is_seen_a_moment_later) {
    bench.text({job, "savepoint_path"}, "/savepoints/savepoint-7");
    bench.run(10);
    ASSERT_EQ(bench.sent.size(), 2U) << bench.story();
    EXPECT_EQ(std::get<StartDeployment>(bench.sent[1].body).restore_from, "/savepoints/savepoint-7");
}

TEST_F(SavepointBefore, is_known_to_the_next_agent_as_well) {
    bench.restart();
    bench.run(two_minutes);
    EXPECT_EQ(bench.sent.size(), 1U) << bench.story();
}

// The job runs with its new settings, and does no more than before.
TEST_F(SettingsInVain, are_taken_back_at_once) {
    std::vector<int> started;
    bench.on_send = [&](const Operation& operation) {
        const auto* start = std::get_if<StartDeployment>(&operation.body);
        bench.text({job, "flink_job_state"}, start != nullptr ? "RUNNING" : "FINISHED");
        bench.set({job, "flink_subtask_records_in_total"}, 7);
        if (start == nullptr) return bench.reply(operation.key, std::string("/savepoints/savepoint-1"));
        started.push_back(start->parallelism);
        bench.text({job, "id"}, "j2");
        bench.reply(operation.key, std::string("j2"));
    };
    bench.run(gate_and_more);
    EXPECT_EQ(started, (std::vector<int>{4, 2})) << bench.story();
}

// It says RUNNING, and its tasks wait: it can take no savepoint.
TEST_F(SettingsInVain, a_run_that_never_got_its_slots_is_cancelled_and_the_first_savepoint_gone_on_from) {
    bench.set({job, "checkpoint_interval_ms"}, 10'000);
    bench.on_send = [&](const Operation& operation) {
        const bool is_start = std::holds_alternative<StartDeployment>(operation.body);
        const bool is_cancel = std::holds_alternative<CancelJob>(operation.body);
        bench.text({job, "flink_job_state"}, is_start ? "RUNNING" : is_cancel ? "CANCELED" : "FINISHED");
        if (is_start) bench.text({job, "id"}, "j2");
        if (is_start) bench.set({job, "flink_checkpoints_completed_total"}, 0);
        bench.reply(operation.key, std::string(is_start || is_cancel ? "j2" : "/savepoints/savepoint-1"));
    };
    bench.run(gate_and_more);
    ASSERT_EQ(bench.sent.size(), 4U) << bench.story();
    EXPECT_TRUE(std::holds_alternative<CancelJob>(bench.sent[2].body)) << bench.story();
    const auto& back = std::get<StartDeployment>(bench.sent[3].body);
    EXPECT_EQ(back.restore_from, "/savepoints/savepoint-1");
    EXPECT_EQ(back.parallelism, 2);
}

TEST_F(SettingsInVain, a_job_that_still_restores_its_state_is_waited_for) {
    int starts = 0;
    bench.on_send = [&](const Operation& operation) {
        const bool is_start = std::holds_alternative<StartDeployment>(operation.body);
        starts += is_start ? 1 : 0;
        bench.text({job, "flink_job_state"}, is_start ? "INITIALIZING" : "FINISHED");
        bench.reply(operation.key, std::string("/savepoints/savepoint-1"));
    };
    bench.run(2 * two_minutes);
    EXPECT_EQ(starts, 1) << bench.story();
    bench.text({job, "flink_job_state"}, "RUNNING");
    bench.counts({job, "flink_subtask_records_in_total"});
    bench.diagnoses.clear();
    bench.run(two_minutes);
    EXPECT_EQ(starts, 1) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

// Under the adaptive scheduler. It lacks slots: what its vertices may have, it does not get.
class RescaledInVain : public TooSlow {
protected:
    RescaledInVain() {
        bench.text({job, "scheduler"}, "adaptive");
        bench.counts({job, "flink_checkpoints_completed_total"});
        bench.on_send = [this](const Operation& operation) {
            bounds_are(std::to_string(std::get<RescaleJob>(operation.body).to));
            bench.reply(operation.key, std::string("rescaling"));
        };
    }
    void bounds_are(std::string bounds) { bench.text({job, "parallelism_bounds"}, std::move(bounds)); }
    const std::string wider = "lab: rescale-job j1 from parallelism 2 to 4";
    const std::string back = "lab: rescale-job j1 from parallelism 4 to 2";
};

TEST_F(RescaledInVain, is_as_it_was_afterwards) {
    bounds_are("2");
    bench.run(gate_and_more);
    EXPECT_EQ(bench.sent_operations(), (std::vector<std::string>{wider, back})) << bench.story();
}

TEST_F(RescaledInVain, what_was_as_wide_before_is_neither_rescaled_nor_narrowed) {
    bounds_are("4");
    bench.run(2 * two_minutes);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
}

TEST_F(RescaledInVain, what_somebody_else_has_changed_since_is_not_narrowed) {
    bounds_are("2");
    for (int i = 0; i < two_minutes && bench.sent.empty(); ++i) bench.tick();
    bounds_are("4,4");
    bench.run(gate_and_more);
    EXPECT_EQ(bench.sent_operations(), std::vector<std::string>{wider}) << bench.story();
}

TEST_F(SlowSavepoint, of_which_nothing_can_be_told_is_a_persons) {
    bench.unknown(in_progress);
    bench.run(2 * two_minutes);
    EXPECT_EQ(stops(), 1) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
}

TEST_F(SlowSavepoint, that_may_still_come_keeps_others_of_its_cluster_away) {
    bench.unknown(in_progress);
    bench.run(2 * two_minutes);
    ASSERT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    bench.diagnoses.push_back(node_lost());
    bench.run(two_minutes);
    EXPECT_EQ(bench.sent.size(), 1U) << bench.story();
    bench.restart();
    bench.run(20);
    EXPECT_EQ(bench.sent.size(), 1U) << "the next agent does not know it any more";
    bench.set(in_progress, 0);
    bench.run(20);
    EXPECT_GT(bench.sent.size(), 1U) << bench.story();
}

TEST_F(SlowSavepoint, is_remembered_by_the_next_agent) {
    bench.run(20);
    bench.restart();
    bench.run(two_minutes);
    EXPECT_EQ(stops(), 1) << bench.story();
}

TEST_F(SlowSavepoint, that_never_ends_is_a_persons) {
    bench.run(20 * two_minutes / 2);
    EXPECT_EQ(stops(), 1) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
}

}  // namespace
}  // namespace medic

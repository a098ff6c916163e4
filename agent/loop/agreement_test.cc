// How long a person's agreement lasts: for the plan as it was shown, and only until its time is over or the plan began.
#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

constexpr int twenty_minutes = 2'400;  // Ticks; an agreement lasts 15.

void agree(Bench& bench) {
    bench.tick({OperatorCommand{OperatorCommand::Kind::approve, bench.incident().action_id(), "go", "ann"}});
}

TEST(Agreement, it_has_grown_old_when_nothing_could_leave_meanwhile) {
    Bench bench(options(Mode::ask));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    bench.run(10);
    bench.door_says = "a person has paused";
    agree(bench);
    ASSERT_TRUE(bench.incident().acted) << bench.story();
    bench.door_says.clear();
    bench.tick({OperatorCommand{OperatorCommand::Kind::pause, "lab", "game day", "bob"}});
    bench.run(twenty_minutes);
    bench.tick({OperatorCommand{OperatorCommand::Kind::resume, "lab", "", "bob"}});
    bench.run(10);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval) << bench.story();
    agree(bench);
    bench.run(20);
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

// The agent died between intent and sending, and was away for long.
TEST(Agreement, it_has_grown_old_when_facts_say_that_nothing_was_done) {
    Bench bench(options(Mode::ask));
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    bench.run(10);
    agree(bench);
    ASSERT_EQ(bench.sent.size(), 1U) << bench.story();
    bench.restart();  // In this world it never arrived.
    bench.tick({}, Duration{twenty_minutes * 500});
    bench.run(150);
    EXPECT_EQ(bench.sent.size(), 1U) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval) << bench.story();
    EXPECT_EQ(bench.journal().attempts("I1")->front().state, "not-done");
}

// A plan that has begun is ended, also when ending it takes longer than an agreement lasts.
TEST(Agreement, it_covers_a_plan_that_has_begun) {
    Bench bench(options(Mode::ask));
    bench.on_send = [&](const Operation& operation) {
        obey(bench, operation);
        if (bench.sent.size() == 1)
            bench.inbox.emplace_back(OperatorCommand{OperatorCommand::Kind::pause, "", "", "bob"});
    };
    bench.run(3);
    lose_node(bench);
    bench.set({node("tm-1"), "process_up"}, 1);
    bench.diagnoses[0].cause = "flink.taskmanager-frozen";
    bench.run(10);
    agree(bench);
    bench.run(twenty_minutes);
    ASSERT_EQ(bench.sent.size(), 1U) << bench.story();
    bench.tick({OperatorCommand{OperatorCommand::Kind::resume, "", "", "bob"}});
    bench.run(20);
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

// One cause in three clusters asks a person: also when the others' incidents are over, and when the agent was restarted
// since.
TEST(Agreement, what_was_found_in_other_clusters_counts_across_a_restart) {
    Bench bench(options(Mode::auto_));
    bench.run(3);
    lose_node(bench);
    bench.diagnoses.push_back(bench.diagnoses[0]);
    bench.diagnoses[0].subject.cluster = "east";
    bench.diagnoses[1].subject.cluster = "west";
    bench.run(3);
    bench.diagnoses.clear();
    bench.run(15);  // Both are over.
    ASSERT_TRUE(bench.loop().open_incidents().empty()) << bench.story();
    bench.restart();
    lose_node(bench);
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval) << bench.story();
    agree(bench);
    bench.run(3);
    EXPECT_FALSE(bench.sent.empty()) << bench.story();
}

TEST(Agreement, what_never_left_keeps_no_incident_whose_cause_is_gone) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    bench.set({node("tm-1"), "process_up"}, 1);
    bench.diagnoses[0].cause = "flink.taskmanager-frozen";
    bench.door_says = "another agent may act";
    bench.run(4);
    ASSERT_TRUE(bench.sent.empty());
    bench.diagnoses.clear();  // The other agent has mended it.
    bench.run(12);
    bench.door_says.clear();
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "went_away");
}

}  // namespace
}  // namespace medic

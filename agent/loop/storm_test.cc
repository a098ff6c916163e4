// Many incidents at once: the agent begins nothing by itself until it has been calm for a while.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop.h"
#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

// So many topics have a trouble that nobody can cure.
void trouble(Bench& bench, int topics, const std::string& cluster_name = "lab") {
    for (int i = 0; i < topics; ++i) {
        Diagnosis one = node_lost();
        one.cause = "kafka.partition-offline";
        one.subject = {cluster_name, "topic", fmt::format("t{}", i)};
        one.remedies.clear();
        one.since = bench.wall();
        bench.diagnoses.push_back(one);
    }
}

LoopOptions stormy() {
    LoopOptions result = options(Mode::auto_);
    result.policy.storm = {.incidents = 5, .window = Duration{60'000}, .calm = Duration{30'000}};
    return result;
}

auto told(const Bench& bench, std::string_view text) {
    return std::ranges::count_if(bench.notes, [&](const Notification& note) {
        return note.kind == Notification::Kind::agent && note.text.contains(text);
    });
}

TEST(Storm, nothing_new_begins_by_itself_before_it_has_been_calm) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    trouble(bench, 5);  // Six with the node.
    bench.run(2 * 85);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(told(bench, "a storm in lab: 6 incidents within 60 s, more than 5"), 1);
    bench.run(2 * 30);
    EXPECT_EQ(told(bench, "the storm in lab is over"), 1);
    EXPECT_FALSE(bench.sent.empty());
}

TEST(Storm, a_person_may_begin_in_a_storm) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    trouble(bench, 5);
    bench.run(5);
    const auto all = bench.loop().incidents();
    const auto node_incident = std::ranges::find(all, IncidentState::waiting_approval, &Incident::state);
    ASSERT_NE(node_incident, all.end()) << bench.story();
    bench.inbox.emplace_back(
        OperatorCommand{OperatorCommand::Kind::approve, node_incident->action_id(), "I have looked", "ann"});
    bench.run(5);
    EXPECT_FALSE(bench.sent.empty());
}

TEST(Storm, as_many_as_the_policy_takes_for_single_faults_are_no_storm) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    trouble(bench, 4);
    bench.run(5);
    EXPECT_FALSE(bench.sent.empty());
    EXPECT_EQ(told(bench, "storm"), 0);
}

TEST(Storm, a_storm_elsewhere_is_not_this_clusters) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    trouble(bench, 12, "east");
    bench.run(5);
    EXPECT_FALSE(bench.sent.empty());
    EXPECT_EQ(told(bench, "a storm in east"), 1);
}

TEST(Storm, what_was_begun_goes_on) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    bench.set({node("tm-1"), "process_up"}, 1);
    bench.diagnoses[0].cause = "flink.taskmanager-frozen";
    while (bench.sent.empty() && bench.wall() < WallTime{1'700'000'060'000}) bench.tick();
    ASSERT_EQ(bench.sent.size(), 1U);  // It is fenced, and its successor not started yet.
    trouble(bench, 12);
    bench.run(20);
    EXPECT_EQ(told(bench, "a storm in lab"), 1);
    EXPECT_EQ(bench.sent.size(), 3U) << bench.story();
}

TEST(Storm, a_restart_of_the_agent_does_not_end_it_nor_tell_it_again) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    trouble(bench, 6);
    bench.run(3);
    bench.diagnoses.clear();
    bench.run(20);  // All of them are over.
    ASSERT_TRUE(bench.loop().open_incidents().empty()) << bench.story();
    bench.restart();
    bench.run(3);
    lose_node(bench);
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(told(bench, "a storm in lab"), 1);
    bench.run(2 * 90);
    EXPECT_FALSE(bench.sent.empty());
    bench.restart();
    bench.run(3);
    EXPECT_EQ(told(bench, "a storm in lab"), 1);
    EXPECT_EQ(told(bench, "is over"), 1);
}

TEST(Storm, a_clock_that_was_set_back_while_the_agent_was_down_does_not_prolong_it) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    trouble(bench, 6);
    bench.run(3);
    bench.diagnoses.clear();
    bench.run(20);
    bench.step_wall(Duration{-3'600'000});
    bench.restart();
    bench.run(3);
    lose_node(bench);
    bench.run(2 * 60);
    EXPECT_TRUE(bench.sent.empty());
    bench.run(2 * 120);
    EXPECT_FALSE(bench.sent.empty()) << bench.story();
}

// What is open is rewritten when the clock steps, what has ended is not: some of it then lies in times to come.
TEST(Storm, a_clock_that_was_set_back_before_a_restart_makes_nobody_forget_it) {
    Bench bench(stormy());
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    trouble(bench, 5);
    bench.run(3);
    bench.diagnoses.clear();
    bench.run(20);
    lose_node(bench);  // The sixth.
    bench.run(2);
    bench.step_wall(Duration{-3'600'000});
    bench.run(4);
    bench.restart();
    bench.run(2 * 70);  // The clock is trusted again.
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval) << bench.story();
}

}  // namespace
}  // namespace medic

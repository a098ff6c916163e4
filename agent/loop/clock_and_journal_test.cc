// The loop when the wall clock steps, the journal can't be written or read, or another agent goes on.
#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

TEST(Loop, after_a_clock_step_nothing_acts_for_a_minute) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    bench.step_wall(Duration{-7'200'000});
    lose_node(bench);
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty());
    bench.run(120);
    EXPECT_EQ(bench.incident().outcome, "healed");
}

// tm-3 is up before it is asked to join: that it is up afterwards says nothing about an operation of which no reply
// came.
TEST(Loop, what_was_so_before_proves_nothing_after_a_restart) {
    Bench bench(options(Mode::auto_));
    int starts = 0;
    bench.on_send = [&](const Operation& operation) {
        if (std::holds_alternative<StartNode>(operation.body) && ++starts == 1) return;
        obey(bench, operation);
    };
    bench.run(3);
    lose_node(bench);
    while (starts == 0) bench.tick();
    bench.restart();
    bench.run(4);
    EXPECT_EQ(bench.incident().state, IncidentState::probing) << bench.story();
    bench.run(120);
    EXPECT_GE(starts, 2) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

// Set back while no agent ran: what waits must not wait for the old time.
TEST(Loop, a_clock_that_was_set_back_between_two_agents_keeps_no_incident_waiting) {
    Bench bench(options(Mode::auto_));
    bench.run(3);
    bench.inbox.emplace_back(OperatorCommand{OperatorCommand::Kind::pause, "lab", "game day", "ann"});
    lose_node(bench);
    bench.run(10);
    ASSERT_EQ(bench.incident().state, IncidentState::waiting_guard) << bench.story();
    bench.step_wall(Duration{-7'200'000});
    bench.restart();
    const int ticks = static_cast<int>(bench.given().guard_wait_max / Duration{500});
    bench.run(ticks + 10);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
}

// Set forward while no agent ran: a request that has just left is not late, however late it seems.
TEST(Loop, a_clock_that_was_set_forward_between_two_agents_ends_no_request_before_its_time) {
    Bench bench(options(Mode::auto_));
    int starts = 0;
    bench.on_send = [&](const Operation& operation) {
        if (std::holds_alternative<StartNode>(operation.body) && ++starts == 1) return;
        obey(bench, operation);
    };
    bench.run(3);
    lose_node(bench);
    while (starts == 0) bench.tick();
    bench.step_wall(Duration{3'600'000});
    bench.restart();
    bench.run(10);
    EXPECT_EQ(bench.incident().state, IncidentState::probing) << bench.story();
    EXPECT_EQ(starts, 1);
    bench.run(120);
    EXPECT_GE(starts, 2) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

TEST(Loop, a_failing_journal_stops_acting_not_observing) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    ASSERT_TRUE(bench.journal().limit_bytes(1));
    lose_node(bench);
    bench.diagnoses[0].summary += std::string(500'000, '.');
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_FALSE(bench.loop().health().acting);
    EXPECT_EQ(bench.loop().incidents().size(), 1U);
    ASSERT_TRUE(bench.journal().limit_bytes(1ULL << 30));
    bench.run(40);
    EXPECT_TRUE(bench.loop().health().acting);
    EXPECT_EQ(bench.incident().outcome, "healed");
    EXPECT_EQ(bench.journal().incident("I1")->id, "I1");
}

// Otherwise the next agent would take up what is long over.
TEST(Loop, an_incident_that_ends_while_the_journal_fails_has_ended_in_it_afterwards) {
    Bench bench(options(Mode::observe));
    bench.run(3);
    ASSERT_TRUE(bench.journal().limit_bytes(1));
    lose_node(bench);
    bench.diagnoses[0].summary += std::string(500'000, '.');
    bench.run(20);
    ASSERT_FALSE(bench.loop().health().acting);
    bench.diagnoses.clear();
    bench.run(60);
    ASSERT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
    ASSERT_TRUE(bench.journal().limit_bytes(1ULL << 30));
    bench.run(40);
    ASSERT_TRUE(bench.loop().health().acting);
    const auto row = bench.journal().incident("I1");
    ASSERT_TRUE(row) << row.error().message;
    EXPECT_TRUE(row->closed);
}

TEST(Loop, an_unreadable_incident_stops_acting) {
    Bench bench(options(Mode::auto_));
    IncidentRow broken{.id = "I1", .cluster = "lab", .detail = "{\"id\":\"I1\"}"};
    ASSERT_TRUE(bench.journal().append({broken}));
    ASSERT_TRUE(bench.journal().flush().durable);
    bench.restart();
    bench.run(3);
    lose_node(bench);
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_NE(bench.loop().health().problem.find("I1"), std::string::npos);
}

}  // namespace
}  // namespace medic

// What is new acts where the policy says, before it acts elsewhere.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop.h"
#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

constexpr int ticks_a_minute = 120;

LoopOptions rolled_out(const std::string& first) {
    LoopOptions result = options(Mode::auto_);
    result.policy.rollout = {.first = first, .hold = Duration{2 * 60'000}};
    result.behaviour = "one";
    result.still_reported_max = Duration{3'600'000};
    return result;
}

auto told(const Bench& bench, std::string_view text) {
    return std::ranges::count_if(bench.notes, [&](const Notification& note) {
        return note.kind == Notification::Kind::agent && note.text.contains(text);
    });
}

TEST(Rollout, elsewhere_nothing_begins_by_itself_before_its_time) {
    Bench bench(rolled_out("staging"));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    EXPECT_EQ(told(bench, "they act in staging first, elsewhere by themselves after 2 min"), 1);
    lose_node(bench);
    bench.run(ticks_a_minute);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval);
    EXPECT_TRUE(bench.story().contains("act in staging first; here by themselves in")) << bench.story();
    bench.run(2 * ticks_a_minute);
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

TEST(Rollout, where_it_acts_first_it_acts_at_once_and_without_one_everywhere) {
    for (const char* first : {"la*", ""}) {
        Bench bench(rolled_out(first));
        bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
        bench.run(3);
        lose_node(bench);
        bench.run(ticks_a_minute);
        EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
    }
}

TEST(Rollout, a_restart_begins_no_new_time_and_another_policy_does) {
    Bench bench(rolled_out("staging"));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(2 * ticks_a_minute + 10);
    bench.restart();
    bench.run(3);
    lose_node(bench);
    bench.run(ticks_a_minute);
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
    const auto before = bench.sent.size();
    bench.given().behaviour = "two";
    bench.restart();
    bench.run(3);
    EXPECT_EQ(told(bench, "were changed"), 2);
    lose_node(bench);
    bench.run(ticks_a_minute);
    EXPECT_EQ(bench.sent.size(), before) << bench.story();
}

// In the first cluster a start is in vain, and the node is put back.
TEST(Rollout, harm_where_it_acts_first_keeps_it_there) {
    LoopOptions given = rolled_out("lab");
    given.clusters.push_back({.name = "production"});
    Bench bench(given);
    bench.run(3);
    bench.on_send = [&](const Operation& operation) {
        obey(bench, operation);
        bench.text({job, "flink_job_state"}, "FAILED");
    };
    lose_node(bench);
    bench.run(4 * ticks_a_minute);
    ASSERT_TRUE(bench.incident().outcome == "worse" || bench.incident().outcome == "undone") << bench.story();
    EXPECT_EQ(told(bench, "acts in lab alone until it is changed again"), 1);
    bench.restart();
    Diagnosis elsewhere = task_stuck();
    elsewhere.subject.cluster = "production";
    bench.diagnoses = {elsewhere};
    bench.run(4 * ticks_a_minute);
    EXPECT_TRUE(std::ranges::none_of(bench.sent, [](const auto& one) { return one.cluster == "production"; }));
}

TEST(Rollout, a_person_may_begin_before_its_time) {
    Bench bench(rolled_out("staging"));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    bench.run(10);
    ASSERT_EQ(bench.incident().state, IncidentState::waiting_approval) << bench.story();
    bench.inbox.emplace_back(
        OperatorCommand{OperatorCommand::Kind::approve, bench.incident().action_id(), "I have looked", "ann"});
    bench.run(ticks_a_minute / 2);
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

}  // namespace
}  // namespace medic

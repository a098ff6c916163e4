// A node that served nobody when it was ended is not counted among those that were taken out of service, neither by the
// agent that ended it nor by the next one, which knows it from the journal.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"
#include "remediations/planning/conditions.h"

namespace medic {
namespace {

using namespace loop_bench;

const Subject forgotten{"lab", "taskmanager", "tm-2"};

std::vector<FactKey> needs_nothing(const Diagnosis&, const PlanningView&) { return {}; }

Result<Plan> fence(const Diagnosis& diagnosis, const PlanningView&) {
    Step step{.subject = node("tm-2"), .text = "fence tm-2", .operation = KillNode{"tm-2"}};
    step.precondition = {equals(forgotten, "flink_taskmanager_registered", 0)};
    step.done = {equals(node("tm-2"), "process_up", 0)};
    step.expectation = {.all = step.done, .within = Duration{10'000}};
    step.undo = "start tm-2 again";
    step.destroys = Destroys::availability;
    step.serves_nobody = diagnosis.facts.contains("serves_nobody");
    Plan plan;
    plan.summary = "fence tm-2";
    plan.steps = {step};
    return plan;
}

LoopOptions with_fence() {
    LoopOptions some = options(Mode::auto_);
    some.remedies.push_back({.name = "test.fence",
                             .what = "fences tm-2",
                             .destroys = Destroys::availability,
                             .cures = {{"test.forgotten"}},
                             .needs = needs_nothing,
                             .plan = fence});
    return some;
}

class ServesNobody : public testing::Test {
protected:
    ServesNobody() : bench(with_fence()) {
        bench.on_send = [this](const Operation& operation) { obey(bench, operation); };
        bench.set({forgotten, "flink_taskmanager_registered"}, 0);
    }
    // tm-2 is ended and started again by its service manager; then tm-1 freezes.
    void end_tm_2_then_freeze_tm_1(bool served_nobody, bool agent_restarts) {
        Diagnosis gone = node_lost();
        gone.cause = "test.forgotten";
        gone.subject = forgotten;
        gone.remedies = {"test.fence"};
        gone.facts = {{"node", "tm-2"}};
        if (served_nobody) gone.facts["serves_nobody"] = "true";
        bench.diagnoses = {gone};
        bench.run(10);
        ASSERT_EQ(bench.sent_operations(), std::vector<std::string>{"lab: kill-node tm-2"}) << bench.story();
        bench.diagnoses.clear();
        bench.set({node("tm-2"), "process_up"}, 1);
        bench.run(40);
        if (agent_restarts) bench.restart();
        Diagnosis frozen = node_lost();
        frozen.cause = "flink.taskmanager-frozen";
        frozen.since = bench.wall();
        bench.diagnoses = {frozen};
        bench.run(20);
    }
    [[nodiscard]] bool killed_tm_1() const {
        const auto sent = bench.sent_operations();
        return std::ranges::find(sent, "lab: kill-node tm-1") != sent.end();
    }

    Bench bench;
};

TEST_F(ServesNobody, its_end_takes_nothing_away) {
    end_tm_2_then_freeze_tm_1(true, false);
    EXPECT_TRUE(killed_tm_1()) << bench.story();
}

TEST_F(ServesNobody, neither_for_an_agent_that_has_just_started) {
    end_tm_2_then_freeze_tm_1(true, true);
    EXPECT_TRUE(killed_tm_1()) << bench.story();
}

// Half of three nodes is one.
TEST_F(ServesNobody, one_that_was_missed_counts) {
    end_tm_2_then_freeze_tm_1(false, false);
    EXPECT_FALSE(killed_tm_1()) << bench.story();
}

TEST_F(ServesNobody, and_counts_after_a_restart) {
    end_tm_2_then_freeze_tm_1(false, true);
    EXPECT_FALSE(killed_tm_1()) << bench.story();
}

}  // namespace
}  // namespace medic

// While replicas move, which may take half an hour, jobs and connectors are healed; other changes of brokers wait.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

const Subject broker{"lab", "broker", "2"};

FactKey moved(int portion) { return {broker, "portion_" + std::to_string(portion)}; }

Result<Plan> two_portions(const Diagnosis& /*diagnosis*/, const PlanningView& /*view*/) {
    Plan plan;
    plan.summary = "move two partitions";
    for (const int portion : {0, 1}) {
        Step step;
        step.subject = {"lab", "topic", "events"};
        step.text = "move events-" + std::to_string(portion);
        step.operation = AlterReassignments{{{.topic = "events", .partition = portion, .replicas = {1, 3}}}};
        step.expectation.all = {{.fact = moved(portion), .value = 1}};
        step.expectation.within = Duration{1'800'000};
        step.undo = "move it back";
        plan.steps.push_back(step);
    }
    return plan;
}

// Another change of Kafka, of which nothing is wrong but its time.
Result<Plan> one_election(const Diagnosis& /*diagnosis*/, const PlanningView& /*view*/) {
    Plan plan;
    plan.summary = "elect";
    Step step;
    step.subject = {"lab", "topic", "orders"};
    step.text = "elect the leader of orders-0";
    step.operation = ElectLeaders{{{.topic = "orders", .partition = 0}}};
    step.expectation.all = {{.fact = {broker, "elected"}, .value = 1}};
    step.undo = "elect the other one";
    plan.steps = {step};
    return plan;
}

Remedy remedy(const std::string& name, const std::string& cause,
              Result<Plan> (*plan)(const Diagnosis&, const PlanningView&)) {
    return {.name = name,
            .what = "for this test",
            .destroys = Destroys::nothing,
            .cures = {{cause}},
            .needs = [](const Diagnosis&, const PlanningView&) { return std::vector<FactKey>{}; },
            .plan = plan};
}

Diagnosis told(const std::string& cause, const Subject& subject, const std::string& remedy_name) {
    Diagnosis one = node_lost();
    one.cause = cause;
    one.subject = subject;
    one.remedies = {remedy_name};
    one.facts.clear();
    return one;
}

class MovingReplicas : public testing::Test {
protected:
    MovingReplicas() : bench(with_remedies()) {
        for (const int portion : {0, 1}) bench.set(moved(portion), 0);
        bench.set({broker, "elected"}, 0);
        bench.on_send = [&](const Operation& operation) {
            if (std::holds_alternative<AlterReassignments>(operation.body) ||
                std::holds_alternative<ElectLeaders>(operation.body))
                bench.reply(operation.key, std::string("ok"));
            else
                obey(bench, operation);
        };
        bench.run(3);
        bench.diagnoses = {told("kafka.disk-filling", broker, "kafka.test-moves")};
        for (int i = 0; i < 50 && sent("reassign") == 0; ++i) bench.tick();
        bench.run(4);
    }
    static LoopOptions with_remedies() {
        LoopOptions given = options(Mode::auto_);
        given.remedies.push_back(remedy("kafka.test-moves", "kafka.disk-filling", two_portions));
        given.remedies.push_back(remedy("kafka.test-election", "kafka.leaders-displaced", one_election));
        return given;
    }
    // How many operations of that kind have left.
    [[nodiscard]] std::ptrdiff_t sent(const std::string& kind) const {
        return std::ranges::count_if(bench.sent_operations(),
                                     [&](const std::string& one) { return one.find(kind) != std::string::npos; });
    }
    void lose_the_node_too() {
        const Diagnosis moves = bench.diagnoses.at(0);
        lose_node(bench);
        bench.diagnoses.push_back(moves);
    }
    [[nodiscard]] std::string outcome_of(const std::string& cause) {
        for (const Incident& one : bench.loop().incidents())
            if (one.diagnosis.cause == cause) return one.outcome;
        return "no such incident";
    }
    Bench bench;
};

TEST_F(MovingReplicas, JobsAreHealedMeanwhile) {
    ASSERT_EQ(sent("reassign"), 1) << bench.story();
    lose_the_node_too();
    bench.run(60);
    EXPECT_EQ(outcome_of("flink.taskmanager-lost"), "healed") << bench.story();
    bench.set(moved(0), 1);
    bench.run(20);
    EXPECT_EQ(sent("reassign"), 2) << bench.story();
}

TEST_F(MovingReplicas, WhatHasBegunMeanwhileEndsBeforeTheNextAreMoved) {
    bench.on_send = [&](const Operation& operation) {
        if (std::holds_alternative<KillNode>(operation.body)) bench.set(moved(0), 1);
        if (!std::holds_alternative<StartNode>(operation.body) || sent("start") > 1) return obey(bench, operation);
        bench.reply(operation.key, std::string("ok"));  // It takes its time to come up.
    };
    lose_the_node_too();
    bench.set({node("tm-1"), "process_up"}, 1);
    bench.diagnoses[0].cause = "flink.taskmanager-frozen";
    for (int i = 0; i < 60 && sent("start") == 0; ++i) bench.tick();
    ASSERT_EQ(sent("start"), 1) << bench.story();
    bench.run(10);
    EXPECT_EQ(sent("reassign"), 1) << bench.story();
    bench.set({node("tm-3"), "process_up"}, 1);
    bench.text({job, "flink_job_state"}, "RUNNING");
    bench.counts({job, "flink_subtask_records_in_total"});
    bench.run(80);
    EXPECT_EQ(outcome_of("flink.taskmanager-frozen"), "healed") << bench.story();
    EXPECT_EQ(sent("reassign"), 2) << bench.story();
}

TEST_F(MovingReplicas, OtherChangesOfKafkaWait) {
    bench.diagnoses.push_back(told("kafka.leaders-displaced", {"lab", "cluster", "lab"}, "kafka.test-election"));
    bench.run(60);
    EXPECT_EQ(sent("elect"), 0) << bench.story();
    bench.set(moved(0), 1);
    bench.run(10);
    bench.set(moved(1), 1);
    bench.diagnoses.erase(bench.diagnoses.begin());
    bench.run(20);
    EXPECT_EQ(sent("elect"), 1) << bench.story();
}

// It has not been heard of yet: whether it moves is not known.
TEST_F(MovingReplicas, NobodyPassesWhileTheRequestIsOnItsWay) {
    bench.set(moved(0), 1);
    bench.on_send = [](const Operation& /*operation*/) {};
    for (int i = 0; i < 20 && sent("reassign") == 1; ++i) bench.tick();
    ASSERT_EQ(sent("reassign"), 2) << bench.story();
    lose_the_node_too();
    bench.run(6);
    EXPECT_EQ(sent("start"), 0) << bench.story();
}

}  // namespace
}  // namespace medic

// Consumers are taken out of their groups only while their tasks are told to be where they died or hang: a new
// consumer of the same task calls itself the same.
#include "agent/store/connect_words.h"
#include "agent/store/fact_book.h"
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

const std::string lost = "10.0.0.1:8083", other = "10.0.0.2:8083";
const Subject lost_node{"lab", "node", "connect-1"};
const std::string kill = "lab: kill-node connect-1", start = "lab: start-node connect-1";

Subject task(const std::string& name) { return {"lab", "connector-task", name}; }

class Consumers : public RemedyTest {
protected:
    void told(const std::string& name, const std::string& worker) { fact(task(name), std::string(runs_on), 0, worker); }
    void add_worker() { view_.cluster.nodes.push_back({.name = "connect-2", .role = "connect-worker"}); }
    // What the step's precondition comes to when the tasks are where `places` say, and nobody says it of others.
    static Truth at_act(const Step& step, const std::map<std::string, std::string>& places) {
        FactBook book;
        book.record({lost_node, "process_up", 0, "", now}, now);
        book.record({task("orders/0"), "connect_task_state", 1, "RUNNING", now}, now);
        for (const auto& [name, worker] : places)
            book.record({task(name), std::string(runs_on), std::nullopt, worker, now}, now);
        return all_hold(step.precondition, book, {.now = now}).truth;
    }
};

class DeadConsumers : public Consumers {
protected:
    void SetUp() override {
        about("connect.worker-lost", {"lab", "worker", lost},
              {{"node", "connect-1"}, {"worker", lost}, {"sink_tasks", "audit/0,audit/1"}});
        fact({"lab", "group", "connect-audit"}, "kafka_group_members", 3);
    }
    Step removal() {
        const auto made = plan("node.start-again");
        EXPECT_TRUE(made && made->steps.size() == 3U);
        return made && made->steps.size() == 3U ? made->steps[1] : Step{};
    }
};

// Its rebalance delay was over before anybody agreed to the plan.
TEST_F(DeadConsumers, of_tasks_that_another_worker_runs_by_now_are_living_ones) {
    add_worker();
    told("audit/0", other);
    told("audit/1", other);
    EXPECT_EQ(operations("node.start-again"), (std::vector<std::string>{kill, start}));
}

TEST_F(DeadConsumers, are_those_of_tasks_that_are_still_the_lost_workers) {
    add_worker();
    told("audit/0", other);
    told("audit/1", lost);
    EXPECT_EQ(operations("node.start-again"),
              (std::vector<std::string>{kill, "lab: remove-group-members connector-consumer-audit-1 from connect-audit",
                                        start}));
    EXPECT_EQ(describe(removal().done.at(0)), "group/connect-audit kafka_group_members ≤ 2");
}

TEST_F(DeadConsumers, are_left_alone_once_a_task_has_moved_since_the_plan_was_made) {
    add_worker();
    told("audit/0", lost);
    told("audit/1", lost);
    const Step step = removal();
    EXPECT_EQ(at_act(step, {{"audit/0", lost}, {"audit/1", lost}}), Truth::yes);
    EXPECT_EQ(at_act(step, {{"audit/0", other}, {"audit/1", lost}}), Truth::no);
    EXPECT_EQ(at_act(step, {{"audit/0", lost}}), Truth::unknown);
    EXPECT_TRUE(step.optional) << "to be refused is to be passed over";
}

TEST_F(DeadConsumers, are_left_alone_while_nobody_tells_where_another_worker_may_run_their_tasks) {
    add_worker();
    const Step step = removal();
    EXPECT_EQ(at_act(step, {}), Truth::unknown);
    EXPECT_EQ(at_act(step, {{"audit/0", std::string(no_worker_answers)}, {"audit/1", lost}}), Truth::no)
        << "the way to all of them may be cut";
}

TEST_F(DeadConsumers, of_the_only_worker_are_dead_while_none_answers) {
    const std::string none(no_worker_answers);
    told("audit/0", none);
    told("audit/1", none);
    const Step step = removal();
    EXPECT_EQ(at_act(step, {{"audit/0", none}, {"audit/1", lost}}), Truth::yes);
    EXPECT_EQ(at_act(step, {{"audit/0", other}, {"audit/1", none}}), Truth::no) << "one that is not configured";
}

TEST_F(DeadConsumers, are_looked_up_with_where_their_tasks_run) {
    const Planner planner(remedies::all_remedies());
    const auto& all = planner.remedies();
    const auto remedy = std::ranges::find(all, "node.start-again", &Remedy::name);
    const auto keys = remedy->needs(diagnosis_, view_);
    EXPECT_NE(std::ranges::find(keys, runs_on_key(task("audit/1"))), keys.end());
}

class StuckConsumer : public Consumers {
protected:
    void SetUp() override {
        about("connect.task-stuck", task("orders/0"),
              {{"connector", "orders"}, {"task", "0"}, {"node", "connect-1"}, {"worker", lost}});
        node("connect-1").can_kill_task = false;
        fact({"lab", "group", "connect-orders"}, "kafka_group_members", 2);
    }
};

TEST_F(StuckConsumer, is_not_the_one_that_another_worker_has_begun) {
    told("orders/0", other);
    EXPECT_EQ(refusal("connect.replace-stuck-task"), ErrorCode::not_ready);
}

TEST_F(StuckConsumer, is_left_alone_once_the_task_has_moved_since_the_plan_was_made) {
    told("orders/0", lost);
    const auto made = plan("connect.replace-stuck-task");
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->steps.size(), 2U);
    EXPECT_EQ(at_act(made->steps[0], {{"orders/0", lost}}), Truth::yes);
    EXPECT_EQ(at_act(made->steps[0], {{"orders/0", other}}), Truth::no);
    EXPECT_EQ(at_act(made->steps[0], {}), Truth::unknown);
    EXPECT_EQ(describe(made->steps[1].skip_if.at(0)),
              "connector-task/orders/0 runs_on is not 10.0.0.1:8083 or no worker answers")
        << "there is nothing to start anew";
}

}  // namespace
}  // namespace medic

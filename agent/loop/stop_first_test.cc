// A task manager that is stopped in good order by a plan: what the analyzers see as somebody's planned work is ours.
#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

LoopOptions with_stop() {
    LoopOptions some = options(Mode::auto_);
    for (auto& one : some.clusters[0].nodes) one.can_stop = one.role == "taskmanager";
    return some;
}

class StopFirst : public testing::Test {
protected:
    StopFirst() : bench(with_stop()) {
        bench.text({job, "flink_job_state"}, "RESTARTING");
        Diagnosis blocked = node_lost();
        blocked.cause = "flink.connector-blocks-restart";
        blocked.subject = job;
        blocked.remedies = {"flink.kill-blocking-taskmanager"};
        bench.diagnoses = {blocked};
        bench.on_send = [this](const Operation& operation) {
            if (std::holds_alternative<StopNode>(operation.body)) {
                if (hears) bench.set({node("tm-1"), "process_up"}, 0);
                bench.under_way = {{node("tm-1"), "planned stop", "an operator", bench.wall()}};
                return bench.reply(operation.key, std::string("stopped"));
            }
            if (const auto* start = std::get_if<StartNode>(&operation.body); start != nullptr && !start->as_spare)
                bench.diagnoses.clear();
            obey(bench, operation);
        };
    }
    void expect_healed_by(const std::vector<std::string>& sent) {
        for (int i = 0; i < 150 && (bench.loop().incidents().empty() || bench.incident().outcome.empty()); ++i)
            bench.tick();
        auto names = bench.sent_names();
        names.resize(std::min(names.size(), sent.size()));
        EXPECT_EQ(names, sent) << bench.story();
        EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
    }

    bool hears = true;
    Bench bench;
};

TEST_F(StopFirst, our_own_stop_is_nobodys_planned_work) {
    expect_healed_by({"I1/1/1 lab: stop-node tm-1", "I1/3/1 lab: start-node tm-3"});
}

TEST_F(StopFirst, one_that_does_not_hear_is_killed) {
    hears = false;
    expect_healed_by({"I1/1/1 lab: stop-node tm-1", "I1/2/1 lab: kill-node tm-1", "I1/3/1 lab: start-node tm-3"});
}

TEST_F(StopFirst, one_that_was_not_stopped_and_is_well_again_is_not_killed) {
    bench.on_send = [this](const Operation& operation) {
        bench.diagnoses.clear();
        bench.reply(operation.key, fail(ErrorCode::unavailable, "connection refused"));
    };
    bench.run(60);
    EXPECT_EQ(bench.sent_names(), (std::vector<std::string>{"I1/1/1 lab: stop-node tm-1"})) << bench.story();
}

TEST_F(StopFirst, a_stop_of_the_same_node_by_an_operator_long_before_is_his) {
    bench.under_way = {{node("tm-1"), "planned stop", "ana", bench.wall() - Duration{120'000}}};
    bench.run(40);
    EXPECT_TRUE(bench.sent_names().empty()) << bench.story();
}

}  // namespace
}  // namespace medic

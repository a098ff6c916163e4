// A job manager of two in one cluster is started again: that the other one answers proves nothing.
#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

const FactKey own{{"lab", "flink", "a:8081"}, "flink_jobmanager_reachable"};
const FactKey other{{"lab", "flink", "b:8081"}, "flink_jobmanager_reachable"};

class LostJobManager : public testing::Test {
protected:
    LostJobManager() : bench(with_job_manager()) {
        bench.set(node_up, 0);
        bench.set(own, 0);
        bench.set(other, 1);
        bench.on_send = [this](const Operation& operation) {
            if (std::holds_alternative<StartNode>(operation.body)) bench.set(node_up, 1);
            bench.reply(operation.key, std::string("ok"));
        };
        Diagnosis gone = node_lost();
        gone.cause = "flink.jobmanager-lost";
        gone.subject = node_up.subject;
        gone.remedies = {"node.start-again"};
        gone.facts = {{"node", "jm-a"}, {"flink", "a:8081"}};
        bench.diagnoses = {gone};
        for (int i = 0; i < 60 && bench.sent.empty(); ++i) bench.tick();
    }
    static LoopOptions with_job_manager() {
        LoopOptions some = options(Mode::auto_);
        some.clusters[0].nodes.push_back(
            {.name = "jm-a", .role = "jobmanager", .can_start = true, .can_stop = true, .can_kill = true});
        return some;
    }
    const FactKey node_up{node("jm-a"), "process_up"};
    Bench bench;
};

TEST_F(LostJobManager, is_not_healed_because_the_other_one_answers) {
    ASSERT_EQ(bench.sent_operations(), std::vector<std::string>{"lab: start-node jm-a"}) << bench.story();
    bench.run(60);
    EXPECT_EQ(bench.incident().state, IncidentState::verifying) << bench.story();
    EXPECT_NE(bench.incident().outcome, "healed");
}

TEST_F(LostJobManager, is_healed_once_its_own_answers) {
    ASSERT_EQ(bench.sent.size(), 1U) << bench.story();
    bench.set(own, 1);
    bench.diagnoses.clear();
    bench.run(60);
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

}  // namespace
}  // namespace medic

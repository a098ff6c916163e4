// A cluster with several Flinks: what is done for one of them asks that one, and all where it is not known which it is.
#include "remediations/remedies/remedy_test_internal.h"

#include <algorithm>

namespace medic {
namespace {

using namespace remedy_test;

constexpr const char* reachable = "flink_jobmanager_reachable";
const Condition own_answers = equals({"lab", "flink", "a:8081"}, reachable, 1);
const Condition all_answer = equals({"lab", "cluster", "lab"}, reachable, 1);

class SeveralFlinks : public RemedyTest {
protected:
    SeveralFlinks() {
        view_.cluster.nodes.push_back({.name = "jm-a", .role = "jobmanager", .can_start = true, .can_kill = true});
        fact({"lab", "cluster", "lab"}, reachable, 0);
        fact({"lab", "flink", "a:8081"}, reachable, 1);
    }
    static bool has(const std::vector<Condition>& conditions, const Condition& wanted) {
        return std::ranges::any_of(conditions, [&](const Condition& one) { return describe(one) == describe(wanted); });
    }
};

TEST_F(SeveralFlinks, a_job_manager_that_was_started_is_asked_itself) {
    about("flink.jobmanager-lost", {"lab", "node", "jm-a"}, {{"node", "jm-a"}, {"flink", "a:8081"}});
    const auto made = plan("node.start-again");
    ASSERT_TRUE(made);
    EXPECT_TRUE(has(made->steps.back().expectation.all, own_answers));
    EXPECT_FALSE(has(made->steps.back().expectation.all, all_answer));
    Condition silent = own_answers;
    silent.value = 0;
    EXPECT_TRUE(has(made->steps.front().precondition, silent)) << "it is fenced though the other one answers";
}

TEST_F(SeveralFlinks, all_must_answer_where_it_is_not_known_which_was_started) {
    about("flink.jobmanager-lost", {"lab", "node", "jm-a"}, {{"node", "jm-a"}});
    const auto made = plan("node.start-again");
    ASSERT_TRUE(made);
    EXPECT_TRUE(has(made->steps.back().expectation.all, all_answer));
}

TEST_F(SeveralFlinks, a_task_manager_is_replaced_where_the_one_of_its_job_answers) {
    node("tm-3").spare = true;
    about("flink.taskmanager-lost", {"lab", "taskmanager", "tm-1"},
          {{"node", "tm-1"}, {"taskmanager", "tm-1"}, {"job", "fleet"}, {"flink", "a:8081"}});
    const auto made = plan("flink.replace-taskmanager");
    ASSERT_TRUE(made);
    for (const Step& step : made->steps) {
        EXPECT_TRUE(has(step.precondition, own_answers)) << step.text;
        EXPECT_FALSE(has(step.precondition, all_answer)) << step.text;
    }
}

}  // namespace
}  // namespace medic

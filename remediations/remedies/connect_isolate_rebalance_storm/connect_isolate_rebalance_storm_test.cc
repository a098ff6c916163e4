#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

constexpr const char* remedy = "connect.isolate-rebalance-storm";
const Subject flapping{"lab", "connector", "flapping"};

class IsolateRebalanceStorm : public RemedyTest {
protected:
    void SetUp() override {
        about("connect.rebalance-storm", flapping,
              {{"connector", "flapping"}, {"rebalances", "8"}, {"others", "sink,source"}, {"can_be_stopped", "true"}});
        fact(flapping, "connect_connector_state", 1, "RUNNING");
    }
};

TEST_F(IsolateRebalanceStorm, stops_it_alone_and_expects_the_others_to_run) {
    EXPECT_EQ(operations(remedy), std::vector<std::string>{"lab: stop-connector flapping"});
    const auto made = plan(remedy);
    const Step& step = made->steps.at(0);
    ASSERT_EQ(step.expectation.all.size(), 3U);
    EXPECT_EQ(step.expectation.all.at(1).fact, (FactKey{{"lab", "connector", "sink"}, "state_of_all"}));
    EXPECT_EQ(step.object, "connector:flapping");
    EXPECT_TRUE(step.idempotent);
    ASSERT_EQ(made->undo_steps.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<ResumeConnector>(made->undo_steps[0].operation));
    EXPECT_FALSE(made->left_to_person.empty());
    EXPECT_EQ(made->over_when.size(), 1U);
}
TEST_F(IsolateRebalanceStorm, pauses_it_where_a_worker_cannot_stop_it) {
    diagnosis_.facts["can_be_stopped"] = "false";
    EXPECT_EQ(operations(remedy), std::vector<std::string>{"lab: pause-connector flapping"});
}
TEST_F(IsolateRebalanceStorm, not_where_it_is_unknown_what_the_workers_can) {
    diagnosis_.facts.erase("can_be_stopped");
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}
TEST_F(IsolateRebalanceStorm, not_one_that_stands_already) {
    view_.facts[0].text = "STOPPED";
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}
TEST_F(IsolateRebalanceStorm, waits_until_its_state_is_known) {
    view_.facts.clear();
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
}

}  // namespace
}  // namespace medic

// Nodes that people keep out of use.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop.h"
#include "agent/loop/loop_bench.h"
#include "agent/loop/request.h"

namespace medic {
namespace {

using namespace loop_bench;

OperatorCommand about(OperatorCommand::Kind kind, const std::string& node) {
    OperatorCommand command{.kind = kind, .target = "lab", .reason = "its disk", .by = "ann"};
    command.nodes = {node};
    return command;
}

struct Cordoned : testing::Test {
    Cordoned() : bench(options(Mode::auto_)) {
        bench.on_send = [this](const Operation& operation) { obey(bench, operation); };
        bench.run(3);
    }
    void keep_out(const std::string& node) {
        bench.inbox.emplace_back(about(OperatorCommand::Kind::cordon, node));
        bench.run(2);
    }
    Bench bench;
};

TEST_F(Cordoned, ASpareIsNotTakenAndTheLostNodeIsStartedAgain) {
    keep_out("tm-3");
    ASSERT_EQ(bench.loop().cordons().size(), 1U);
    lose_node(bench);
    bench.run(60);
    EXPECT_EQ(bench.sent_operations(), (std::vector<std::string>{"lab: start-node tm-1"}));
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

TEST_F(Cordoned, ALostNodeIsReplacedAndDoesNotComeBackAsASpare) {
    keep_out("tm-1");
    lose_node(bench);
    bench.run(60);
    EXPECT_EQ(bench.sent_operations(), (std::vector<std::string>{"lab: start-node tm-3"}));
    EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
}

TEST_F(Cordoned, WithoutAnotherAPersonIsAskedWhoKeepsIt) {
    keep_out("tm-1");
    keep_out("tm-3");
    lose_node(bench);
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(bench.incident().state, IncidentState::escalated);
    EXPECT_TRUE(bench.story().contains("kept out of use by ann (its disk)")) << bench.story();
}

TEST_F(Cordoned, ARestartForgetsNoneAndItEndsWhenAPersonSaysSo) {
    keep_out("tm-3");
    bench.restart();
    bench.run(3);
    ASSERT_EQ(bench.loop().cordons().size(), 1U);
    EXPECT_EQ(bench.loop().cordons()[0].reason, "its disk");
    bench.inbox.emplace_back(about(OperatorCommand::Kind::uncordon, "tm-3"));
    bench.run(2);
    EXPECT_TRUE(bench.loop().cordons().empty());
    bench.restart();
    EXPECT_TRUE(bench.loop().cordons().empty());
}

TEST_F(Cordoned, ANodeThatNobodyKnowsIsSaidToBeNone) {
    keep_out("tm-9");
    EXPECT_TRUE(bench.loop().cordons().empty());
    EXPECT_TRUE(bench.last_answer().contains("no node tm-9")) << bench.last_answer();
}

TEST(NodesToRoll, LeaveOutWhatIsKeptOutOfUse) {
    ClusterInfo lab{.name = "lab"};
    for (const char* name : {"broker-1", "broker-2"})
        lab.nodes.push_back({.name = name, .role = "broker", .can_start = true, .can_stop = true});
    const ClusterInfo seen = with_cordons(lab, {{"lab", "broker-2", "its disk", "ann", {}}});
    EXPECT_EQ(*nodes_to_roll(seen, "broker", {}), std::vector<std::string>{"broker-1"});
    const auto named = nodes_to_roll(seen, "broker", {"broker-2"});
    ASSERT_FALSE(named);
    EXPECT_TRUE(named.error().message.contains("ann (its disk)")) << named.error().message;
    EXPECT_EQ(nodes_to_roll(with_cordons(lab, {{"other", "broker-2", "", "ann", {}}}), "broker", {})->size(), 2U);
}

}  // namespace
}  // namespace medic

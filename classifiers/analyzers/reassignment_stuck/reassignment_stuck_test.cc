#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int away_at = 60, minutes = 60;

struct Move {
    int begins = 30, ends = 1'000, back = 1'000;
    bool told = true, listed = true;
    std::optional<double> process_up{}, logs_to_recover{};
};

Scene moving(const Move& what) {
    Scene scene;
    if (what.listed)
        scene.constant("kafka_broker_up", {{"broker", "1"}}, 1)
            .series("kafka_broker_up", {{"broker", "3"}},
                    [=](int s) { return s < away_at || s >= what.back ? 1.0 : 0.0; });
    if (what.told)
        scene.constant("kafka_broker_replicas_adding", {{"broker", "1"}}, 4)
            .series("kafka_broker_replicas_adding", {{"broker", "3"}},
                    [=](int s) { return s >= what.begins && s < what.ends ? 2.0 : 0.0; });
    if (what.process_up)
        scene.attribute(Scene::lab("broker", "3"), "node", "kafka-3")
            .constant("process_up", {{"node", "kafka-3"}, {"role", "broker"}}, *what.process_up);
    if (what.logs_to_recover) scene.constant("kafka_broker_logs_to_recover", {{"broker", "3"}}, *what.logs_to_recover);
    return scene;
}

TEST(ReassignmentStuck, IsToldWhenItsTargetHasBeenAwayForMinutes) {
    const auto found = moving({}).findings("reassignment-stuck", away_at + 3 * minutes + 5);
    ASSERT_EQ(found.size(), 1U) << "broker 1 gets its replicas";
    EXPECT_EQ(found[0].subject, Scene::lab("broker", "3"));
    EXPECT_EQ(found[0].fields.at("replicas"), "2");
    EXPECT_EQ(found[0].evidence.size(), 2U);
}

TEST(ReassignmentStuck, ABrokerThatIsAwayForAMomentIsWaitedFor) {
    EXPECT_TRUE(moving({}).findings("reassignment-stuck", away_at + 2 * minutes).empty());
    EXPECT_TRUE(moving({.back = away_at + 2 * minutes}).findings("reassignment-stuck", away_at + 4 * minutes).empty());
}

TEST(ReassignmentStuck, AMoveThatBeganAMomentAgoIsWaitedFor) {
    EXPECT_TRUE(moving({.begins = 200}).findings("reassignment-stuck", away_at + 4 * minutes).empty());
}

TEST(ReassignmentStuck, AMoveThatIsOverIsNone) {
    EXPECT_TRUE(moving({.ends = 200}).findings("reassignment-stuck", away_at + 4 * minutes).empty());
}

TEST(ReassignmentStuck, ABrokerThatStartsIsWaitedForHoweverLongItTakes) {
    constexpr int long_after = away_at + 10 * minutes;
    EXPECT_TRUE(moving({.process_up = 1}).findings("reassignment-stuck", long_after).empty());
    EXPECT_TRUE(moving({.logs_to_recover = 12}).findings("reassignment-stuck", long_after).empty());
    EXPECT_EQ(moving({.process_up = 0}).findings("reassignment-stuck", long_after).size(), 1U);
    EXPECT_EQ(moving({.logs_to_recover = 0}).findings("reassignment-stuck", long_after).size(), 1U);
    Scene not_looked_at = moving({});
    not_looked_at.attribute(Scene::lab("broker", "3"), "node", "kafka-3");
    EXPECT_TRUE(not_looked_at.findings("reassignment-stuck", long_after).empty())
        << "nobody sees whether its process is there";
}

TEST(ReassignmentStuck, NothingWhereTheFactsAreMissing) {
    EXPECT_TRUE(moving({.told = false}).findings("reassignment-stuck", away_at + 4 * minutes).empty());
    EXPECT_TRUE(moving({.listed = false}).findings("reassignment-stuck", away_at + 4 * minutes).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int away_at = 60, minutes = 60;

struct Move {
    int begins = 30, ends = 1'000, back = 1'000;
    bool told = true, listed = true;
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

TEST(ReassignmentStuck, NothingWhereTheFactsAreMissing) {
    EXPECT_TRUE(moving({.told = false}).findings("reassignment-stuck", away_at + 4 * minutes).empty());
    EXPECT_TRUE(moving({.listed = false}).findings("reassignment-stuck", away_at + 4 * minutes).empty());
}

}  // namespace
}  // namespace medic::analyzers

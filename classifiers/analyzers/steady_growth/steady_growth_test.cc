#include <gtest/gtest.h>

#include <cmath>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int forty_minutes = 2'400;
constexpr double mib = 1 << 20;

Scene state(const Scene::Shape& size, double records_growth = 0, bool load_known = true) {
    Scene scene;
    scene.series("flink_checkpoint_last_size_bytes", {{"job", "fleet"}}, size);
    if (load_known)
        scene.series("flink_subtask_records_in_total",
                     {{"job", "fleet"}, {"vertex", "count"}, {"subtask", "0"}, {"taskmanager", "tm-1"}},
                     [=](int s) { return 100.0 * s + records_growth * s * s; });
    return scene;
}

double rising(int second) { return (100 + second * 0.2) * mib; }

TEST(SteadyGrowth, StateThatRisesWithoutMoreLoad) {
    const auto found = state(rising).findings("state-growth", forty_minutes);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("job", "fleet"));
    EXPECT_NEAR(std::stod(found[0].fields.at("bytes_per_hour")), 0.2 * 3600 * mib, 0.02 * 0.2 * 3600 * mib);
}

TEST(SteadyGrowth, StateThatLevelsOutIsNone) {
    const auto levels = [](int s) { return (100 + std::min(s, 900) * 0.2) * mib; };
    EXPECT_TRUE(state(levels).findings("state-growth", forty_minutes).empty());
}

TEST(SteadyGrowth, SawToothIsNone) {
    const auto saw = [](int s) { return (100 + (s % 600) * 0.5) * mib; };
    EXPECT_TRUE(state(saw).findings("state-growth", forty_minutes).empty());
}

TEST(SteadyGrowth, StateThatFollowsTheLoadIsNone) {
    EXPECT_TRUE(state(rising, 0.2).findings("state-growth", forty_minutes).empty());
}

TEST(SteadyGrowth, NothingBeforeHalfAnHourOrWithoutTheLoad) {
    EXPECT_TRUE(state(rising).findings("state-growth", 1'200).empty());
    EXPECT_TRUE(state(rising, 0, false).findings("state-growth", forty_minutes).empty());
}

// Level at first; then a mebibyte a second more.
double leaves_level(int second) { return (20 + std::max(0, second - 600)) * mib; }

TEST(SteadyGrowth, StateThatLeavesItsLevelIsToldAfterTwoMinutes) {
    EXPECT_TRUE(state(leaves_level).findings("state-growth", 600).empty());
    const auto found = state(leaves_level).findings("state-growth", 720);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("job", "fleet"));
    EXPECT_NEAR(std::stod(found[0].fields.at("bytes_per_hour")), 3600 * mib, 0.1 * 3600 * mib);
}

TEST(SteadyGrowth, WhateverTheTimeSinceItLeftItsLevel) {
    for (int minutes = 3; minutes <= 9; ++minutes)
        EXPECT_EQ(state(leaves_level).findings("state-growth", 600 + 60 * minutes).size(), 1U) << minutes;
}

TEST(SteadyGrowth, StateThatBeganWithItsJobHasNoLevelYet) {
    const auto begins = [](int s) { return (1 + s) * mib; };
    EXPECT_TRUE(state(begins).findings("state-growth", 1'200).empty());
}

TEST(SteadyGrowth, ANewLevelIsNone) {
    const auto steps = [](int s) { return (s < 600 ? 20 : 200) * mib; };
    for (const int second : {630, 660, 720, 900}) EXPECT_TRUE(state(steps).findings("state-growth", second).empty());
}

TEST(SteadyGrowth, StateThatLeavesItsLevelWithTheLoadIsNone) {
    Scene scene = state(leaves_level, 0, false);
    scene.series("flink_subtask_records_in_total",
                 {{"job", "fleet"}, {"vertex", "count"}, {"subtask", "0"}, {"taskmanager", "tm-1"}},
                 [](int s) { return 100.0 * s + 100.0 * std::max(0, s - 600); });
    EXPECT_TRUE(scene.findings("state-growth", 720).empty());
    EXPECT_TRUE(state(leaves_level, 0, false).findings("state-growth", 720).empty());
}

TEST(SteadyGrowth, DescriptorsOfATaskManagerOrWorkerButNotOfABroker) {
    const auto node = [](const char* role) {
        Scene scene;
        scene.series("process_open_file_descriptors", {{"node", "n-1"}, {"role", role}},
                     [](int s) { return 150 + s * 0.3; });
        return scene;
    };
    EXPECT_EQ(node("taskmanager").findings("taskmanager-leaks-descriptors", forty_minutes).size(), 1U);
    EXPECT_EQ(node("connect-worker").findings("connect-worker-leaks-descriptors", forty_minutes).size(), 1U);
    EXPECT_TRUE(node("broker").findings("taskmanager-leaks-descriptors", forty_minutes).empty());
}

TEST(SteadyGrowth, FewMoreDescriptorsAreNone) {
    Scene scene;
    scene.series("process_open_file_descriptors", {{"node", "n-1"}, {"role", "taskmanager"}},
                 [](int s) { return 50 + s * 0.05; });
    EXPECT_TRUE(scene.findings("taskmanager-leaks-descriptors", forty_minutes).empty());
}

}  // namespace
}  // namespace medic::analyzers

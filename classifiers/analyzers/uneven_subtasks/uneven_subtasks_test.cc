#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

struct Shape {
    double hot_busy = 0.98, hot_rate = 900, sibling_busy = 0.2, sibling_rate = 100, source_held_up = 0.7;
    bool rates_known = true;
};

Scene job(const Shape& shape) {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    for (int i = 0; i < 4; ++i) {
        const auto at = [&](const char* vertex) -> std::vector<LabelPair> {
            return {{"job", "fleet"},
                    {"vertex", vertex},
                    {"subtask", std::to_string(i)},
                    {"taskmanager", i == 2 ? "tm-9" : "tm-1"}};
        };
        scene.constant("flink_subtask_busy_ratio", at("count"), i == 2 ? shape.hot_busy : shape.sibling_busy)
            .constant("flink_subtask_backpressured_ratio", at("count"), 0)
            .constant("flink_subtask_busy_ratio", at("source"), 0.1)
            .constant("flink_subtask_backpressured_ratio", at("source"), shape.source_held_up);
        if (shape.rates_known)
            scene.counter("flink_subtask_records_in_total", at("count"), i == 2 ? shape.hot_rate : shape.sibling_rate);
    }
    return scene;
}

TEST(UnevenSubtasks, HotKeyIsToldByItsSubtasksShare) {
    const auto found = job({}).findings("data-skew", 200);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("job", "fleet"));
    EXPECT_EQ(found[0].fields.at("vertex"), "count");
    EXPECT_EQ(found[0].fields.at("subtask"), "2");
    EXPECT_TRUE(job({}).findings("subtask-slow", 200).empty());
}

TEST(UnevenSubtasks, SameShareAndYetBusyIsASlowPlace) {
    const Shape slow{.hot_rate = 100};
    const auto found = job(slow).findings("subtask-slow", 200);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("taskmanager"), "tm-9");
    EXPECT_TRUE(job(slow).findings("data-skew", 200).empty());
}

TEST(UnevenSubtasks, EvenWorkIsNone) {
    EXPECT_TRUE(job({.sibling_busy = 0.9, .sibling_rate = 850}).findings("data-skew", 200).empty());
}

TEST(UnevenSubtasks, SkewThatHoldsNobodyUpIsNone) {
    EXPECT_TRUE(job({.hot_busy = 0.88, .source_held_up = 0}).findings("data-skew", 200).empty());
}

// Buffers hide it from the source for minutes.
TEST(UnevenSubtasks, SubtaskThatHardlyRestsIsToldBeforeAnybodyIsHeldUp) {
    const auto found = job({.source_held_up = 0}).findings("data-skew", 200);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("subtask"), "2");
    EXPECT_EQ(job({.hot_busy = 1, .sibling_rate = 0, .source_held_up = 0}).findings("data-skew", 200).size(), 1U);
    EXPECT_TRUE(job({.hot_rate = 300, .source_held_up = 0}).findings("data-skew", 200).empty())
        << "three times is not many";
    EXPECT_TRUE(job({.hot_rate = 100, .source_held_up = 0}).findings("subtask-slow", 200).empty());
    EXPECT_TRUE(job({.source_held_up = 0, .rates_known = false}).findings("data-skew", 200).empty());
}

TEST(UnevenSubtasks, JobThatJustStartedIsGivenTime) { EXPECT_TRUE(job({}).findings("data-skew", 100).empty()); }

TEST(UnevenSubtasks, NothingWithoutTheRates) {
    EXPECT_TRUE(job({.rates_known = false}).findings("data-skew", 200).empty());
    EXPECT_TRUE(job({.rates_known = false}).findings("subtask-slow", 200).empty());
}

}  // namespace
}  // namespace medic::analyzers

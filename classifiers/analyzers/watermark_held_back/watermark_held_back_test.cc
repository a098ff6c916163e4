#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

struct Shape {
    double idle_rate = 0, other_rate = 50, lag_growth = 1;
    bool watermarks = true, counters = true;
};

Scene job(const Shape& shape) {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    if (shape.watermarks)
        scene.series("flink_job_watermark_lag_seconds", {{"job", "fleet"}},
                     [=](int s) { return 5 + std::max(0, s - 30) * shape.lag_growth; });
    for (int i = 0; i < 3; ++i) {
        const auto at = [&](const char* vertex) -> std::vector<LabelPair> {
            return {{"job", "fleet"}, {"vertex", vertex}, {"subtask", std::to_string(i)}, {"taskmanager", "tm-1"}};
        };
        if (!shape.counters) continue;
        scene
            .counter("flink_subtask_records_out_total", at("Source: events"),
                     i == 1 ? shape.idle_rate : shape.other_rate)
            .constant("flink_subtask_records_in_total", at("Source: events"), 0)
            .counter("flink_subtask_records_out_total", at("window"), 0)
            .counter("flink_subtask_records_in_total", at("window"), 20);
    }
    return scene;
}

TEST(WatermarkHeldBack, NamesTheIdleSubtaskOfTheSource) {
    const auto found = job({}).findings("watermark-held-back", 120);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("vertex"), "Source: events");
    EXPECT_EQ(found[0].fields.at("subtasks"), "1");
    EXPECT_EQ(found[0].since, Scene::at(30));
}

TEST(WatermarkHeldBack, WindowThatEmitsNothingYetIsNoIdleSource) {
    EXPECT_TRUE(job({.idle_rate = 50}).findings("watermark-held-back", 120).empty());
}

TEST(WatermarkHeldBack, SourceWithoutAnyRecordsIsIdle) {
    EXPECT_TRUE(job({.other_rate = 0}).findings("watermark-held-back", 120).empty());
}

TEST(WatermarkHeldBack, LateButMovingIsNone) {
    EXPECT_TRUE(job({.lag_growth = 0.2}).findings("watermark-held-back", 120).empty());
}

TEST(WatermarkHeldBack, NothingWithoutWatermarksOrCounters) {
    EXPECT_TRUE(job({.watermarks = false}).findings("watermark-held-back", 120).empty());
    EXPECT_TRUE(job({.counters = false}).findings("watermark-held-back", 120).empty());
}

}  // namespace
}  // namespace medic::analyzers

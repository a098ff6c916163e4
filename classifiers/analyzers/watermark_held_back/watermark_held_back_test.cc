#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

struct Shape {
    double idle_rate = 0, other_rate = 50, lag_growth = 1;
    bool watermarks = true, counters = true;
    int looked_at_every = 1;  // Seconds; in between the same is told again.
    int stops_growing = 1 << 20;
};

Scene job(const Shape& shape) {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    if (shape.watermarks)
        scene.series("flink_job_watermark_lag_seconds", {{"job", "fleet"}}, [=](int s) {
            const int look = std::min(s - s % shape.looked_at_every, shape.stops_growing);
            return 5 + std::max(0, look - 30) * shape.lag_growth;
        });
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
    EXPECT_EQ(found[0].since, Scene::at(31)) << "the first look that saw it stand";
}

TEST(WatermarkHeldBack, LagThatIsToldAgainBetweenLooksGrowsInSteps) {
    for (const int second : {110, 114, 119}) {
        const auto found = job({.looked_at_every = 10}).findings("watermark-held-back", second);
        ASSERT_EQ(found.size(), 1U) << second;
        EXPECT_EQ(found[0].since, Scene::at(40));
    }
    EXPECT_TRUE(job({.looked_at_every = 10}).findings("watermark-held-back", 95).empty()) << "not for a minute yet";
    EXPECT_TRUE(job({.lag_growth = 0.5, .looked_at_every = 10}).findings("watermark-held-back", 120).empty());
}

TEST(WatermarkHeldBack, LagThatStaysIsAWatermarkThatMoves) {
    EXPECT_TRUE(job({.lag_growth = 0, .looked_at_every = 10}).findings("watermark-held-back", 200).empty());
    EXPECT_TRUE(job({.looked_at_every = 10, .stops_growing = 120}).findings("watermark-held-back", 200).empty())
        << "it stood, and goes on";
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

// A job that was deployed anew at second 60 and reads a quiet partition, too: its tasks have no watermark any more. The
// task managers' pages are read once a minute.
struct Anew {
    bool watermarks_before = true, pages = true;
    std::string window = "total";
    double quiet_rate = 0, other_rate = 50;
    int without = 2;
};

Scene deployed_anew(const Anew& anew) {
    Scene scene;
    const std::string name = "order-totals";
    scene.constant("flink_job_state", {{"job", name}, {"state", "RUNNING"}}, 1);
    scene.constant("flink_subtask_records_in_total", {{"job", name}, {"vertex", anew.window}, {"subtask", "0"}}, 20);
    if (anew.watermarks_before)
        scene.series("flink_job_watermark_lag_seconds", {{"job", name}},
                     [](int s) { return s < 60 ? std::optional<double>(3) : std::nullopt; });
    scene.series("flink_job_subtasks_without_watermark", {{"job", name}},
                 [=](int s) { return s < 60 ? 0.0 : anew.without; });
    if (!anew.pages) return scene;
    scene.attribute(Scene::lab("topic", "orders-quiet"), "partitions", "1");
    const auto offset = [&](const char* topic, double rate) {
        scene.series("flink_source_partition_offset",
                     {{"job", "order_totals"}, {"topic", topic}, {"partition", "0"}, {"subtask", "0"}},
                     [=](int s) { return s % 60 == 5 ? std::optional<double>(s * rate - 1) : std::nullopt; });
    };
    offset("orders", anew.other_rate);
    offset("orders_quiet", anew.quiet_rate);
    return scene;
}

constexpr int later = 200;

TEST(WatermarkHeldBack, NamesTheQuietPartitionOfAJobWithoutItsFirstWatermark) {
    const auto found = deployed_anew({}).findings("watermark-held-back", later);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("partitions"), "orders-quiet-0");
    EXPECT_EQ(found[0].since, Scene::at(60));
    EXPECT_TRUE(deployed_anew({}).findings("watermark-held-back", 115).empty()) << "it may still come";
}

TEST(WatermarkHeldBack, JobThatNeverHadWatermarksMayNotWantAny) {
    EXPECT_TRUE(deployed_anew({.watermarks_before = false}).findings("watermark-held-back", later).empty());
    EXPECT_EQ(deployed_anew({.watermarks_before = false, .window = "TumblingEventTimeWindows"})
                  .findings("watermark-held-back", later)
                  .size(),
              1U);
}

TEST(WatermarkHeldBack, PartitionsThatAllGiveOrAllAreQuietHoldNothingBack) {
    EXPECT_TRUE(deployed_anew({.quiet_rate = 50}).findings("watermark-held-back", later).empty());
    EXPECT_TRUE(deployed_anew({.other_rate = 0}).findings("watermark-held-back", later).empty());
}

TEST(WatermarkHeldBack, NothingWithoutPagesOrWhereAllHaveWatermarks) {
    EXPECT_TRUE(deployed_anew({.pages = false}).findings("watermark-held-back", later).empty());
    EXPECT_TRUE(deployed_anew({.without = 0}).findings("watermark-held-back", later).empty());
}

}  // namespace
}  // namespace medic::analyzers

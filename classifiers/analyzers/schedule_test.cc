#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

TEST(AnalyzerSchedule, SlowAnalyzersAnswerHoldsUntilTheirNextTurn) {
    Scene scene;
    const std::vector<LabelPair> group{{"topic", "events"}, {"partition", "0"}, {"group", "billing"}};
    scene.constant("kafka_group_committed_offset", group, 10)
        .constant("kafka_group_members", {{"group", "billing"}}, 1)
        .constant("kafka_partition_log_start_offset", {{"topic", "events"}, {"partition", "0"}}, 20);
    AnalyzerSchedule schedule;
    const auto asked = [&](int seconds) {
        return scene.after(seconds, [&](const View& view, const Now& now) { return schedule.analyze(view, now); });
    };
    EXPECT_EQ(asked(30).size(), 1U);
    Scene empty;
    const auto without = [&](int seconds) {
        return empty.after(seconds, [&](const View& view, const Now& now) { return schedule.analyze(view, now); });
    };
    EXPECT_EQ(without(60).size(), 1U) << "asked again before its turn";
    EXPECT_TRUE(without(95).empty()) << "an old answer was kept after its turn";
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

TEST(AnalyzerSchedule, SlowAnalyzersAnswerHoldsUntilTheirNextTurn) {
    Scene scene;
    const std::vector<LabelPair> group{{"topic", "events"}, {"partition", "0"}, {"group", "billing"}};
    scene.series("kafka_group_committed_offset", group, [](int s) { return s < 5 ? 9.0 : 10.0; })
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

// A sink that hangs from second 60 on, and moves again from second `again` on.
Scene hung_sink(int again = 1 << 20) {
    Scene scene;
    const std::vector<LabelPair> task{{"connector", "orders"}, {"task", "0"}, {"worker", "w:8083"}};
    const std::vector<LabelPair> partition{{"group", "connect-orders"}, {"topic", "orders"}, {"partition", "0"}};
    auto running = task;
    running.emplace_back("state", "RUNNING");
    const auto moved = [=](int s) { return 50.0 * (s < again ? std::min(s, 60) : s); };
    scene.constant("connect_task_state", running, 1)
        .series("connect_task_records_total", task, moved)
        .series("connect_task_process_cpu_seconds_total", task, moved)
        .series("kafka_group_committed_offset", partition, moved)
        .series("kafka_group_lag_records", partition, [](int s) { return s > 60 ? 50.0 : 0.0; })
        .counter("kafka_partition_log_end_offset", {{"topic", "orders"}, {"partition", "0"}}, 50)
        .constant("kafka_broker_up", {{"broker", "1"}}, 1)
        .constant("kafka_broker_reachable", {{"broker", "1"}}, 1)
        .attribute(Scene::lab("connector", "orders"), "type", "sink");
    return scene;
}

TEST(AnalyzerSchedule, WhatWasToldStandsWhileOnlyLooksAreMissing) {
    AnalyzerSchedule schedule, newcomer;
    const auto told = [](AnalyzerSchedule& by, int seen, int second) {
        return hung_sink().after(seen, [&](const View& view, const Now& now) {
            const Duration unseen{(second - seen) * 1'000};
            return by.analyze(view, {now.monotonic + unseen, now.wall + unseen});
        });
    };
    EXPECT_EQ(told(schedule, 70, 70).size(), 1U);
    EXPECT_EQ(told(schedule, 80, 100).size(), 1U) << "nobody has looked for 20 s";
    EXPECT_TRUE(told(newcomer, 80, 100).empty()) << "nothing new is told of what nobody sees";
    EXPECT_EQ(told(schedule, 80, 120).size(), 1U);
    EXPECT_TRUE(told(schedule, 80, 126).empty()) << "nobody has looked for longer than it may stand";
}

TEST(AnalyzerSchedule, WhatIsSeenToBeOverIsNotToldOn) {
    AnalyzerSchedule schedule;
    const auto told = [&](int second) {
        return hung_sink(80).after(second,
                                   [&](const View& view, const Now& now) { return schedule.analyze(view, now); });
    };
    EXPECT_EQ(told(70).size(), 1U);
    EXPECT_TRUE(told(82).empty());
}

}  // namespace
}  // namespace medic::analyzers

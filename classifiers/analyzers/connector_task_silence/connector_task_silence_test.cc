#include <gtest/gtest.h>

#include <algorithm>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 60;
const std::vector<LabelPair> task{{"connector", "orders"}, {"task", "0"}, {"worker", "w:8083"}};
const std::vector<LabelPair> partition{{"group", "connect-orders"}, {"topic", "orders"}, {"partition", "0"}};

std::vector<LabelPair> running() {
    auto labels = task;
    labels.emplace_back("state", "RUNNING");
    return labels;
}

// Broker 1 answers all the while; broker 2 not from second `away` to `back`.
void brokers(Scene& scene, int away = 1 << 20, int back = 1 << 20) {
    scene.constant("kafka_broker_up", {{"broker", "1"}}, 1)
        .constant("kafka_broker_up", {{"broker", "2"}}, 1)
        .constant("kafka_broker_reachable", {{"broker", "1"}}, 1)
        .series("kafka_broker_reachable", {{"broker", "2"}}, [=](int s) { return s >= away && s < back ? 0.0 : 1.0; });
}

struct Shape {
    int records_stop = fault, cpu_stop = fault, lag_from = fault;
    bool cpu_known = true, lag_known = true, brokers_known = true;
    int page_every = 1;  // Seconds.
};

Scene sink(const Shape& shape) {
    Scene scene;
    const auto on_page = [=](int s) {
        return s % shape.page_every == 0 ? std::optional(50.0 * std::min(s, shape.records_stop)) : std::nullopt;
    };
    scene.constant("connect_task_state", running(), 1)
        .series("connect_task_polls_total", task, on_page)
        .series("connect_task_records_total", task, on_page)
        .attribute(Scene::lab("connector", "orders"), "type", "sink")
        .attribute(Scene::lab("worker", "w:8083"), "node", "connect-1");
    if (shape.brokers_known) brokers(scene);
    if (shape.cpu_known) scene.counter("connect_task_process_cpu_seconds_total", task, 0.05, shape.cpu_stop);
    if (shape.lag_known) {
        scene.counter("kafka_group_committed_offset", partition, 50, shape.records_stop)
            .series("kafka_group_lag_records", partition,
                    [=](int s) { return s > shape.lag_from ? 50.0 * (s - shape.lag_from) : 0.0; })
            .series("kafka_partition_log_end_offset", {{"topic", "orders"}, {"partition", "0"}},
                    [=](int s) { return 50.0 * (std::min(s, shape.records_stop) + std::max(0, s - shape.lag_from)); });
    }
    return scene;
}

TEST(ConnectorTaskSilence, StuckSinkWithRecordsWaiting) {
    const auto found = sink({}).findings("connector-task-silent", fault + 6);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("connector-task", "orders/0"));
    EXPECT_EQ(found[0].fields.at("node"), "connect-1");
    EXPECT_EQ(found[0].fields.at("task"), "0");
    EXPECT_EQ(found[0].since, Scene::at(fault));
}

TEST(ConnectorTaskSilence, IdleIsNotStuck) {
    EXPECT_TRUE(sink({.lag_from = 1 << 20}).findings("connector-task-silent", fault + 120).empty());
}

TEST(ConnectorTaskSilence, SlowButWorkingProcessIsNotStuck) {
    EXPECT_TRUE(sink({.cpu_stop = 1 << 20}).findings("connector-task-silent", fault + 60).empty());
}

TEST(ConnectorTaskSilence, LagAloneWithProgressIsNotStuck) {
    EXPECT_TRUE(
        sink({.records_stop = 1 << 20, .cpu_stop = 1 << 20}).findings("connector-task-silent", fault + 60).empty());
}

TEST(ConnectorTaskSilence, NothingWithoutKafkasView) {
    EXPECT_TRUE(sink({.lag_known = false}).findings("connector-task-silent", fault + 60).empty());
}

TEST(ConnectorTaskSilence, RecordsInItsHandsTellBeforeTheFirstCommit) {
    Scene stuck = sink({.lag_known = false});
    stuck.series("connect_task_records_active", task, [](int s) { return s >= fault ? 7.0 : 0.0; });
    const auto found = stuck.findings("connector-task-silent", fault + 8);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("connector-task", "orders/0"));
    Scene idle = sink({.lag_known = false});
    idle.constant("connect_task_records_active", task, 0);
    EXPECT_TRUE(idle.findings("connector-task-silent", fault + 60).empty());
}

// Before its first commit a sink has no lag: what tells is that records come in and are not read.
Scene young_sink(int records_stop, double offered_per_second, double heartbeat_cpu) {
    Scene scene = sink({.records_stop = records_stop, .cpu_known = false, .lag_known = false});
    scene.relation(Scene::lab("connector", "orders"), "reads", Scene::lab("topic", "orders"))
        .series("kafka_partition_log_end_offset", {{"topic", "orders"}, {"partition", "0"}},
                [=](int s) { return offered_per_second * s; })
        .series("connect_task_process_cpu_seconds_total", task, [=](int s) {
            return 0.05 * std::min(s, records_stop) + heartbeat_cpu * std::max(0, s - records_stop);
        });
    return scene;
}

TEST(ConnectorTaskSilence, StuckBeforeItsFirstCommitIsSeenByWhatComesIn) {
    EXPECT_EQ(young_sink(fault, 50, 0.003).findings("connector-task-silent", fault + 10).size(), 1U);
}

TEST(ConnectorTaskSilence, BeforeItsFirstCommitIdleOrBusyIsNotStuck) {
    EXPECT_TRUE(young_sink(fault, 0, 0.003).findings("connector-task-silent", fault + 60).empty());
    EXPECT_TRUE(young_sink(fault, 50, 0.04).findings("connector-task-silent", fault + 60).empty());
    EXPECT_TRUE(young_sink(1 << 20, 50, 0).findings("connector-task-silent", fault + 60).empty());
}

// In a worker of Connect's own: it has read all there was when the last record came, in second `fault`, and commits
// what it read by second 30 only (a long offset.flush.interval.ms; a sink that commits whole files). To Connect the
// rest is in its hands.
Scene late_sink(double comes_in_since) {
    Scene scene = sink({.cpu_known = false, .lag_known = false});
    const auto written = [=](int s) { return 50.0 * std::min(s, fault) + comes_in_since * std::max(0, s - fault); };
    const auto committed = [](int s) { return 50.0 * std::min(s, 30); };
    scene.relation(Scene::lab("connector", "orders"), "reads", Scene::lab("topic", "orders"))
        .series("kafka_partition_log_end_offset", {{"topic", "orders"}, {"partition", "0"}}, written)
        .series("kafka_group_committed_offset", partition, committed)
        .series("kafka_group_lag_records", partition, [=](int s) { return written(s) - committed(s); })
        .series("connect_task_records_active", task, [=](int s) { return 50.0 * std::min(s, fault) - committed(s); });
    return scene;
}

TEST(ConnectorTaskSilence, AnIdleSinkThatCommitsLateIsNotStuck) {
    EXPECT_TRUE(late_sink(0).findings("connector-task-silent", fault + 300).empty());
    EXPECT_EQ(late_sink(5).findings("connector-task-silent", fault + 90).size(), 1U) << "it does not read what comes";
}

TEST(ConnectorTaskSilence, OneRecordThatJustCameOrAMarkerAloneIsNotWaitedFor) {
    for (const int at : {fault + 10, fault + 89}) {
        Scene scene = sink({.cpu_known = false, .lag_known = false});
        scene.relation(Scene::lab("connector", "orders"), "reads", Scene::lab("topic", "orders"))
            .series("kafka_partition_log_end_offset", {{"topic", "orders"}, {"partition", "0"}},
                    [=](int s) { return 50.0 * std::min(s, fault) + (s >= at ? 1 : 0); });
        EXPECT_TRUE(scene.findings("connector-task-silent", fault + 90).empty()) << at;
    }
}

// Offsets of a topic stay for a week after the connector reads another one.
TEST(ConnectorTaskSilence, OldOffsetsOfWhatItNoLongerReadsSayNothing) {
    for (const bool topics_known : {true, false}) {
        Scene scene = sink({.lag_from = 1 << 20, .cpu_known = false});
        const std::vector<LabelPair> old{{"group", "connect-orders"}, {"topic", "orders-v1"}, {"partition", "0"}};
        scene.constant("kafka_group_committed_offset", old, 5)
            .series("kafka_group_lag_records", old, [](int s) { return 10.0 * s; })
            .series("kafka_partition_log_end_offset", {{"topic", "orders-v1"}, {"partition", "0"}},
                    [](int s) { return 5 + 10.0 * s; });
        if (topics_known) scene.relation(Scene::lab("connector", "orders"), "reads", Scene::lab("topic", "orders"));
        EXPECT_TRUE(scene.findings("connector-task-silent", fault + 300).empty()) << topics_known;
    }
}

// topics.regex, or an agent that has only just come: nothing of its group has moved lately.
TEST(ConnectorTaskSilence, AStuckSinkWhoseTopicsNobodyNamesStaysStuck) {
    Scene scene = sink({.cpu_known = false});
    EXPECT_EQ(scene.findings("connector-task-silent", fault + 100).size(), 1U);
    EXPECT_EQ(scene.findings("connector-task-silent", fault + 640).size(), 1U);
}

// One of two sinks, over a topic of three partitions that all had records before; which are its own isn't known.
Scene one_of_two(int partitions_that_grow) {
    Scene scene = sink({.cpu_known = false, .lag_known = false});
    scene.constant("connect_task_state",
                   {{"connector", "orders"}, {"task", "1"}, {"worker", "w:8083"}, {"state", "RUNNING"}}, 1);
    scene.relation(Scene::lab("connector", "orders"), "reads", Scene::lab("topic", "orders"));
    for (int i = 0; i < 3; ++i)
        scene.series("kafka_partition_log_end_offset", {{"topic", "orders"}, {"partition", std::to_string(i)}},
                     [=](int s) { return 50.0 * (i < partitions_that_grow ? s : std::min(s, fault)); });
    return scene;
}

TEST(ConnectorTaskSilence, ATaskWhosePartitionsMayBeTheIdleOnesIsNotStuck) {
    EXPECT_TRUE(one_of_two(2).findings("connector-task-silent", fault + 90).empty());
    EXPECT_EQ(one_of_two(3).findings("connector-task-silent", fault + 90).size(), 1U);
}

TEST(ConnectorTaskSilence, WithoutSightOfTheProcessACallOfAMinuteIsNotStuck) {
    EXPECT_TRUE(sink({.cpu_known = false}).findings("connector-task-silent", fault + 60).empty());
    const auto found = sink({.cpu_known = false}).findings("connector-task-silent", fault + 70);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_LT(found[0].weight, 1);
}

TEST(ConnectorTaskSilence, WhatItsOwnerSaysOfItsCallsCounts) {
    Scene quick = sink({.cpu_known = false}), slow = sink({.cpu_known = false});
    quick.attribute(Scene::lab("connector", "orders"), "longest_call_ms", "8000");
    slow.attribute(Scene::lab("connector", "orders"), "longest_call_ms", "120000");
    EXPECT_TRUE(quick.findings("connector-task-silent", fault + 8).empty());
    EXPECT_EQ(quick.findings("connector-task-silent", fault + 10).size(), 1U);
    EXPECT_TRUE(slow.findings("connector-task-silent", fault + 90).empty());
}

TEST(ConnectorTaskSilence, ACallThatIsLookedAtSeldomIsGivenOneLookMore) {
    Scene scene = sink({.cpu_known = false, .page_every = 4});
    scene.attribute(Scene::lab("connector", "orders"), "longest_call_ms", "8000");
    EXPECT_TRUE(scene.findings("connector-task-silent", fault + 10).empty());
    EXPECT_EQ(scene.findings("connector-task-silent", fault + 16).size(), 1U);
}

TEST(ConnectorTaskSilence, OfATaskThatStandsForHalfItsTimeItWouldKnowSooner) {
    const auto doubts = [](const Scene& scene, int second) {
        return scene.after(second,
                           [](const View& view, const Now& now) { return AnalyzerSchedule().doubts(view, now); });
    };
    const FactKey records{Scene::lab("connector-task", "orders/0"), "connect_task_records_total"};
    EXPECT_EQ(doubts(sink({.cpu_known = false}), fault + 40), std::vector{records});
    EXPECT_TRUE(doubts(sink({.cpu_known = false}), fault + 20).empty());
    EXPECT_TRUE(doubts(sink({.lag_from = 1 << 20, .cpu_known = false}), fault + 40).empty()) << "idle";
    EXPECT_TRUE(doubts(sink({}), fault + 4).empty()) << "a process is looked at every second";
}

Scene source(int records_stop, std::optional<int> cpu_stop, int away = 1 << 20, int back = 1 << 20) {
    Scene scene;
    if (cpu_stop) scene.counter("connect_task_process_cpu_seconds_total", task, 0.05, *cpu_stop);
    scene.constant("connect_task_state", running(), 1)
        .counter("connect_task_polls_total", task, 50, records_stop)
        .attribute(Scene::lab("connector", "orders"), "type", "source");
    brokers(scene, away, back);
    return scene;
}

TEST(ConnectorTaskSilence, SourceSilentAgainstItsOwnHistory) {
    EXPECT_EQ(source(fault, fault).findings("connector-task-silent", fault + 6).size(), 1U);
    EXPECT_TRUE(source(fault, 1 << 20).findings("connector-task-silent", fault + 60).empty());
}

// Real tasks are threads of their worker. A table that is quiet in the evening is no fault of who reads it.
TEST(ConnectorTaskSilence, AThreadOfASourceThatFallsQuietIsStuckOnlyWithRecordsInItsHands) {
    const auto holding = [](double before, double since) {
        Scene scene = source(fault, std::nullopt);
        scene.series("connect_task_records_active", task, [=](int s) { return s < fault ? before : since; });
        return scene.findings("connector-task-silent", fault + 300);
    };
    EXPECT_TRUE(source(fault, std::nullopt).findings("connector-task-silent", fault + 300).empty());
    EXPECT_TRUE(holding(3, 0).empty()) << "it has passed on all that it polled";
    EXPECT_TRUE(holding(7, 7).empty()) << "a count that some records never leave";
    const auto found = holding(0, 7);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_LT(found[0].weight, 1);
}

TEST(ConnectorTaskSilence, SourceThatOftenPausesIsNotStuckSoon) {
    Scene scene;
    scene.constant("connect_task_state", running(), 1)
        .series("connect_task_polls_total", task, [](int s) { return s / 10 * 100.0; })
        .series("connect_task_process_cpu_seconds_total", task, [](int s) { return s / 10 * 0.1; })
        .attribute(Scene::lab("connector", "orders"), "type", "source");
    brokers(scene);
    for (int second = 60; second < 80; ++second)
        EXPECT_TRUE(scene.findings("connector-task-silent", second).empty()) << second;
}

TEST(ConnectorTaskSilence, WhoWaitsForABrokerIsNotStuck) {
    const Scene scene = source(fault, fault, fault + 4);
    for (int second = fault; second < fault + 120; second += 3)
        EXPECT_TRUE(scene.findings("connector-task-silent", second).empty()) << second;
}

// Its last answer may be older than its fall: a standstill counts only as far as the broker is known to have answered.
TEST(ConnectorTaskSilence, ABrokersAnswerOfBeforeTheStandstillProvesNothing) {
    Scene scene = source(fault, fault);
    scene.series("kafka_broker_reachable", {{"broker", "3"}},
                 [](int s) { return s < fault ? std::optional(1.0) : std::nullopt; });
    EXPECT_TRUE(scene.findings("connector-task-silent", fault + 12).empty());
}

TEST(ConnectorTaskSilence, StuckStillWhenTheBrokerIsLongBack) {
    const Scene scene = source(fault, fault, fault + 4, fault + 20);
    EXPECT_TRUE(scene.findings("connector-task-silent", fault + 50).empty());
    EXPECT_EQ(scene.findings("connector-task-silent", fault + 60).size(), 1U);
}

// Whom the cluster has struck off leads nothing any more.
TEST(ConnectorTaskSilence, StuckBesideABrokerThatWasGivenUpLongAgo) {
    Scene scene = source(fault, fault);
    scene.series("kafka_broker_up", {{"broker", "3"}}, [](int s) { return s < 20 ? 1.0 : 0.0; })
        .series("kafka_broker_reachable", {{"broker", "3"}}, [](int s) { return s < 11 ? 1.0 : 0.0; });
    EXPECT_EQ(scene.findings("connector-task-silent", fault + 10).size(), 1U);
}

TEST(ConnectorTaskSilence, CannotTellWithoutSightOfTheBrokers) {
    EXPECT_TRUE(sink({.brokers_known = false}).findings("connector-task-silent", fault + 60).empty());
}

TEST(ConnectorTaskSilence, MetadataAloneTellsOfBrokersLater) {
    Scene scene = sink({.brokers_known = false});
    scene.constant("kafka_broker_up", {{"broker", "1"}}, 1);
    EXPECT_TRUE(scene.findings("connector-task-silent", fault + 10).empty());
    EXPECT_EQ(scene.findings("connector-task-silent", fault + 20).size(), 1U);
}

TEST(ConnectorTaskSilence, WhoseTopicIsGoneIsNotStuck) {
    const auto scene = [](int deleted) {
        Scene made = source(fault, fault);
        made.relation(Scene::lab("connector", "orders"), "writes", Scene::lab("topic", "orders"))
            .constant("kafka_partition_leader", {{"topic", "others"}, {"partition", "0"}}, 1)
            .series("kafka_partition_leader", {{"topic", "orders"}, {"partition", "0"}},
                    [=](int s) { return s < deleted ? std::optional(1.0) : std::nullopt; });
        return made;
    };
    EXPECT_TRUE(scene(fault).findings("connector-task-silent", fault + 30).empty());
    EXPECT_EQ(scene(1 << 20).findings("connector-task-silent", fault + 30).size(), 1U);
}

}  // namespace
}  // namespace medic::analyzers

#include <algorithm>

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const std::vector<LabelPair> manager{{"node", "jm"}, {"role", "jobmanager"}};
const std::vector<LabelPair> worker{{"node", "connect-1"}, {"role", "connect-worker"}};
const std::vector<LabelPair> broker{{"node", "broker-2"}, {"role", "broker"}};

Scene::Shape until(int second) {
    return [=](int s) { return s < second ? 1.0 : 0.0; };
}
Scene::Shape burning(int stop) {
    return [=](int s) { return 0.2 * std::min(s, stop); };
}

Scene job_manager(int gone, int silent) {
    Scene scene;
    scene.series("process_up", manager, until(gone)).series("flink_jobmanager_reachable", {}, until(silent));
    return scene;
}

TEST(ServiceSilence, AJobManagerWithoutAProcessThatDoesNotAnswerIsLost) {
    const auto found = job_manager(60, 60).findings("jobmanager-lost", 67);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("node", "jm"));
    EXPECT_EQ(found[0].since, Scene::at(60));
    EXPECT_EQ(found[0].evidence.size(), 2U);
}

// Two Flinks in one cluster; from second 60 on the process on jm is gone.
Scene two_flinks(const std::string& one, int one_silent, const std::string& other, int other_silent) {
    Scene scene;
    scene.series("process_up", manager, until(60))
        .constant("process_up", {{"node", "jm-2"}, {"role", "jobmanager"}}, 1)
        .series("flink_jobmanager_reachable", {{"flink", one}}, until(one_silent))
        .series("flink_jobmanager_reachable", {{"flink", other}}, until(other_silent));
    return scene;
}

TEST(ServiceSilence, OfSeveralFlinksTheSilentOneIsTheLostJobManagersOwn) {
    const auto found = two_flinks("10.0.0.1:8081", 60, "10.0.0.2:8081", 1'000).findings("jobmanager-lost", 67);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("node", "jm"));
    EXPECT_EQ(found[0].fields.at("flink"), "10.0.0.1:8081");
    EXPECT_TRUE(two_flinks("10.0.0.1:8081", 1'000, "10.0.0.2:8081", 1'000).findings("jobmanager-lost", 90).empty());
}

TEST(ServiceSilence, OfSeveralFlinksTheOneThatIsCalledLikeItsNodeIsItsOwn) {
    EXPECT_TRUE(two_flinks("jm:8081", 1'000, "other:8081", 60).findings("jobmanager-lost", 90).empty());
    const auto found = two_flinks("jm:8081", 60, "other:8081", 50).findings("jobmanager-lost", 67);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("flink"), "jm:8081");
}

TEST(ServiceSilence, WhereSeveralFlinksAreSilentItIsNotSaidWhichOneIsItsOwn) {
    const auto found = two_flinks("10.0.0.1:8081", 60, "10.0.0.2:8081", 50).findings("jobmanager-lost", 67);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].fields.contains("flink"));
}

TEST(ServiceSilence, ASupervisorIsGivenTimeToStartItAgain) {
    EXPECT_TRUE(job_manager(60, 60).findings("jobmanager-lost", 63).empty());
}

TEST(ServiceSilence, OneVantagePointAloneSaysNothing) {
    EXPECT_TRUE(job_manager(60, 1'000).findings("jobmanager-lost", 90).empty());
    EXPECT_TRUE(job_manager(1'000, 60).findings("jobmanager-lost", 90).empty());
    Scene unseen;
    unseen.series("process_up", manager, until(60));
    EXPECT_TRUE(unseen.findings("jobmanager-lost", 90).empty());
}

TEST(ServiceSilence, AWorkerIsNamedAsItsApiNamesIt) {
    Scene scene;
    scene.series("process_up", worker, until(60))
        .series("connect_worker_reachable", {{"worker", "10.0.0.1:8083"}}, until(60))
        .constant("connect_worker_reachable", {{"worker", "10.0.0.2:8083"}}, 1)
        .relation(Scene::lab("worker", "10.0.0.1:8083"), "hosted-by", Scene::lab("node", "connect-1"));
    const auto found = scene.findings("worker-lost", 67);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("worker", "10.0.0.1:8083"));
    EXPECT_EQ(found[0].fields.at("node"), "connect-1");
}

// For the remedy: what it said of its tasks before it went; only sinks have a group.
TEST(ServiceSilence, ALostWorkerIsNamedWithItsSinkTasks) {
    Scene scene;
    const std::string first = "10.0.0.1:8083", second = "10.0.0.2:8083";
    const auto task = [&](const char* connector, const char* number, const std::string& at) {
        scene.series("connect_task_state",
                     {{"connector", connector}, {"task", number}, {"state", "RUNNING"}, {"worker", at}},
                     [](int s) { return s < 60 ? std::optional{1.0} : std::nullopt; });
    };
    task("audit", "0", first);
    task("audit", "1", second);
    task("ticks", "0", first);
    scene.series("process_up", worker, until(60))
        .series("connect_worker_reachable", {{"worker", first}}, until(60))
        .constant("kafka_group_members", {{"group", "connect-audit"}}, 2)
        .relation(Scene::lab("worker", first), "hosted-by", Scene::lab("node", "connect-1"));
    const auto found = scene.findings("worker-lost", 67);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("sink_tasks"), "audit/0");
}

TEST(ServiceSilence, AColdStandbyHasNoProcessUntilItIsNeeded) {
    Scene scene;
    scene.constant("process_up", worker, 0)
        .constant("connect_worker_reachable", {{"worker", "connect-1"}}, 0)
        .attribute(Scene::lab("node", "connect-1"), "spare", "true");
    EXPECT_TRUE(scene.findings("worker-lost", 60).empty());
}

Scene silent_broker(Scene::Shape ticks, int silent) {
    Scene scene;
    scene.constant("process_up", broker, 1)
        .series("process_cpu_seconds_total", broker, std::move(ticks))
        .series("process_cpu_seconds_total", worker, burning(1'000))
        .series("kafka_broker_reachable", {{"broker", "2"}}, until(silent))
        .relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
    return scene;
}

TEST(ServiceSilence, ABrokerThatUsesNoCpuAndDoesNotAnswerIsFrozen) {
    const auto found = silent_broker(burning(60), 61).findings("broker-frozen", 72);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("broker", "2"));
    EXPECT_EQ(found[0].since, Scene::at(60));
}

// Second 60 to 72: a fault of the process before, which was fenced. From 120 on the present one stands.
Scene frozen_again(std::optional<int> started) {
    const auto ticks = [](int s) { return s < 60 ? 0.2 * s : s < 72 ? 12.0 : 12 + 0.2 * std::min(s - 72, 48); };
    Scene scene = silent_broker(ticks, 120);
    if (started)
        scene.constant("process_start_time_seconds", broker, static_cast<double>(Scene::at(*started).unix_ms) / 1'000);
    return scene;
}

TEST(ServiceSilence, WhatTheProcessBeforeItDidIsNoHabit) {
    EXPECT_EQ(frozen_again(72).findings("broker-frozen", 129).size(), 1U);
    EXPECT_TRUE(frozen_again(0).findings("broker-frozen", 129).empty()) << "it has stood so long before";
    EXPECT_TRUE(frozen_again({}).findings("broker-frozen", 129).empty()) << "it may be the same one";
}

TEST(ServiceSilence, OneThatItsClusterHasGivenUpIsFrozenWhateverItDidBefore) {
    const auto seen_by_the_cluster = [](double listed) {
        Scene scene = frozen_again(0);
        return scene.series("kafka_broker_up", {{"broker", "2"}}, [=](int s) { return s < 129 ? 1.0 : listed; });
    };
    const auto found = seen_by_the_cluster(0).findings("broker-frozen", 130);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].evidence.size(), 3U);
    EXPECT_TRUE(seen_by_the_cluster(1).findings("broker-frozen", 130).empty());
}

TEST(ServiceSilence, StoppedForSixSecondsIsNoFault) {
    EXPECT_TRUE(silent_broker(burning(60), 61).findings("broker-frozen", 66).empty());
}

TEST(ServiceSilence, AGarbageCollectionBurnsCpu) {
    EXPECT_TRUE(silent_broker(burning(1'000), 60).findings("broker-frozen", 90).empty());
}

TEST(ServiceSilence, OneThatAnswersIsNotFrozen) {
    EXPECT_TRUE(silent_broker(burning(60), 1'000).findings("broker-frozen", 90).empty());
}

TEST(ServiceSilence, WhenEveryProcessStandsTheMachineDoes) {
    Scene all;
    all.constant("process_up", broker, 1)
        .series("process_cpu_seconds_total", broker, burning(60))
        .series("process_cpu_seconds_total", worker, burning(60))
        .series("process_cpu_seconds_total", manager, burning(60))
        .series("kafka_broker_reachable", {{"broker", "2"}}, until(61))
        .relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
    EXPECT_TRUE(all.findings("broker-frozen", 80).empty());
}

TEST(ServiceSilence, WithoutTicksNobodyKnows) {
    Scene scene;
    scene.constant("process_up", broker, 1).series("kafka_broker_reachable", {{"broker", "2"}}, until(60));
    EXPECT_TRUE(scene.findings("broker-frozen", 90).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int from = 100, seen_at = 130;

const std::string unreadable =
    "java.io.IOException: Input/output error\n\tat java.base/java.io.FileInputStream.readBytes(Native Method)\n";

std::vector<LabelPair> subtask(int number, const std::string& manager) {
    return {{"job", "fleet"},
            {"vertex", "enrich"},
            {"subtask", std::to_string(number)},
            {"taskmanager", manager},
            {"state", "RUNNING"}};
}

struct Two {
    bool sibling_known = true;
    int tm_2_restarts = 1'000, tm_2_leaves = 1'000;  // At that second.
};

// A job with two subtasks on each of two task managers, which have been there since long ago.
Scene job_on_two(const Two& what = {}) {
    constexpr double long_ago = Scene::began_ms / 1000.0 - 3'600;
    Scene scene;
    for (const std::string manager : {"tm-1", "tm-2"}) {
        const bool second = manager == "tm-2";
        if (!second && !what.sibling_known) continue;
        for (const int number : {0, 1})
            scene.constant("flink_subtask_state", subtask(number + (second ? 2 : 0), manager), 1);
        const int leaves = second ? what.tm_2_leaves : 1'000, restarts = second ? what.tm_2_restarts : 1'000;
        const std::vector<LabelPair> node{{"node", manager}, {"role", "taskmanager"}};
        scene
            .series("flink_taskmanager_registered", {{"taskmanager", manager}},
                    [=](int s) { return s < leaves ? 1.0 : 0.0; })
            .constant("process_up", node, 1)
            .series("process_start_time_seconds", node,
                    [=](int s) { return s < restarts ? long_ago : Scene::began_ms / 1000.0 + restarts; })
            .attribute(Scene::lab("taskmanager", manager), "node", manager);
    }
    return scene;
}

struct Failure {
    int at;
    std::string manager = "tm-2", subtask = "2", text = unreadable;
};

void fails(Scene& scene, const Failure& failure) {
    scene.event(failure.at, Scene::lab("job", "fleet"), "exception", failure.text,
                {{"taskmanager", failure.manager}, {"vertex", "enrich"}, {"subtask", failure.subtask}});
}

// `count` failures, five seconds apart, of the two subtasks on tm-2 in turn.
void tm_2_fails(Scene& scene, int count) {
    for (int i = 0; i < count; ++i) fails(scene, {.at = from + 5 * i, .subtask = std::to_string(2 + i % 2)});
}

TEST(NodeFaults, MoreThanFiveInAMinuteAreTheNodes) {
    Scene scene = job_on_two();
    tm_2_fails(scene, 6);
    const auto found = scene.findings("node-many-faults", seen_at);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("node", "tm-2"));
    EXPECT_EQ(found[0].since, Scene::at(from));
    EXPECT_EQ(found[0].fields.at("faults"), "6");
    EXPECT_EQ(found[0].fields.at("job"), "fleet");
    EXPECT_EQ(found[0].fields.at("taskmanager"), "tm-2");
    EXPECT_EQ(found[0].fields.at("serves"), "true");
}

TEST(NodeFaults, FiveAreBorneAndSoAreSixOverALongerTime) {
    Scene five = job_on_two();
    tm_2_fails(five, 5);
    EXPECT_TRUE(five.findings("node-many-faults", seen_at).empty());
    Scene slow = job_on_two();
    for (int i = 0; i < 6; ++i) fails(slow, {.at = from + 13 * i, .subtask = std::to_string(2 + i % 2)});
    EXPECT_TRUE(slow.findings("node-many-faults", from + 5 * 13 + 1).empty());
}

TEST(NodeFaults, ABadJobFailsEverywhere) {
    Scene scene = job_on_two();
    tm_2_fails(scene, 8);
    fails(scene, {.at = from + 7, .manager = "tm-1", .subtask = "0"});
    EXPECT_TRUE(scene.findings("node-many-faults", from + 45).empty());
}

TEST(NodeFaults, ABadRecordHitsOneSubtaskAlone) {
    Scene scene = job_on_two();
    for (int i = 0; i < 8; ++i) fails(scene, {.at = from + 3 * i});
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at).empty());
}

TEST(NodeFaults, WhatTheProgramDoesWrongIsNoNodes) {
    const std::string code = "\n\tat com.acme.Enrich.map(Enrich.java:12)\n";
    const auto told = [&](const std::string& first_line) {
        Scene scene = job_on_two();
        for (int i = 0; i < 8; ++i)
            fails(scene, {.at = from + 3 * i, .subtask = std::to_string(2 + i % 2), .text = first_line + code});
        return !scene.findings("node-many-faults", seen_at).empty();
    };
    EXPECT_FALSE(told("java.lang.OutOfMemoryError: Java heap space"));
    EXPECT_FALSE(told("java.lang.OutOfMemoryError: Direct buffer memory"));
    EXPECT_FALSE(told("java.lang.NullPointerException: null"));
    EXPECT_FALSE(told("java.lang.RuntimeException: x\nCaused by: java.lang.ClassCastException: A is no B"));
    EXPECT_TRUE(told("java.lang.OutOfMemoryError: unable to create native thread"));
    EXPECT_TRUE(told("java.io.IOException: Input/output error"));
}

TEST(NodeFaults, WhatOnlyTellsOfAPeerIsNoFault) {
    Scene scene = job_on_two();
    for (int i = 0; i < 8; ++i)
        fails(scene,
              {.at = from + 3 * i,
               .subtask = std::to_string(2 + i % 2),
               .text = "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection "
                       "unexpectedly closed by remote task manager 'tm-1'.\n"});
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at).empty());
}

TEST(NodeFaults, NobodyIsBlamedWithoutASiblingThatWorks) {
    Scene scene = job_on_two({.sibling_known = false});
    tm_2_fails(scene, 8);
    EXPECT_TRUE(scene.findings("node-many-faults", from + 45).empty());
}

TEST(NodeFaults, AnExceptionThatNamesNoTaskManagerIsNobodys) {
    Scene scene = job_on_two();
    for (int i = 0; i < 8; ++i) fails(scene, {.at = from + 3 * i, .manager = "", .subtask = std::to_string(i % 4)});
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at).empty());
}

// What has been started again is not to blame for what its predecessor did.
TEST(NodeFaults, ANewProcessBeginsWithNone) {
    Scene scene = job_on_two({.tm_2_restarts = seen_at});
    tm_2_fails(scene, 6);
    EXPECT_EQ(scene.findings("node-many-faults", seen_at - 1).size(), 1U);
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at + 1).empty());
}

// One that has signed off or died is another trouble.
TEST(NodeFaults, WhoIsGoneIsNotToldAsFaulty) {
    Scene scene = job_on_two({.tm_2_leaves = seen_at});
    tm_2_fails(scene, 6);
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at + 1).empty());
}

// Connect: two workers that run tasks of the same two connectors.
Scene two_workers(const std::string& second_runs = "orders") {
    Scene scene;
    for (const std::string worker : {"w-1", "w-2"})
        scene.constant("connect_worker_reachable", {{"worker", worker}}, 1)
            .relation(Scene::lab("worker", worker), "hosted-by", Scene::lab("node", "connect-" + worker));
    scene.constant("connect_task_state",
                   {{"connector", second_runs}, {"task", "9"}, {"state", "RUNNING"}, {"worker", "w-2"}}, 1);
    return scene;
}

void task_fails(Scene& scene, int second, const std::string& task, const std::string& worker = "w-1") {
    scene.event(second, Scene::lab("connector-task", task), "state-change", "RUNNING → FAILED",
                {{"from", "RUNNING"}, {"to", "FAILED"}, {"worker", worker}});
}

TEST(NodeFaults, AWorkerOnWhichTasksFailThatRunElsewhere) {
    Scene scene = two_workers();
    for (int i = 0; i < 6; ++i) task_fails(scene, from + i, "orders/" + std::to_string(i));
    const auto found = scene.findings("node-many-faults", seen_at);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("node", "connect-w-1"));
    EXPECT_EQ(found[0].fields.at("worker"), "w-1");
    EXPECT_EQ(found[0].fields.at("role"), "connect-worker");
}

TEST(NodeFaults, ABadConnectorFailsOnOtherWorkersToo) {
    Scene scene = two_workers();
    for (int i = 0; i < 6; ++i) task_fails(scene, from + i, "orders/" + std::to_string(i));
    task_fails(scene, from + 7, "orders/8", "w-2");
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at).empty());
}

TEST(NodeFaults, AConnectorThatRunsNowhereElseCannotBeCompared) {
    Scene scene = two_workers("payments");
    for (int i = 0; i < 6; ++i) task_fails(scene, from + i, "orders/" + std::to_string(i));
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at).empty());
}

// A broker: its log's errors, and a process that begins anew again and again.
Scene two_brokers() {
    Scene scene;
    for (const std::string broker : {"1", "2"})
        scene.constant("kafka_broker_reachable", {{"broker", broker}}, 1)
            .constant("process_up", {{"node", "broker-" + broker}, {"role", "broker"}}, 1)
            .attribute(Scene::lab("broker", broker), "node", "broker-" + broker);
    return scene;
}

void broker_logs(Scene& scene, int second, const char* broker, const std::string& text, const char* level = "ERROR") {
    scene.event(second, Scene::lab("broker", broker), "log", text, {{"level", level}});
}

TEST(NodeFaults, ABrokerWhoseLogIsFullOfErrors) {
    Scene scene = two_brokers();
    for (int i = 0; i < 6; ++i) broker_logs(scene, from + i, "2", "ERROR append\n" + unreadable);
    const auto found = scene.findings("node-many-faults", seen_at);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("node", "broker-2"));
    broker_logs(scene, from + 8, "1", "ERROR append\n" + unreadable);
    EXPECT_TRUE(scene.findings("node-many-faults", seen_at).empty());
}

TEST(NodeFaults, WhatABrokerTellsOfOthersIsNoFaultOfItsOwn) {
    const auto told = [](const std::string& text, const char* level = "ERROR") {
        Scene scene = two_brokers();
        for (int i = 0; i < 6; ++i) broker_logs(scene, from + i, "2", text, level);
        return !scene.findings("node-many-faults", seen_at).empty();
    };
    EXPECT_TRUE(told("ERROR append\n" + unreadable));
    EXPECT_FALSE(told("WARN append\n" + unreadable, "WARN"));
    EXPECT_FALSE(told("append\n" + unreadable, "")) << "how bad it is was not said";
    EXPECT_FALSE(told("ERROR Closing socket for 10.0.0.7 because of error (kafka.network.Processor)\n" + unreadable));
    EXPECT_FALSE(
        told("ERROR Exception while processing request\n"
             "org.apache.kafka.common.errors.InvalidRequestException: Unknown API key\n"
             "\tat org.apache.kafka.common.requests.RequestContext.parseRequest(RequestContext.java:95)\n"));
    EXPECT_FALSE(told("ERROR [ReplicaFetcher replicaId=2, leaderId=1] Error (kafka.server.ReplicaFetcherThread)\n" +
                      unreadable));
    EXPECT_TRUE(
        told("ERROR Error while appending records to t-0 in dir /data (kafka.server.LogDirFailureChannel)\n"
             "java.io.IOException: Input/output error\n"
             "\tat kafka.log.UnifiedLog.append(UnifiedLog.scala:800)\n"
             "\tat kafka.server.ReplicaFetcherThread.processPartitionData(ReplicaFetcherThread.scala:118)\n"))
        << "its own disk, met while it fetched";
}

TEST(NodeFaults, AProcessThatBeginsAnewAgainAndAgain) {
    Scene scene = two_brokers();
    scene.series("process_start_time_seconds", {{"node", "broker-2"}, {"role", "broker"}},
                 [](int s) { return s < from ? 0.0 : std::min(6, 1 + (s - from) / 4) * 4.0; });
    const auto found = scene.findings("node-many-faults", seen_at);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("restarts"), "6");
    EXPECT_TRUE(scene.findings("node-many-faults", from + 90).empty());
}

}  // namespace
}  // namespace medic::analyzers

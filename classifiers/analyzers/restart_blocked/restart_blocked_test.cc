#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 60;

std::optional<double> from(int second, int begin) { return second >= begin ? std::optional{1.0} : std::nullopt; }

Scene blocked(int canceling_until = 1 << 20, const char* state = "RESTARTING") {
    Scene scene;
    scene
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                [](int s) { return s < fault ? std::optional{1.0} : std::nullopt; })
        .series("flink_job_state", {{"job", "fleet"}, {"state", state}}, [](int s) { return from(s, fault); })
        .series(
            "flink_subtask_state",
            {{"job", "fleet"}, {"vertex", "sink"}, {"subtask", "1"}, {"taskmanager", "tm-1"}, {"state", "CANCELING"}},
            [=](int s) { return s < canceling_until ? from(s, fault + 1) : std::nullopt; })
        .attribute(Scene::lab("job", "fleet"), "id", "j1")
        .attribute(Scene::lab("taskmanager", "tm-1"), "node", "tm-1")
        .event(fault, Scene::lab("job", "fleet"), "exception",
               "java.lang.IllegalStateException: lookup failed\n\tat fleet::Enrich::map(int)(libfleet.so+0x1)\n");
    return scene;
}

TEST(RestartBlocked, NamesTheTaskThatIgnoresItsCancellationAndTheFirstException) {
    Scene scene = blocked();
    scene.constant("flink_taskmanager_registered", {{"taskmanager", "tm-1"}}, 1)
        .constant("flink_taskmanager_heartbeat_age_seconds", {{"taskmanager", "tm-1"}}, 1)
        .constant("process_up", {{"node", "tm-1"}, {"role", "taskmanager"}}, 1);
    EXPECT_TRUE(scene.findings("restart-blocked", fault + 6).empty());
    const auto found = scene.findings("restart-blocked", fault + 10);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("job", "fleet"));
    EXPECT_EQ(found[0].fields.at("taskmanager"), "tm-1");
    EXPECT_EQ(found[0].fields.at("vertex"), "sink");
    EXPECT_EQ(found[0].fields.at("first_exception"), "java.lang.IllegalStateException");
    EXPECT_EQ(found[0].since, Scene::at(fault));
}

TEST(RestartBlocked, AJobThatSomebodyCancelsIsLeftToFlinkFirst) {
    const auto found = [](const char* state, int seconds) {
        Scene scene = blocked(1 << 20, state);
        scene.constant("flink_taskmanager_registered", {{"taskmanager", "tm-1"}}, 1)
            .constant("flink_taskmanager_heartbeat_age_seconds", {{"taskmanager", "tm-1"}}, 1);
        return scene.findings("restart-blocked", fault + seconds).size();
    };
    EXPECT_EQ(found("CANCELLING", 30), 0U);
    EXPECT_EQ(found("RESTARTING", 30), 1U);
    EXPECT_EQ(found("FAILING", 30), 1U);
    EXPECT_EQ(found("CANCELLING", 205), 1U) << "its own watchdog had its time";
}

// A source's close() waits for the coordinator of its group for up to half a minute.
TEST(RestartBlocked, WhileABrokerIsAwayATaskMayTakeLongerToEnd) {
    const auto found = [](int away, int back, int seconds) {
        Scene scene = blocked();
        scene.constant("flink_taskmanager_registered", {{"taskmanager", "tm-1"}}, 1)
            .constant("flink_taskmanager_heartbeat_age_seconds", {{"taskmanager", "tm-1"}}, 1)
            .constant("kafka_broker_reachable", {{"broker", "1"}}, 1)
            .series("kafka_broker_reachable", {{"broker", "2"}},
                    [=](int s) { return s >= away && s < back ? 0.0 : 1.0; });
        return scene.findings("restart-blocked", fault + seconds).size();
    };
    constexpr int never = 1 << 20;
    EXPECT_EQ(found(never, never, 10), 1U) << "all brokers answer";
    EXPECT_EQ(found(fault - 30, never, 10), 0U);
    EXPECT_EQ(found(fault - 30, never, 30), 0U);
    EXPECT_EQ(found(fault - 30, never, 40), 1U) << "longer than any close()";
    EXPECT_EQ(found(fault - 30, fault + 3, 20), 0U) << "it is back, but what began before may still wait";
    EXPECT_EQ(found(fault - 50, fault - 40, 10), 1U) << "it had been back for long enough";
}

TEST(RestartBlocked, TaskThatEndsInTimeIsNothing) {
    Scene scene = blocked(fault + 4);
    scene.constant("flink_taskmanager_registered", {{"taskmanager", "tm-1"}}, 1)
        .constant("flink_taskmanager_heartbeat_age_seconds", {{"taskmanager", "tm-1"}}, 1);
    EXPECT_TRUE(scene.findings("restart-blocked", fault + 30).empty());
}

TEST(RestartBlocked, DeadTaskManagerIsAnotherStory) {
    Scene scene = blocked();
    scene.constant("flink_taskmanager_registered", {{"taskmanager", "tm-1"}}, 1)
        .series("process_up", {{"node", "tm-1"}, {"role", "taskmanager"}}, [](int s) { return s < fault ? 1.0 : 0.0; });
    EXPECT_TRUE(scene.findings("restart-blocked", fault + 20).empty());
}

TEST(RestartBlocked, NothingWhenNobodyKnowsWhetherTheTaskManagerLives) {
    EXPECT_TRUE(blocked().findings("restart-blocked", fault + 20).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 60;

std::vector<LabelPair> node(const char* name) { return {{"node", name}, {"role", "taskmanager"}}; }
std::vector<LabelPair> manager(const char* name) { return {{"taskmanager", name}}; }
std::vector<LabelPair> subtask(const char* index, const char* on) {
    return {{"job", "fleet"}, {"vertex", "count"}, {"subtask", index}, {"taskmanager", on}};
}

// Two healthy task managers that run one job; `tm-1` is left to the test.
Scene platform(Scene scene = {}) {
    scene.constant("process_up", node("tm-2"), 1)
        .counter("process_cpu_seconds_total", node("tm-2"), 0.3)
        .constant("flink_taskmanager_registered", manager("tm-2"), 1)
        .constant("flink_taskmanager_heartbeat_age_seconds", manager("tm-2"), 0.5)
        .counter("flink_subtask_records_in_total", subtask("1", "tm-2"), 100)
        .constant("medic_tick_lateness_seconds", {}, 0.01);
    auto state = subtask("0", "tm-1");
    state.emplace_back("state", "RUNNING");
    scene.series("flink_subtask_state", state, [](int s) { return s < fault ? std::optional{1.0} : std::nullopt; });
    return scene;
}

Scene& job_falls(Scene& scene, int when) {
    return scene
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                [=](int s) { return s < when ? std::optional{1.0} : std::nullopt; })
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}},
                [=](int s) { return s >= when ? std::optional{1.0} : std::nullopt; });
}

Scene killed(Scene more = {}) {
    Scene scene = platform(std::move(more));
    scene.series("process_up", node("tm-1"), [](int s) { return s < fault ? 1.0 : 0.0; })
        .series("flink_taskmanager_registered", manager("tm-1"), [](int s) { return s < fault + 1 ? 1.0 : 0.0; });
    job_falls(scene, fault + 1);
    return scene;
}

// Stopped by a signal at `fault`, going on at `resumed`.
Scene stopped(int resumed = 1 << 20) {
    Scene scene = platform();
    scene.constant("process_up", node("tm-1"), 1)
        .series("process_cpu_seconds_total", node("tm-1"),
                [=](int s) { return 0.3 * (s < resumed ? std::min(s, fault) : fault + s - resumed); })
        .constant("flink_taskmanager_registered", manager("tm-1"), 1)
        .series("flink_taskmanager_heartbeat_age_seconds", manager("tm-1"),
                [=](int s) { return s > fault && s < resumed ? 0.5 + s - fault : 0.5; })
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    return scene;
}

TEST(TaskManagerLost, WaitsForTheDriversWordOfItsEndAndNoLonger) {
    Scene scene = killed();
    EXPECT_EQ(scene.findings("taskmanager-lost", fault + 2).size(), 1U) << "nobody is asked";
    scene.series("process_end_awaited", node("tm-1"),
                 [](int s) { return s < fault ? std::nullopt : std::optional(s < fault + 3 ? 1.0 : 0.0); });
    EXPECT_TRUE(scene.findings("taskmanager-lost", fault + 2).empty());
    EXPECT_EQ(scene.findings("taskmanager-lost", fault + 3).size(), 1U);
    Scene other = killed();
    other.constant("process_end_awaited", node("tm-2"), 1);
    EXPECT_EQ(other.findings("taskmanager-lost", fault + 2).size(), 1U) << "of another node";
}

TEST(TaskManagerLost, ProcessGoneAndMissedByTheJobManager) {
    const auto found = killed().findings("taskmanager-lost", fault + 2);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("taskmanager", "tm-1"));
    EXPECT_EQ(found[0].since, Scene::at(fault));
    EXPECT_EQ(found[0].fields.at("node"), "tm-1");
    EXPECT_EQ(found[0].fields.at("job"), "fleet");
    EXPECT_GE(found[0].evidence.size(), 2U);
}

// The guards let nothing be done for a job that is over: the one that still wants its task manager is told.
TEST(TaskManagerLost, AJobThatHasEndedIsNotTheOneThatMissesIt) {
    const auto told_with = [](const char* state) {
        Scene batch;
        batch
            .series(
                "flink_subtask_state",
                {{"job", "batch"}, {"vertex", "v"}, {"subtask", "0"}, {"taskmanager", "tm-1"}, {"state", "FINISHED"}},
                [](int s) { return s < fault ? std::optional{1.0} : std::nullopt; })
            .constant("flink_job_state", {{"job", "batch"}, {"state", state}}, 1);
        return killed(std::move(batch)).findings("taskmanager-lost", fault + 2).at(0).fields.at("job");
    };
    EXPECT_EQ(told_with("FINISHED"), "fleet");
    EXPECT_EQ(told_with("CANCELED"), "fleet");
    EXPECT_EQ(told_with("RESTARTING"), "batch");
}

TEST(TaskManagerLost, OneVantagePointIsNotEnough) {
    Scene scene = platform();
    scene.series("process_up", node("tm-1"), [](int s) { return s < fault ? 1.0 : 0.0; })
        .constant("flink_taskmanager_registered", manager("tm-1"), 1)
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    EXPECT_TRUE(scene.findings("taskmanager-lost", fault + 30).empty());
}

TEST(TaskManagerLost, NothingWhenNobodyCanSeeTheProcess) {
    Scene scene = platform();
    scene.series("flink_taskmanager_registered", manager("tm-1"), [](int s) { return s < fault ? 1.0 : 0.0; });
    job_falls(scene, fault);
    EXPECT_TRUE(scene.findings("taskmanager-lost", fault + 10).empty());
}

TEST(TaskManagerLost, EndsWhenTheProcessIsBack) {
    Scene scene = platform();
    scene.series("process_up", node("tm-1"), [](int s) { return s < fault || s > fault + 5 ? 1.0 : 0.0; })
        .series("flink_taskmanager_registered", manager("tm-1"), [](int s) { return s < fault + 1 ? 1.0 : 0.0; });
    job_falls(scene, fault + 1);
    EXPECT_EQ(scene.findings("taskmanager-lost", fault + 4).size(), 1U);
    EXPECT_TRUE(scene.findings("taskmanager-lost", fault + 8).empty());
}

// Before our first look it was gone and struck off: only the job's last attempt names it, and the journal its node.
constexpr const char* lost_id = "127.0.0.1:4711-3279f6";

Scene lost_before_we_came(double jobmanager_answers = 1) {
    Scene scene;
    auto state = subtask("1", lost_id);
    state.emplace_back("state", "FAILED");
    scene.constant("flink_subtask_state", state, 1)
        .constant("process_up", node("tm-1"), 0)
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}}, 1)
        .constant("flink_jobmanager_reachable", {}, jobmanager_answers);
    return scene;
}

TEST(TaskManagerLost, BeforeOurFirstLook) {
    Scene scene = lost_before_we_came();
    EXPECT_TRUE(scene.findings("taskmanager-lost", 20).empty()) << "nobody says which node it was";
    scene.relation(Scene::lab("taskmanager", lost_id), "hosted-by", Scene::lab("node", "tm-1"));
    EXPECT_TRUE(scene.findings("taskmanager-lost", 3).empty()) << "it may be coming back";
    const auto found = scene.findings("taskmanager-lost", 8);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("node"), "tm-1");
    EXPECT_EQ(found[0].fields.at("job"), "fleet");
    EXPECT_TRUE(scene.findings("taskmanager-absent", 8).empty()) << "one loss, told once";
}

TEST(TaskManagerLost, BeforeOurFirstLookIsNotKnownWithoutTheJobManager) {
    Scene scene = lost_before_we_came(0);
    scene.relation(Scene::lab("taskmanager", lost_id), "hosted-by", Scene::lab("node", "tm-1"));
    EXPECT_TRUE(scene.findings("taskmanager-lost", 8).empty());
}

TEST(TaskManagerFrozen, NoCpuAndNoHeartbeat) {
    const auto found = stopped().findings("taskmanager-frozen", fault + 7);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].since, Scene::at(fault));
    EXPECT_EQ(found[0].fields.at("taskmanager"), "tm-1");
    EXPECT_TRUE(stopped().findings("taskmanager-lost", fault + 7).empty());
}

// A process that is not there does not stand: that its node was empty for minutes makes no habit of a standstill.
TEST(TaskManagerFrozen, AnAbsenceBeforeIsNoHabit) {
    constexpr int gone = fault - 25, back = fault + 175, freezes = fault + 240;
    const auto there = [](int s) { return s < gone || s >= back; };
    Scene scene;
    scene.constant("process_up", node("tm-2"), 1)
        .counter("process_cpu_seconds_total", node("tm-2"), 0.3)
        .constant("medic_tick_lateness_seconds", {}, 0.01)
        .series("process_up", node("tm-1"), [=](int s) { return there(s) ? 1.0 : 0.0; })
        .series("process_cpu_seconds_total", node("tm-1"),
                [=](int s) { return there(s) ? std::optional{0.3 * std::min(s, freezes)} : std::nullopt; })
        .constant("flink_taskmanager_registered", manager("tm-1"), 1)
        .series("flink_taskmanager_heartbeat_age_seconds", manager("tm-1"),
                [](int s) { return s > freezes ? 0.5 + s - freezes : 0.5; });
    auto state = subtask("0", "tm-1");
    state.emplace_back("state", "RUNNING");
    scene.constant("flink_subtask_state", state, 1)
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    EXPECT_EQ(scene.findings("taskmanager-frozen", freezes + 8).size(), 1U);
    EXPECT_TRUE(scene.findings("taskmanager-frozen", freezes + 3).empty());
}

// One frozen task manager stops its peers by back pressure, and its heartbeat is not due yet.
Scene whole_job_stands(double in_progress, int checkpoints_stop = fault) {
    Scene scene;
    scene.constant("process_up", node("tm-1"), 1)
        .counter("process_cpu_seconds_total", node("tm-1"), 0.3, fault)
        .counter("process_cpu_seconds_total", node("tm-2"), 0.3)
        .constant("process_up", node("tm-2"), 1)
        .constant("flink_taskmanager_registered", manager("tm-1"), 1)
        .constant("flink_taskmanager_registered", manager("tm-2"), 1)
        .series("flink_taskmanager_heartbeat_age_seconds", manager("tm-1"), [](int s) { return s % 10; })
        .counter("flink_subtask_records_in_total", subtask("0", "tm-1"), 100, fault)
        .counter("flink_subtask_records_in_total", subtask("1", "tm-2"), 100, fault + 1)
        .counter("flink_checkpoints_completed_total", {{"job", "fleet"}}, 1, checkpoints_stop)
        .constant("flink_checkpoints_in_progress", {{"job", "fleet"}}, in_progress)
        .constant("medic_tick_lateness_seconds", {}, 0.01);
    auto state = subtask("0", "tm-1");
    state.emplace_back("state", "RUNNING");
    scene.constant("flink_subtask_state", state, 1);
    return scene;
}

TEST(TaskManagerFrozen, NoCpuAndACheckpointThatNeverEnds) {
    const auto found = whole_job_stands(1).findings("taskmanager-frozen", fault + 8);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("taskmanager"), "tm-1");
}

TEST(TaskManagerFrozen, IdleJobWhoseCheckpointsGoOnIsNotFrozen) {
    EXPECT_TRUE(whole_job_stands(0, 1 << 20).findings("taskmanager-frozen", fault + 9).empty());
    EXPECT_TRUE(whole_job_stands(0).findings("taskmanager-frozen", fault + 9).empty())
        << "nothing is under way that could be late";
}

TEST(TaskManagerFrozen, ThreeSecondsOfStopAreNothing) {
    const Scene scene = stopped(fault + 3);
    for (int second = fault; second < fault + 20; ++second)
        EXPECT_TRUE(scene.findings("taskmanager-frozen", second).empty()) << second;
}

TEST(TaskManagerFrozen, BusyCollectorOfGarbageIsNotFrozen) {
    Scene scene = platform();
    scene.constant("process_up", node("tm-1"), 1)
        .counter("process_cpu_seconds_total", node("tm-1"), 1.0)
        .constant("flink_taskmanager_registered", manager("tm-1"), 1)
        .series("flink_taskmanager_heartbeat_age_seconds", manager("tm-1"),
                [](int s) { return s > fault ? s - fault : 0.5; });
    EXPECT_TRUE(scene.findings("taskmanager-frozen", fault + 20).empty());
}

TEST(TaskManagerFrozen, IdleProcessWithHeartbeatsIsNotFrozen) {
    Scene scene = platform();
    scene.constant("process_up", node("tm-1"), 1)
        .counter("process_cpu_seconds_total", node("tm-1"), 0.3, fault)
        .constant("process_stopped", node("tm-1"), 1)
        .constant("flink_taskmanager_registered", manager("tm-1"), 1)
        .constant("flink_taskmanager_heartbeat_age_seconds", manager("tm-1"), 0.5);
    EXPECT_TRUE(scene.findings("taskmanager-frozen", fault + 30).empty());
}

TEST(TaskManagerFrozen, StarvedMachineProvesNothing) {
    Scene scene = stopped();
    scene.series("medic_tick_lateness_seconds", {{"loop", "core"}}, [](int s) { return s > fault ? 2.0 : 0.0; });
    EXPECT_TRUE(scene.findings("taskmanager-frozen", fault + 7).empty());
}

TEST(TaskManagerFrozen, NothingWithoutSightOfItsCpu) {
    Scene scene = platform();
    scene.constant("process_up", node("tm-1"), 1)
        .constant("flink_taskmanager_registered", manager("tm-1"), 1)
        .series("flink_taskmanager_heartbeat_age_seconds", manager("tm-1"),
                [](int s) { return s > fault ? s - fault : 0.5; });
    EXPECT_TRUE(scene.findings("taskmanager-frozen", fault + 20).empty());
}

TEST(TaskManagerFrozen, IdleSuccessorOnTheSameNodeIsNotTheOneThatIsGone) {
    for (const bool start_time_known : {true, false}) {
        Scene scene = platform();
        scene.series("process_up", node("tm-1"), [](int s) { return s < fault || s > fault + 4 ? 1.0 : 0.0; })
            .series("process_cpu_seconds_total", node("tm-1"), [](int s) { return s < fault ? 0.3 * s : 0.1; })
            .series("flink_taskmanager_registered", manager("tm-1"), [](int s) { return s < fault + 1 ? 1.0 : 0.0; });
        if (start_time_known)
            scene.series("process_start_time_seconds", node("tm-1"), [](int s) {
                return static_cast<double>(Scene::at(s < fault ? -100 : fault + 4).unix_ms) / 1000;
            });
        job_falls(scene, fault + 1);
        EXPECT_TRUE(scene.findings("taskmanager-frozen", fault + 60).empty()) << start_time_known;
        EXPECT_TRUE(scene.findings("taskmanager-lost", fault + 60).empty()) << start_time_known;
    }
}

TEST(TaskManagerFrozen, DeregisteredButStillThereIsFrozenNotLost) {
    Scene scene = platform();
    scene.constant("process_up", node("tm-1"), 1)
        .counter("process_cpu_seconds_total", node("tm-1"), 0.3, fault)
        .series("flink_taskmanager_registered", manager("tm-1"), [](int s) { return s < fault + 6 ? 1.0 : 0.0; });
    job_falls(scene, fault + 6);
    EXPECT_EQ(scene.findings("taskmanager-frozen", fault + 8).size(), 1U);
    EXPECT_TRUE(scene.findings("taskmanager-lost", fault + 8).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include <map>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const Subject job = Scene::lab("job", "fleet"), lost = Scene::lab("lost-job", "fleet");
const std::vector<LabelPair> manager{{"node", "jm"}, {"role", "jobmanager"}};

// The job manager answers at second 60 without the job that ran on it before.
Scene gone() {
    Scene scene;
    scene.series("flink_jobmanager_reachable", {}, [](int s) { return s < 30 || s >= 60 ? 1.0 : 0.0; })
        .series("process_up", manager, [](int s) { return s < 30 || s >= 50 ? 1.0 : 0.0; })
        .attribute(lost, "listed", "false")
        .attribute(lost, "since", std::to_string(Scene::at(60).unix_ms))
        .attribute(lost, "state_before", "RUNNING")
        .attribute(lost, "job_id", "j1")
        .attribute(lost, "version", "v1")
        .attribute(lost, "parallelism", "4")
        .attribute(lost, "checkpoint_path", "file:/cp/j1/chk-7");
    return scene;
}

TEST(JobLost, AJobThatItsJobManagerDoesNotKnowAnyMore) {
    const auto found = gone().findings("job-lost", 85);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, job);
    EXPECT_EQ(found[0].since, Scene::at(60));
    EXPECT_EQ(found[0].fields.at("version"), "v1");
    EXPECT_EQ(found[0].fields.at("checkpoint_path"), "file:/cp/j1/chk-7");
    EXPECT_EQ(found[0].fields.at("job_id_before"), "j1");
    EXPECT_EQ(found[0].evidence.size(), 1U);
}

TEST(JobLost, HighAvailabilityAndApplicationModeGetTimeToListIt) {
    EXPECT_TRUE(gone().findings("job-lost", 75).empty());
    EXPECT_TRUE(gone().attribute(lost, "listed", "true").findings("job-lost", 85).empty());
}

TEST(JobLost, WhatNeverComesBackByItselfIsToldSoon) {
    EXPECT_EQ(gone().attribute(lost, "comes_back", "never").findings("job-lost", 66).size(), 1U);
    EXPECT_TRUE(gone().attribute(lost, "comes_back", "never").findings("job-lost", 63).empty())
        << "a starter of theirs";
    EXPECT_TRUE(gone().attribute(lost, "comes_back", "may").findings("job-lost", 66).empty());
}

struct First {
    double registered = 0, up = 1;
    int started = 0;  // Second of the scene.
};

// Both task managers are older than the loss, run, and are not registered, unless the first one is otherwise.
Scene with_old_task_managers(const First& first = {}) {
    Scene scene = gone();
    scene.attribute(lost, "comes_back", "never")
        .attribute(lost, "task_managers", "a:1-x b:1-y")
        .attribute(lost, "hosts", "a:1-x");
    for (const auto& [node, id] : std::map<std::string, std::string>{{"tm-1", "a:1-x"}, {"tm-2", "b:1-y"}}) {
        const First& how = node == "tm-1" ? first : First{};
        const std::vector<LabelPair> process{{"node", node}, {"role", "taskmanager"}};
        scene.attribute(Scene::lab("taskmanager", id), "node", node)
            .constant("flink_taskmanager_registered", {{"taskmanager", id}}, how.registered)
            .constant("process_up", process, how.up)
            .constant("process_start_time_seconds", process,
                      static_cast<double>(Scene::at(how.started).unix_ms) / 1000);
    }
    return scene;
}

std::string old_task_managers(Scene scene) {
    const auto found = scene.findings("job-lost", 70);
    if (found.size() != 1) return "no finding";
    const auto named = found[0].fields.find("old_taskmanagers");
    return named == found[0].fields.end() ? "" : named->second;
}

TEST(JobLost, NamesTheTaskManagersThatStillRunItsTasks) {
    EXPECT_EQ(old_task_managers(with_old_task_managers()), "tm-1=a:1-x tm-2=b:1-y");
    EXPECT_EQ(with_old_task_managers().findings("job-lost", 63).at(0).fields.at("idle_nodes"), "tm-2");
    EXPECT_FALSE(with_old_task_managers()
                     .attribute(lost, "hosts", "")
                     .findings("job-lost", 63)
                     .at(0)
                     .fields.contains("idle_nodes"))
        << "each may have had it";
    EXPECT_TRUE(with_old_task_managers().findings("job-lost", 61).empty()) << "a starter of theirs";
}

TEST(JobLost, NamesNoneWhereOneIsBackOrUnknownOrAnotherProcess) {
    EXPECT_EQ(old_task_managers(with_old_task_managers({.registered = 1})), "");
    EXPECT_EQ(old_task_managers(with_old_task_managers({.up = 0})), "");
    EXPECT_EQ(old_task_managers(with_old_task_managers({.started = 61})), "");
    EXPECT_EQ(old_task_managers(with_old_task_managers().attribute(lost, "task_managers", "a:1-x b:1-y c:1-z")), "");
    EXPECT_EQ(old_task_managers(with_old_task_managers().attribute(lost, "comes_back", "may")), "no finding");
}

TEST(JobLost, WhatRunsInAnotherFlinkOfTheClusterIsNotLost) {
    EXPECT_TRUE(gone().attribute(job, "state", "RUNNING").findings("job-lost", 85).empty());
}

// Two Flinks in one cluster, and this one has forgotten its job.
TEST(JobLost, OfSeveralFlinksItsOwnOneDecides) {
    const auto of_two = [](double own, double other) {
        Scene scene;
        scene.constant("flink_jobmanager_reachable", {{"flink", "a:8081"}}, own)
            .constant("flink_jobmanager_reachable", {{"flink", "b:8081"}}, other)
            .attribute(lost, "listed", "false")
            .attribute(lost, "flink", "a:8081")
            .attribute(lost, "since", std::to_string(Scene::at(10).unix_ms));
        return scene.findings("job-lost", 85).size();
    };
    EXPECT_EQ(of_two(1, 1), 1U) << "told once";
    EXPECT_EQ(of_two(1, 0), 1U);
    EXPECT_EQ(of_two(0, 1), 0U) << "its own is away and knows nothing";
}

TEST(JobLost, WhoStopsAJobManagerInGoodOrderKnowsItsJobs) {
    EXPECT_TRUE(gone()
                    .event(29, Scene::lab("node", "jm"), "clean-stop", "RECEIVED SIGNAL 15: SIGTERM", {{"node", "jm"}})
                    .findings("job-lost", 85)
                    .empty());
    EXPECT_TRUE(gone()
                    .series("process_stopped_in_order", {{"node", "jm"}}, [](int s) { return s >= 31 ? 1.0 : 0.0; })
                    .findings("job-lost", 85)
                    .empty());
    // Another node's stop says nothing of this one.
    EXPECT_EQ(gone()
                  .event(29, Scene::lab("node", "tm-1"), "clean-stop", "SIGTERM", {{"node", "tm-1"}})
                  .findings("job-lost", 85)
                  .size(),
              1U);
}

TEST(JobLost, NothingWhileTheJobManagerIsAwayOrNobodyAsksIt) {
    Scene away;
    away.constant("flink_jobmanager_reachable", {}, 0)
        .attribute(lost, "listed", "false")
        .attribute(lost, "since", std::to_string(Scene::at(10).unix_ms));
    EXPECT_TRUE(away.findings("job-lost", 85).empty());
    Scene unseen;
    unseen.attribute(lost, "listed", "false").attribute(lost, "since", std::to_string(Scene::at(10).unix_ms));
    EXPECT_TRUE(unseen.findings("job-lost", 85).empty());
}

TEST(JobLost, WhatWasNeverSeenIsNotTold) {
    Scene scene;
    scene.constant("flink_jobmanager_reachable", {}, 1)
        .attribute(lost, "listed", "false")
        .attribute(lost, "since", std::to_string(Scene::at(10).unix_ms));
    const auto found = scene.findings("job-lost", 85);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].fields.contains("version"));
    EXPECT_FALSE(found[0].fields.contains("checkpoint_path"));
}

}  // namespace
}  // namespace medic::analyzers

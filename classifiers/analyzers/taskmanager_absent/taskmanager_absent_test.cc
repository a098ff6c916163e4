#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const std::vector<LabelPair> node{{"node", "tm-2"}, {"role", "taskmanager"}};
const std::vector<LabelPair> manager{{"taskmanager", "127.0.0.1:4711-3279f6"}};
const auto node_subject = Scene::lab("node", "tm-2");
const auto manager_subject = Scene::lab("taskmanager", "127.0.0.1:4711-3279f6");

// The job manager answers; the process of tm-2 is gone from second `gone` on.
Scene gone_since(int gone) {
    Scene scene;
    scene.constant("flink_jobmanager_reachable", {}, 1)
        .series("process_up", node, [=](int s) { return s < gone ? 1.0 : 0.0; })
        .attribute(node_subject, "spare", "false");
    return scene;
}

TEST(TaskManagerAbsent, NeverSeenAndListedNowhere) {
    const auto found = gone_since(0).findings("taskmanager-absent", 7);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, node_subject);
    EXPECT_EQ(found[0].evidence.size(), 2U);
}

TEST(TaskManagerAbsent, NamesTheJobThatMissesIt) {
    Scene scene = gone_since(0);
    EXPECT_FALSE(scene.findings("taskmanager-absent", 7).at(0).fields.contains("job"));
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}}, 1);
    EXPECT_EQ(scene.findings("taskmanager-absent", 7).at(0).fields.at("job"), "fleet");
}

TEST(TaskManagerAbsent, OfSeveralFlinksThatOfTheJobIsTheSecondVantagePoint) {
    const auto of_two = [](double own, double other) {
        Scene scene;
        scene.constant("flink_jobmanager_reachable", {{"flink", "a:8081"}}, own)
            .constant("flink_jobmanager_reachable", {{"flink", "b:8081"}}, other)
            .constant("process_up", node, 0)
            .constant("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}}, 1)
            .attribute(Scene::lab("job", "fleet"), "flink", "a:8081");
        return scene;
    };
    EXPECT_EQ(of_two(1, 0).findings("taskmanager-absent", 7).size(), 1U) << "the other one does not matter";
    EXPECT_TRUE(of_two(0, 1).findings("taskmanager-absent", 7).empty());
    Scene whose = of_two(1, 0);
    whose.attribute(Scene::lab("job", "fleet"), "flink", "");
    EXPECT_TRUE(whose.findings("taskmanager-absent", 7).empty());
}

TEST(TaskManagerAbsent, OneThatWentIsGivenTimeToComeBack) {
    EXPECT_TRUE(gone_since(60).findings("taskmanager-absent", 80).empty());
    EXPECT_EQ(gone_since(60).findings("taskmanager-absent", 100).size(), 1U);
}

TEST(TaskManagerAbsent, SilentWhileAJobMissesIt) {
    Scene scene = gone_since(60);
    scene.series("flink_taskmanager_registered", manager, [](int s) { return s < 61 ? 1.0 : 0.0; })
        .relation(manager_subject, "hosted-by", node_subject)
        .series("flink_subtask_state",
                {{"job", "fleet"},
                 {"vertex", "v"},
                 {"subtask", "0"},
                 {"taskmanager", "127.0.0.1:4711-3279f6"},
                 {"state", "RUNNING"}},
                [](int s) { return s < 60 ? std::optional{1.0} : std::nullopt; });
    EXPECT_TRUE(scene.findings("taskmanager-absent", 100).empty());
}

TEST(TaskManagerAbsent, ColdSpareIsAsItShouldBe) {
    Scene scene = gone_since(0);
    scene.attribute(node_subject, "spare", "true");
    EXPECT_TRUE(scene.findings("taskmanager-absent", 60).empty());
}

// The agent comes after the loss of a node that the configuration calls a spare, and that had taken another's place.
TEST(TaskManagerAbsent, ASpareThatHadWorkIsMissedByItsJob) {
    Scene scene = gone_since(0);
    scene.attribute(node_subject, "spare", "true");
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}}, 1);
    EXPECT_TRUE(scene.findings("taskmanager-absent", 60).empty()) << "never known as a task manager";
    scene.attribute(node_subject, "taskmanager", "127.0.0.1:4711-3279f6");
    EXPECT_EQ(scene.findings("taskmanager-absent", 7).size(), 1U);
    Scene calm = gone_since(0);
    calm.attribute(node_subject, "spare", "true").attribute(node_subject, "taskmanager", "127.0.0.1:4711-3279f6");
    EXPECT_TRUE(calm.findings("taskmanager-absent", 60).empty()) << "no job misses it";
}

TEST(TaskManagerAbsent, WarmSpareThatWentIsMissed) {
    Scene scene = gone_since(60);
    scene.attribute(node_subject, "spare", "true");
    EXPECT_EQ(scene.findings("taskmanager-absent", 100).size(), 1U);
}

TEST(TaskManagerAbsent, HealthyProcessIsNothing) {
    EXPECT_TRUE(gone_since(1 << 20).findings("taskmanager-absent", 100).empty());
}

TEST(TaskManagerAbsent, NothingWithoutTheJobManagersWord) {
    Scene scene;
    scene.constant("process_up", node, 0);
    EXPECT_TRUE(scene.findings("taskmanager-absent", 60).empty());
}

}  // namespace
}  // namespace medic::analyzers

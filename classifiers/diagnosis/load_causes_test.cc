// Causes that rest on a finding about load, lag or checkpoints: which one is named, about whom, and what it explains.
#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"
#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/diagnoser.h"

namespace medic {
namespace {

using analyzers::Scene;

Finding found(std::string id, Subject subject, int second, std::map<std::string, std::string> fields = {}) {
    return {.id = std::move(id),
            .subject = std::move(subject),
            .since = Scene::at(second),
            .weight = 1,
            .summary = "",
            .fields = std::move(fields),
            .evidence = {{"metric", "m", "", 1, Scene::at(second)}}};
}

// What is told of these findings after two looks, half a minute apart: effects have had the time to be explained.
std::vector<Diagnosis> told(const std::vector<Finding>& findings, const Scene& scene = {}) {
    auto catalogue = Catalogue::load_embedded();
    EXPECT_TRUE(catalogue.has_value());
    Diagnoser diagnoser{*std::move(catalogue)};
    std::vector<Diagnosis> last;
    for (const int second : {60, 90})
        last = scene.after(second, [&](View view, const Now& now) {
            view.findings = findings;
            return diagnoser.diagnose(view, now);
        });
    return last;
}

TEST(LoadCauses, EachFindingHasOneCauseAboutItsSubject) {
    struct Row {
        const char *finding, *kind, *cause;
        Side side;
    };
    for (const auto& [finding, kind, cause, side] :
         std::vector<Row>{{"checkpoint-barriers-late", "job", "flink.checkpoint-barriers-late", Side::user},
                          {"checkpoint-subtask-late", "job", "flink.checkpoint-subtask-late", Side::system},
                          {"checkpoint-state-skewed", "job", "flink.data-skew", Side::user},
                          {"checkpoint-storage-slow", "job", "flink.checkpoint-storage-slow", Side::system},
                          {"checkpoint-state-large", "job", "flink.checkpoint-state-large", Side::user},
                          {"taskmanager-slow", "taskmanager", "flink.subtask-slow", Side::system},
                          {"checkpoint-sync-slow", "job", "flink.checkpoint-sync-slow", Side::user},
                          {"group-stopped", "group", "kafka.group-stopped", Side::user},
                          {"group-stalled", "group", "kafka.group-stalled", Side::user},
                          {"group-rewound", "group", "kafka.group-rewound", Side::user},
                          {"group-falling-behind", "group", "kafka.group-falling-behind", Side::user},
                          {"headroom-missing", "cluster", "kafka.headroom-missing", Side::system},
                          {"broker-partition-bound", "broker", "kafka.broker-partition-bound", Side::system},
                          {"broker-slow", "broker", "kafka.broker-slow", Side::system},
                          {"writes-refused", "topic", "kafka.writes-refused", Side::user},
                          {"leaders-displaced", "cluster", "kafka.leaders-displaced", Side::system},
                          {"orphan-throttle", "cluster", "kafka.orphan-throttle", Side::system},
                          {"reassignment-stuck", "broker", "kafka.reassignment-stuck", Side::system},
                          {"hanging-transaction", "topic", "kafka.hanging-transaction", Side::system},
                          {"coordinator-stuck", "partition", "kafka.coordinator-stuck", Side::system},
                          {"in-sync-replicas-gone", "topic", "kafka.in-sync-replicas-gone", Side::system},
                          {"noisy-client", "client", "kafka.noisy-client", Side::user},
                          {"noisy-client", "user", "kafka.noisy-client", Side::user},
                          {"leaders-uneven", "broker", "kafka.leaders-uneven", Side::system},
                          {"topic-loads-broker", "topic", "kafka.topic-loads-broker", Side::user}}) {
        const std::string name = std::string(kind) == "cluster" ? "lab" : "x";
        const auto diagnoses = told({found(finding, Scene::lab(kind, name), 30)});
        ASSERT_EQ(diagnoses.size(), 1U) << finding;
        EXPECT_EQ(diagnoses[0].cause, cause) << finding;
        EXPECT_EQ(diagnoses[0].subject, Scene::lab(kind, name)) << finding;
        EXPECT_EQ(diagnoses[0].side, side) << finding;
    }
}

TEST(LoadCauses, CatchingUpIsNoTrouble) {
    EXPECT_TRUE(told({found("group-catching-up", Scene::lab("group", "g"), 30)}).empty());
}

TEST(LoadCauses, SkewExplainsLateBarriersAndTheLagOfItsJobsGroup) {
    const auto job = Scene::lab("job", "j");
    const auto diagnoses =
        told({found("data-skew", job, 30, {{"job", "j"}}), found("checkpoint-barriers-late", job, 31, {{"job", "j"}}),
              found("group-falling-behind", Scene::lab("group", "g"), 32, {{"group", "g"}, {"job", "j"}})});
    ASSERT_EQ(diagnoses.size(), 1U);
    EXPECT_EQ(diagnoses[0].cause, "flink.data-skew");
    EXPECT_EQ(diagnoses[0].effects.size(), 2U);
}

TEST(LoadCauses, PartOfACheckpointExplainsThatItDidNotFitItsTimeout) {
    Scene scene;
    scene.event(
        40, Scene::lab("job", "j"), "exception",
        "org.apache.flink.util.FlinkRuntimeException: Exceeded checkpoint tolerable failure threshold. The latest "
        "checkpoint failed due to Checkpoint expired before completing.");
    const auto diagnoses = told({found("checkpoint-storage-slow", Scene::lab("job", "j"), 30, {{"job", "j"}})}, scene);
    ASSERT_EQ(diagnoses.size(), 1U);
    EXPECT_EQ(diagnoses[0].cause, "flink.checkpoint-storage-slow");
}

}  // namespace
}  // namespace medic

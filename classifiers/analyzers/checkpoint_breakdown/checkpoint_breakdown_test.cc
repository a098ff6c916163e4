#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

using Fields = std::map<std::string, std::string>;

// A slow subtask 2 of four; what is not given is quick.
struct Told {
    int at = 200;
    std::string checkpoint = "7", status = "completed", vertex = "count";
    std::string start_delay = "100", alignment = "50", sync = "20", async = "100", state_bytes = "100000000";
    std::string usual_async = "100", usual_state_bytes = "100000000", acknowledged = "4", missing;
    std::string duration = "40000", end_to_end = "40000";
};

Scene& tell(Scene& scene, const Told& told) {
    Fields fields{{"checkpoint", told.checkpoint}, {"status", told.status}, {"duration_ms", told.duration},
                  {"vertex", told.vertex},         {"subtasks", "4"},       {"acknowledged", told.acknowledged}};
    if (!told.missing.empty()) fields["missing"] = told.missing;
    if (told.status == "failed") fields["expired"] = "true";
    if (told.acknowledged != "0")
        fields.insert({{"slowest", "2"},
                       {"end_to_end_ms", told.end_to_end},
                       {"start_delay_ms", told.start_delay},
                       {"alignment_ms", told.alignment},
                       {"sync_ms", told.sync},
                       {"async_ms", told.async},
                       {"state_bytes", told.state_bytes},
                       {"usual_async_ms", told.usual_async},
                       {"usual_state_bytes", told.usual_state_bytes}});
    return scene.event(told.at, Scene::lab("job", "fleet"), "checkpoint-parts", "", fields);
}

Scene job() {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1)
        .constant(
            "flink_subtask_state",
            {{"job", "fleet"}, {"vertex", "count"}, {"subtask", "2"}, {"taskmanager", "tm-9"}, {"state", "RUNNING"}}, 1)
        .attribute(Scene::lab("job", "fleet"), "checkpoint_interval_ms", "60000")
        .attribute(Scene::lab("job", "fleet"), "checkpoint_timeout_ms", "120000");
    return scene;
}

// Twice the same, as the analyzer wants it.
Scene twice(Told told) {
    Scene scene = job();
    tell(scene, told);
    told.at += 60;
    told.checkpoint = "8";
    tell(scene, told);
    return scene;
}

std::vector<Finding> all(const Scene& scene, int seconds = 300) {
    return scene.after(seconds, [](const View& view, const Now& now) {
        auto found = analyze(view, now);
        std::erase_if(found, [](const Finding& one) { return !one.id.starts_with("checkpoint-"); });
        return found;
    });
}

std::string only_id(const Scene& scene) {
    const auto found = all(scene);
    return found.size() == 1 ? found[0].id : std::to_string(found.size()) + " findings";
}

TEST(CheckpointBreakdown, LateBarriersNameWhoLimitsTheJob) {
    Scene scene = twice({.start_delay = "38000"});
    for (const char* subtask : {"0", "1"}) {
        const auto at = [&](const char* vertex) -> std::vector<LabelPair> {
            return {{"job", "fleet"}, {"vertex", vertex}, {"subtask", subtask}};
        };
        scene.constant("flink_subtask_backpressured_ratio", at("source"), 0.9)
            .constant("flink_subtask_busy_ratio", at("source"), 0.1)
            .constant("flink_subtask_busy_ratio", at("enrich"), 0.95);
    }
    const auto found = all(scene);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "checkpoint-barriers-late");
    EXPECT_EQ(found[0].subject, Scene::lab("job", "fleet"));
    EXPECT_EQ(found[0].fields.at("limit"), "enrich");
    EXPECT_EQ(found[0].fields.at("part"), "start_delay");
    EXPECT_EQ(found[0].since, Scene::at(200));
    EXPECT_NE(found[0].evidence.back().text.find("start delay 38 s"), std::string::npos);
}

TEST(CheckpointBreakdown, EachPartHasItsOwnFinding) {
    EXPECT_EQ(only_id(twice({.alignment = "35000"})), "checkpoint-barriers-late");
    EXPECT_EQ(only_id(twice({.sync = "35000"})), "checkpoint-sync-slow");
    EXPECT_EQ(only_id(twice({.async = "35000", .usual_async = "34000"})), "checkpoint-storage-slow") << "2.9 MB/s";
    EXPECT_EQ(only_id(twice({.async = "35000", .state_bytes = "2000000000", .usual_async = "34000"})),
              "checkpoint-state-large")
        << "57 MB/s";
    EXPECT_EQ(only_id(twice({.async = "35000", .usual_async = "5000"})), "checkpoint-subtask-late");
    EXPECT_EQ(only_id(twice({.async = "35000", .state_bytes = "900000000", .usual_async = "5000"})),
              "checkpoint-state-skewed");
}

TEST(CheckpointBreakdown, WorkOfOneVertexDecidesBeforeThoseThatWaitForIt) {
    Scene scene = twice({.vertex = "sink", .start_delay = "38000"});
    tell(scene, {.at = 260, .checkpoint = "8", .vertex = "count", .sync = "30000", .end_to_end = "31000"});
    const auto found = all(scene);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "checkpoint-sync-slow");
    EXPECT_EQ(found[0].fields.at("vertex"), "count");
}

TEST(CheckpointBreakdown, StragglerOfAnExpiredCheckpointIsNamedWithItsTaskManager) {
    Scene scene = job();
    tell(scene, {.status = "failed", .acknowledged = "3", .missing = "2", .duration = "120000"});
    const auto found = all(scene);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "checkpoint-subtask-late");
    EXPECT_EQ(found[0].fields.at("subtask"), "2");
    EXPECT_EQ(found[0].fields.at("taskmanager"), "tm-9");
}

TEST(CheckpointBreakdown, UnreachedVertexIsBackpressureOnlyWhereSomebodyWaits) {
    Scene scene = job();
    tell(scene, {.status = "in_progress", .acknowledged = "0", .missing = "0,1,2,3", .duration = "90000"});
    EXPECT_TRUE(all(scene).empty()) << "nobody is known to wait";
    scene.constant("flink_subtask_backpressured_ratio", {{"job", "fleet"}, {"vertex", "source"}, {"subtask", "0"}},
                   0.9);
    EXPECT_EQ(only_id(scene), "checkpoint-barriers-late");
}

TEST(CheckpointBreakdown, HealthyLookAlikesAreSilent) {
    Scene once = job();
    tell(once, {.sync = "35000"});
    EXPECT_TRUE(all(once).empty()) << "one slow checkpoint, as after a start";
    EXPECT_TRUE(all(twice({.sync = "20000", .duration = "25000", .end_to_end = "25000"})).empty())
        << "less than half of the interval";
    EXPECT_TRUE(
        all(twice({.at = 200, .start_delay = "9000", .alignment = "9000", .sync = "9000", .async = "9000"})).empty())
        << "no part decides";
    Scene recovered = twice({.sync = "35000"});
    recovered.constant("flink_checkpoint_last_duration_seconds", {{"job", "fleet"}}, 2)
        .constant("flink_checkpoint_last_completed_timestamp_seconds", {{"job", "fleet"}},
                  static_cast<double>(Scene::at(280).unix_ms) / 1000);
    EXPECT_TRUE(all(recovered).empty()) << "a quick one has come since";
}

TEST(CheckpointBreakdown, FailureOfTheJobIsNoSlowness) {
    Scene scene = job();
    Fields fields{{"checkpoint", "7"}, {"status", "failed"},  {"duration_ms", "15000"}, {"vertex", "count"},
                  {"subtasks", "4"},   {"acknowledged", "3"}, {"missing", "2"}};
    scene.event(250, Scene::lab("job", "fleet"), "checkpoint-parts", "", fields);
    EXPECT_TRUE(all(scene).empty());
}

TEST(CheckpointBreakdown, NothingWithoutTheParts) {
    Scene scene = job();
    scene.constant("flink_checkpoint_last_duration_seconds", {{"job", "fleet"}}, 90)
        .constant("flink_checkpoints_in_progress", {{"job", "fleet"}}, 1);
    EXPECT_TRUE(all(scene).empty());
    EXPECT_TRUE(all(twice({.sync = "35000"}), 700).empty()) << "old news";
    EXPECT_TRUE(all(twice({.async = "35000", .state_bytes = "", .usual_async = "34000"})).empty())
        << "without its size nobody can tell slow storage from much state";
}

TEST(CheckpointBreakdown, WithoutAnIntervalOnlyTheTimeoutJudges) {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    tell(scene, {.sync = "35000"});
    tell(scene, {.at = 260, .checkpoint = "8", .sync = "35000"});
    EXPECT_TRUE(all(scene).empty()) << "40 s of the default time-out of ten minutes";
}

}  // namespace
}  // namespace medic::analyzers

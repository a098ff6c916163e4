#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "agent/advice/advise.h"
#include "agent/advice/read_shape.h"

namespace medic::advice {
namespace {

std::string file(const std::string& path) {
    std::ifstream in("agent/collectors/testdata/" + path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::string> ids(const JobShape& job) {
    std::vector<std::string> all;
    for (const auto& one : advise(job)) all.push_back(one.id);
    return all;
}

bool says(const JobShape& job, const std::string& id) {
    const auto all = ids(job);
    return std::ranges::find(all, id) != all.end();
}

Subtask worked(double records, double busy_ratio) {
    return {.records_in = records, .busy_ms = busy_ratio * 600'000, .running_ms = 600'000};
}

// source → keyed window, both of parallelism 4 and well used.
JobShape good() {
    JobShape job;
    job.name = "orders";
    job.cpu_cores = 8;
    job.vertices = {{"a", "Source: orders", "Source: orders<br/>", 4, 128, {}, std::vector(4, worked(1'000, 0.4))},
                    {"b", "Window", "Window<br/>", 4, 128, {{"a", "HASH"}}, std::vector(4, worked(1'000, 0.6))}};
    job.checkpoints = {.enabled = true,
                       .kept_on_cancel = true,
                       .interval_ms = 60'000,
                       .timeout_ms = 600'000,
                       .min_pause_ms = 30'000,
                       .usual_ms = 800,
                       .longest_ms = 3'000,
                       .size_bytes = 1e6,
                       .storage = "FileSystemCheckpointStorage"};
    return job;
}

TEST(Advice, NothingAboutAGoodJob) { EXPECT_TRUE(ids(good()).empty()); }

TEST(Advice, ThousandsOfSubtasksOnFewCores) {
    auto job = good();
    for (auto& vertex : job.vertices) vertex.parallelism = 800, vertex.max_parallelism = 5'040;
    EXPECT_TRUE(says(job, "too-many-subtasks"));
    job.cpu_cores.reset();
    EXPECT_FALSE(says(job, "too-many-subtasks")) << "said without knowing the cores";
}

TEST(Advice, RebalanceBetweenEqualsIsNeedless) {
    auto job = good();
    job.vertices[1].inputs[0].strategy = "REBALANCE";
    EXPECT_TRUE(says(job, "needless-shuffle"));
    job.vertices[0].parallelism = 2;
    EXPECT_FALSE(says(job, "needless-shuffle"));
    EXPECT_TRUE(says(job, "uneven-parallelism"));
}

TEST(Advice, BranchesThatDifferByAValueOnly) {
    auto job = good();
    for (int i = 0; i < 6; ++i)
        job.vertices.push_back({"f" + std::to_string(i),
                                "Filter(alarm = " + std::to_string(i) + ")",
                                "",
                                4,
                                128,
                                {{"a", "FORWARD"}},
                                std::vector(4, worked(500, 0.5))});
    EXPECT_TRUE(says(job, "repeated-branches"));
    job.vertices.resize(4);
    EXPECT_FALSE(says(job, "repeated-branches"));
}

TEST(Advice, SubtasksThatNeverGotARecord) {
    auto job = good();
    job.vertices[1].subtasks[2] = worked(0, 0);
    EXPECT_TRUE(says(job, "few-keys"));
    job.vertices[1].subtasks[2].records_in.reset();
    EXPECT_FALSE(says(job, "few-keys")) << "said of a subtask that has not reported";
}

TEST(Advice, HardlyBusyVertex) {
    auto job = good();
    job.vertices[1] = {"b", "Window", "", 16, 128, {{"a", "HASH"}}, std::vector(16, worked(10, 0.02))};
    EXPECT_TRUE(says(job, "hardly-busy"));
    for (auto& subtask : job.vertices[1].subtasks) subtask.running_ms = 5'000;
    EXPECT_FALSE(says(job, "hardly-busy")) << "said of an attempt that just began";
}

TEST(Advice, MaximumParallelismNear) {
    auto job = good();
    job.vertices[1].parallelism = 100;
    EXPECT_TRUE(says(job, "max-parallelism-near"));
    job.vertices[1].parallelism = 48;
    EXPECT_TRUE(says(job, "key-groups-uneven"));
}

TEST(Advice, Checkpoints) {
    auto job = good();
    job.checkpoints.enabled = false;
    EXPECT_EQ(ids(job), std::vector<std::string>{"no-checkpoints"});
    job = good();
    job.checkpoints.usual_ms = 40'000;
    job.checkpoints.min_pause_ms = 0;
    EXPECT_TRUE(says(job, "checkpoints-back-to-back"));
    job = good();
    job.checkpoints.longest_ms = 500'000;
    EXPECT_TRUE(says(job, "checkpoint-timeout-near"));
    job = good();
    job.checkpoints.storage = "JobManagerCheckpointStorage";
    job.checkpoints.kept_on_cancel = false;
    EXPECT_TRUE(says(job, "checkpoints-in-memory"));
    EXPECT_TRUE(says(job, "checkpoints-not-kept"));
    job = good();
    job.checkpoints.usual_ms.reset();
    job.checkpoints.longest_ms.reset();
    EXPECT_TRUE(ids(job).empty()) << "advice without a completed checkpoint";
    job.checkpoints = {};
    EXPECT_TRUE(ids(job).empty()) << "advice on settings that nobody told";
}

TEST(Advice, HeaviestFirst) {
    auto job = good();
    job.checkpoints.kept_on_cancel = false;
    job.vertices[1].parallelism = 100;
    const auto all = advise(job);
    ASSERT_GE(all.size(), 2U);
    EXPECT_EQ(all.front().weight, Weight::warning);
    EXPECT_EQ(all.back().weight, Weight::note);
}

class RealShape : public testing::TestWithParam<const char*> {};

TEST_P(RealShape, IsReadAlikeFromBothVersions) {
    const std::string folder = GetParam();
    ShapeAnswers answers{.job = file(folder + "/flink-job.json"),
                         .checkpoints = file(folder + "/flink-checkpoints.json"),
                         .checkpoint_config = "",
                         .task_managers = file(folder + "/flink-taskmanagers.json"),
                         .vertices = {"", file(folder + "/flink-vertex.json")}};
    const auto shape = read_shape(answers);
    ASSERT_TRUE(shape) << shape.error().message;
    EXPECT_EQ(shape->name, "orders-by-customer");
    ASSERT_EQ(shape->vertices.size(), 3U);
    EXPECT_EQ(shape->vertices[0].parallelism, 4);
    EXPECT_EQ(shape->vertices[0].max_parallelism, 128);
    ASSERT_EQ(shape->vertices[1].inputs.size(), 1U);
    EXPECT_EQ(shape->vertices[1].inputs[0].strategy, "HASH");
    ASSERT_EQ(shape->vertices[1].subtasks.size(), 4U);
    EXPECT_GT(shape->vertices[1].subtasks[0].records_in.value_or(0), 1'000);
    EXPECT_TRUE(shape->vertices[0].subtasks.empty());
    EXPECT_EQ(shape->slots, 4);
    EXPECT_GT(shape->cpu_cores.value_or(0), 0);
    EXPECT_GT(shape->checkpoints.usual_ms.value_or(0), 0);
}

INSTANTIATE_TEST_SUITE_P(Flink, RealShape, testing::Values("kafka-3.9.1-flink-1.20.1", "kafka-4.1.0-flink-2.0.0"),
                         [](const auto& one) { return std::string(one.param).ends_with("2.0.0") ? "v2_0" : "v1_20"; });

TEST(ReadShape, HalfAnAnswerIsAbsentNotZero) {
    const auto shape =
        read_shape({.job = R"({"jid":"a","name":"n","vertices":[{"id":"v","name":"x"}]})",
                    .checkpoints = "[]",
                    .checkpoint_config = R"({"interval":9223372036854775807})",
                    .task_managers = "{",
                    .vertices = {R"({"subtasks":[{"metrics":{"read-records":0,"read-records-complete":false}}]})"}});
    ASSERT_TRUE(shape);
    EXPECT_FALSE(shape->slots || shape->cpu_cores || shape->checkpoints.usual_ms);
    EXPECT_EQ(shape->checkpoints.enabled, false) << "Flink's word for `off`";
    ASSERT_EQ(shape->vertices[0].subtasks.size(), 1U);
    EXPECT_FALSE(shape->vertices[0].subtasks[0].records_in);
    EXPECT_FALSE(
        read_shape({.job = "{}", .checkpoints = "", .checkpoint_config = "", .task_managers = "", .vertices = {}}));
}

}  // namespace
}  // namespace medic::advice

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const std::vector<LabelPair> dir{{"broker", "2"}, {"log_dir", "/d"}};

std::vector<LabelPair> replica(const char* topic) {
    return {{"broker", "2"}, {"log_dir", "/d"}, {"topic", topic}, {"partition", "0"}};
}

// 1 GB, of which `start` is used; `debug` grows by `growth` bytes/s.
Scene disk(double start, double growth) {
    Scene scene;
    scene.constant("kafka_log_dir_total_bytes", dir, 1e9)
        .series("kafka_log_dir_usable_bytes", dir, [=](int s) { return 1e9 - start - growth * s; })
        .constant("kafka_replica_size_bytes", replica("events"), start * 0.9)
        .series("kafka_replica_size_bytes", replica("debug"), [=](int s) { return start * 0.1 + growth * s; });
    return scene;
}

TEST(DiskForecast, NamesTheTopicThatGrowsAndTheTimeLeft) {
    const auto found = disk(600e6, 1e6).findings("disk-filling", 30);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("log-dir", "2:/d"));
    EXPECT_EQ(found[0].fields.at("topic"), "debug");
    EXPECT_EQ(found[0].fields.at("until_full_seconds"), "370");
    EXPECT_TRUE(disk(600e6, 1e6).findings("disk-nearly-full", 30).empty());
}

TEST(DiskForecast, EightyPercentIsNearlyFull) {
    EXPECT_EQ(disk(800e6, 1e6).findings("disk-nearly-full", 30).size(), 1U);
    EXPECT_TRUE(disk(800e6, 1e6).findings("disk-filling", 30).empty());
}

TEST(DiskForecast, FastFillIsNearlyFullBeforeEighty) {
    EXPECT_EQ(disk(650e6, 4e6).findings("disk-nearly-full", 15).size(), 1U);
}

TEST(DiskForecast, HalfFullOrShrinkingIsNothing) {
    EXPECT_TRUE(disk(500e6, 1e6).findings("disk-filling", 30).empty());
    EXPECT_FALSE(disk(650e6, -1e6).findings("disk-filling", 30).at(0).fields.contains("until_full_seconds"));
}

// The same disk, where Kafka's replicas hold next to nothing.
Scene shared_disk(double used) {
    Scene scene;
    scene.constant("kafka_log_dir_total_bytes", dir, 1e9)
        .constant("kafka_log_dir_usable_bytes", dir, 1e9 - used)
        .constant("kafka_replica_size_bytes", replica("events"), 1e6);
    return scene;
}

TEST(DiskForecast, NoTopicIsBlamedForADiskThatOthersFill) {
    EXPECT_TRUE(shared_disk(710e6).findings("disk-filling", 30).empty());
    EXPECT_TRUE(shared_disk(710e6).findings("disk-filled-by-others", 30).empty());
    const auto found = shared_disk(850e6).findings("disk-filled-by-others", 30);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].fields.contains("topic"));
    EXPECT_TRUE(shared_disk(850e6).findings("disk-nearly-full", 30).empty());
}

TEST(DiskForecast, WithoutReplicaSizesTheLevelAloneSpeaks) {
    Scene scene;
    scene.constant("kafka_log_dir_total_bytes", dir, 1e9).constant("kafka_log_dir_usable_bytes", dir, 150e6);
    EXPECT_TRUE(scene.findings("disk-filled-by-others", 30).empty());
    EXPECT_EQ(scene.findings("disk-nearly-full", 30).size(), 1U);
}

TEST(DiskForecast, NothingWithoutTheCapacity) {
    Scene scene;
    scene.constant("kafka_log_dir_usable_bytes", dir, 1e6);
    EXPECT_TRUE(scene.findings("disk-nearly-full", 30).empty());
    EXPECT_TRUE(scene.findings("disk-filling", 30).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

struct Topic {
    double replicas = 3, in_sync = 3, leader = 1;
    std::optional<std::string> least = "4";
    int written_until = 100;
    bool end_offsets = true;
    std::optional<int> known_until{};  // From an agent before this one.
};

std::vector<Finding> refused(const Topic& topic, int seconds = 130) {
    Scene scene;
    for (const char* partition : {"0", "1"}) {
        const std::vector<LabelPair> which{{"topic", "orders"}, {"partition", partition}};
        scene.constant("kafka_partition_replicas", which, topic.replicas)
            .constant("kafka_partition_in_sync_replicas", which, topic.in_sync)
            .constant("kafka_partition_leader", which, topic.leader);
        if (topic.end_offsets) scene.counter("kafka_partition_log_end_offset", which, 10, topic.written_until);
    }
    if (topic.least) scene.attribute(Scene::lab("topic", "orders"), "min.insync.replicas", *topic.least);
    if (topic.known_until)
        scene.attribute(Scene::lab("topic", "orders"), "written_until",
                        std::to_string(Scene::at(*topic.known_until).unix_ms));
    return scene.findings("writes-refused", seconds);
}

TEST(WritesRefused, MoreReplicasAreAskedForThanThereAre) {
    const auto found = refused({});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("topic", "orders"));
    EXPECT_EQ(found[0].since, Scene::at(100));
    EXPECT_NE(found[0].summary.find("min.insync.replicas is 4, and its partitions have 3 replicas"), std::string::npos)
        << found[0].summary;
    EXPECT_EQ(found[0].fields.at("topic"), "orders");
}

TEST(WritesRefused, EnoughReplicasOrRecordsThatStillComeAreNoTrouble) {
    EXPECT_TRUE(refused({.least = "3"}).empty());
    EXPECT_TRUE(refused({.written_until = 1'000}).empty()) << "written with acks=1";
    EXPECT_TRUE(refused({.written_until = 125}).empty()) << "it may only just have paused";
    EXPECT_TRUE(refused({.written_until = 0}).empty()) << "nobody writes to it";
}

// Its history begins after the last write.
TEST(WritesRefused, AnAgentThatIsStartedAfterTheChangeKnowsFromTheOneBeforeIt) {
    const auto found = refused({.written_until = 0, .known_until = -20});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].since, Scene::at(-20));
    EXPECT_TRUE(refused({.written_until = 0, .known_until = -3600}).empty()) << "long ago";
    EXPECT_TRUE(refused({.written_until = 0, .known_until = -20}, 5).empty()) << "it may only just have paused";
    EXPECT_TRUE(refused({.written_until = 1'000, .known_until = -20}).empty()) << "it is written to again";
}

TEST(WritesRefused, ATopicThatLacksReplicasWaitsForThem) {
    EXPECT_TRUE(refused({.in_sync = 2}).empty());
    EXPECT_TRUE(refused({.leader = -1}).empty());
}

TEST(WritesRefused, NothingIsToldOfWhatIsNotKnown) {
    EXPECT_TRUE(refused({.least = std::nullopt}).empty());
    EXPECT_TRUE(refused({.least = "many"}).empty());
    EXPECT_TRUE(refused({.end_offsets = false}).empty());
}

}  // namespace
}  // namespace medic::analyzers

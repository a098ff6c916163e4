#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

struct Cluster {
    int set_at = 0;                   // When the throttle was set.
    int moving_until = -1;            // A reassignment runs until then.
    int out_of_sync_from = 1 << 20;   // A replica of the topic lags from then on …
    int out_of_sync_until = 1 << 20;  // … until then.
    bool rate = true, replicas = true, moves_known = true;
    const char* throttle_of_another = "none";
};

std::vector<Finding> orphans(const Cluster& cluster, int seconds) {
    Scene scene;
    const auto from = [](int second, double value) {
        return [=](int s) { return s >= second ? std::optional(value) : std::nullopt; };
    };
    for (const char* broker : {"1", "2"}) {
        scene.constant("kafka_broker_up", {{"broker", broker}}, 1);
        if (cluster.rate)
            scene.series("kafka_broker_replication_throttle_bytes_per_second",
                         {{"broker", broker}, {"side", "follower"}}, from(cluster.set_at, 1'000));
    }
    if (cluster.replicas)
        scene.series("kafka_topic_throttled_replicas", {{"topic", "orders"}, {"side", "follower"}},
                     from(cluster.set_at, 4));
    scene.attribute(Scene::lab("topic", "logs"), "leader.replication.throttled.replicas", cluster.throttle_of_another)
        .attribute(Scene::lab("topic", "orders"), "follower.replication.throttled.replicas", "0:1,0:2,1:1,1:2");
    if (cluster.moves_known)
        scene.series("kafka_cluster_partitions_reassigning", {},
                     [=](int s) { return std::optional(s <= cluster.moving_until ? 3.0 : 0.0); });
    const std::vector<LabelPair> partition{{"topic", "orders"}, {"partition", "0"}};
    scene.constant("kafka_partition_replicas", partition, 2)
        .series("kafka_partition_in_sync_replicas", partition, [=](int s) {
            return std::optional(s >= cluster.out_of_sync_from && s < cluster.out_of_sync_until ? 1.0 : 2.0);
        });
    return scene.findings("orphan-throttle", seconds);
}

TEST(OrphanThrottle, IsToldTenMinutesAfterTheLastMove) {
    EXPECT_TRUE(orphans({.moving_until = 100}, 690).empty());
    const auto found = orphans({.moving_until = 100}, 710);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("cluster", "lab"));
    EXPECT_EQ(found[0].fields.at("topics"), "orders");
    EXPECT_EQ(found[0].fields.at("brokers"), "1,2");
    EXPECT_NE(found[0].summary.find("4 replicas of orders"), std::string::npos) << found[0].summary;
}

TEST(OrphanThrottle, OneThatKeepsAReplicaFromCatchingUpIsToldAfterAMinute) {
    EXPECT_TRUE(orphans({.out_of_sync_from = 50}, 100).empty());
    const auto found = orphans({.out_of_sync_from = 50}, 120);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].summary.find("can't catch up"), std::string::npos) << found[0].summary;
}

TEST(OrphanThrottle, TheRatesOfAStandingLimitStay) {
    const auto found = orphans({.throttle_of_another = "*"}, 710);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("topics"), "orders");
    EXPECT_EQ(found[0].fields.at("brokers"), "");
    EXPECT_EQ(orphans({}, 710).at(0).fields.at("brokers"), "1,2");
}

TEST(OrphanThrottle, HealthyLookAlikesAreSilent) {
    EXPECT_TRUE(orphans({.moving_until = 1 << 20, .out_of_sync_from = 0}, 700).empty()) << "it is needed";
    EXPECT_TRUE(orphans({.set_at = 300}, 700).empty()) << "set a moment ago: the move may be about to begin";
    EXPECT_TRUE(orphans({.out_of_sync_from = 50, .out_of_sync_until = 90}, 120).empty())
        << "it caught up in spite of it";
    EXPECT_TRUE(orphans({.rate = false}, 700).empty()) << "named, but not limited";
    EXPECT_TRUE(orphans({.replicas = false}, 700).empty()) << "a limit for nobody, or a standing one for all";
}

TEST(OrphanThrottle, NothingWhereItIsNotKnownWhetherReplicasAreMoved) {
    EXPECT_TRUE(orphans({.out_of_sync_from = 0, .moves_known = false}, 700).empty());
}

}  // namespace
}  // namespace medic::analyzers

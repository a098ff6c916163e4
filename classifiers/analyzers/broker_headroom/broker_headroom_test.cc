#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr double megabyte = 1e6;

struct Cluster {
    int brokers = 3;
    double bytes_in = 20 * megabyte, idle = 0.4;
    bool pages = true;
    // Each partition on the two brokers that follow each other, led by the first.
    int partitions = 6;
    std::string min_in_sync = "1";
    double in_sync = 2;
    double disk_used = 100e9, disk_total = 1000e9;
    double held = 100;
    int down = 0;  // A broker that metadata lacks.
    double replication = 10 * megabyte;
};

Scene scene_of(const Cluster& cluster) {
    Scene scene;
    std::string assignment;
    for (int p = 0; p < cluster.partitions; ++p) {
        const int leader = p % cluster.brokers + 1, follower = leader % cluster.brokers + 1;
        assignment +=
            (p == 0 ? "" : ";") + std::to_string(p) + ":" + std::to_string(leader) + "," + std::to_string(follower);
        const std::vector<LabelPair> which{{"topic", "orders"}, {"partition", std::to_string(p)}};
        scene.constant("kafka_partition_leader", which, leader)
            .constant("kafka_partition_replicas", which, 2)
            .constant("kafka_partition_in_sync_replicas", which, cluster.in_sync);
    }
    scene.attribute(Scene::lab("topic", "orders"), "assignment", assignment)
        .attribute(Scene::lab("topic", "orders"), "min.insync.replicas", cluster.min_in_sync);
    for (int b = 1; b <= cluster.brokers; ++b) {
        const std::vector<LabelPair> broker{{"broker", std::to_string(b)}};
        auto dir = broker;
        dir.emplace_back("log_dir", "/d");
        auto replica = dir;
        replica.insert(replica.end(), {{"topic", "orders"}, {"partition", "0"}});
        scene.constant("kafka_broker_up", broker, b == cluster.down ? 0 : 1)
            .constant("kafka_broker_partitions", broker, cluster.held)
            .constant("kafka_broker_leaders", broker, cluster.partitions / cluster.brokers)
            .constant("kafka_log_dir_total_bytes", dir, cluster.disk_total)
            .constant("kafka_log_dir_usable_bytes", dir, cluster.disk_total - cluster.disk_used)
            .constant("kafka_replica_size_bytes", replica, cluster.disk_used);
        if (!cluster.pages) continue;
        const auto page = [](double value, bool counts) {  // Once a minute, as pages are read.
            return [=](int s) -> std::optional<double> {
                if (s % 60 != 0) return std::nullopt;
                return counts ? value * s : value;
            };
        };
        scene.series("kafka_broker_bytes_in_total", broker, page(cluster.bytes_in, true))
            .series("kafka_broker_replication_bytes_in_total", broker, page(cluster.replication, true))
            .series("kafka_broker_request_handler_idle_ratio", broker, page(cluster.idle, false));
    }
    return scene;
}

std::vector<Finding> headroom(const Cluster& cluster) { return scene_of(cluster).findings("headroom-missing", 420); }

TEST(BrokerHeadroom, HeirOfLeadersWithoutIdleHandlersIsNamed) {
    // All of a broker's leaders go to its one follower: 60 % busy becomes 120 %.
    const auto found = headroom({});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("cluster", "lab"));
    EXPECT_EQ(found[0].fields.at("resources"), "request handlers");
    EXPECT_EQ(found[0].fields.at("all_dying"), "1,2,3");
    EXPECT_NE(found[0].summary.find("broker 2 would be busy all the time (now 60 %)"), std::string::npos)
        << found[0].summary;
    EXPECT_EQ(found[0].fields.at("catch_up_seconds"), "10000") << "100 GB at 10 MB/s";
}

TEST(BrokerHeadroom, HandlersJustBelowTheLimitCarryIt) {
    EXPECT_TRUE(headroom({.idle = 0.66}).empty()) << "34 % becomes 68 %";
    EXPECT_EQ(headroom({.idle = 0.64}).size(), 1U) << "36 % becomes 72 %";
    EXPECT_TRUE(headroom({.bytes_in = 0.1 * megabyte}).empty()) << "hardly any traffic";
}

TEST(BrokerHeadroom, ReplicasThatWritersNeed) {
    const auto found = headroom({.idle = 0.9, .min_in_sync = "2"});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("resources"), "replicas in sync");
    EXPECT_NE(found[0].summary.find("4 partitions"), std::string::npos) << found[0].summary;
    EXPECT_TRUE(headroom({.idle = 0.9, .min_in_sync = "3"}).empty()) << "can't be had in health either";
    EXPECT_TRUE(headroom({.idle = 0.9, .min_in_sync = "2", .in_sync = 1}).empty()) << "whose is missing is not known";
}

TEST(BrokerHeadroom, DiskThatTheOthersDoNotHave) {
    // 3 × 560 GB on two disks of 1 TB: 84 %.
    const auto found = headroom({.idle = 0.9, .disk_used = 560e9});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("resources"), "disk");
    EXPECT_TRUE(headroom({.idle = 0.9, .disk_used = 530e9}).empty()) << "79.5 %";
    EXPECT_TRUE(headroom({.brokers = 2, .idle = 0.9, .partitions = 2, .disk_used = 700e9}).empty())
        << "too few brokers for another replica: nothing moves";
}

TEST(BrokerHeadroom, PartitionsPerBroker) {
    EXPECT_EQ(headroom({.idle = 0.9, .held = 2'900}).size(), 1U) << "4,350 on each of two";
    EXPECT_TRUE(headroom({.idle = 0.9, .held = 2'600}).empty());
    EXPECT_EQ(scene_of({.idle = 0.9, .held = 3'600}).findings("broker-partition-bound", 420).size(), 3U);
    EXPECT_TRUE(scene_of({.idle = 0.9, .held = 3'500}).findings("broker-partition-bound", 420).empty());
}

TEST(BrokerHeadroom, ClusterThatLacksABrokerIsToldByOthers) { EXPECT_TRUE(headroom({.down = 2}).empty()); }

TEST(BrokerHeadroom, WhatNoPageTellsIsNotGuessed) {
    EXPECT_TRUE(headroom({.pages = false}).empty());
    Scene one_blind = scene_of({});
    one_blind.constant("kafka_broker_up", {{"broker", "4"}}, 1);
    EXPECT_TRUE(one_blind.findings("headroom-missing", 420).empty()) << "a broker whose load is not known";
    const auto without_speed = headroom({.idle = 0.4, .replication = 0});
    ASSERT_EQ(without_speed.size(), 1U);
    EXPECT_FALSE(without_speed[0].fields.contains("catch_up_seconds"));
    EXPECT_TRUE(scene_of({}).findings("headroom-missing", 60).empty()) << "two looks are no rate";
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 60;

// Partition 3 of orders on brokers 1, 2 and 3. Only broker 1 was in sync when it was lost in second `fault`.
struct Cluster {
    // How broker 1 is lost: its disk fails under it, or it goes.
    bool broker_gone = false;
    bool process_seen = true;  // Its node has a driver that tells of its process …
    int back_at = 1 << 20;     // … which runs again from then on.
    double logs_to_recover = 0;
    bool stopped_in_order = false;
    double left = 300e6;  // Bytes of 500 MB, when last measured.
    bool measured = true;
    int led_again_at = 1 << 20;
    std::string in_sync = "1", serving = "2,3";
    std::optional<double> end_of_2 = 950, end_of_3 = 900;
    bool end_known = true;
    double committed = 980;
};

Scene scene_of(const Cluster& is) {
    Scene scene;
    const std::vector<LabelPair> partition{{"topic", "orders"}, {"partition", "3"}}, lost{{"broker", "1"}},
        dir{{"broker", "1"}, {"log_dir", "/data"}}, node{{"node", "b1"}, {"role", "broker"}};
    const auto with = [](std::vector<LabelPair> labels, const char* name, const char* value) {
        labels.emplace_back(name, value);
        return labels;
    };
    const auto before = [](double value) {
        return [value](int s) { return s < fault ? std::optional(value) : std::nullopt; };
    };
    const auto after = [](std::optional<double> value) {
        return [value](int s) { return s >= fault ? value : std::nullopt; };
    };
    scene.series("kafka_partition_leader", partition, [=](int s) {
        return s < fault ? 1.0 : s < is.led_again_at ? -1.0 : 1.0;
    });
    if (is.end_known)
        scene.series("kafka_partition_log_end_offset", partition, [](int s) {
            return s < fault - 4 ? std::optional(400.0 + 10 * s) : s < fault ? std::optional(1000.0) : std::nullopt;
        });
    scene.series("kafka_replica_log_end_offset", with(partition, "broker", "2"), after(is.end_of_2))
        .series("kafka_replica_log_end_offset", with(partition, "broker", "3"), after(is.end_of_3))
        .constant("kafka_group_committed_offset", with(partition, "group", "ledger"), is.committed)
        .constant("kafka_group_committed_offset", with(partition, "group", "slow"), 20);
    const auto away = [=](int s) { return is.broker_gone && s >= fault; };
    scene.series("kafka_broker_up", lost, [=](int s) { return away(s) ? 0.0 : 1.0; })
        .series("kafka_broker_reachable", lost, [=](int s) { return away(s) ? 0.0 : 1.0; })
        .series("kafka_log_dir_online", dir,
                [=](int s) { return away(s) ? std::nullopt : std::optional(s < fault ? 1.0 : 0.0); });
    if (is.measured)
        scene.series("kafka_log_dir_total_bytes", dir, before(500e6))
            .series("kafka_log_dir_usable_bytes", dir, before(is.left));
    if (is.process_seen)
        scene.series("process_up", node, [=](int s) { return away(s) && s < is.back_at ? 0.0 : 1.0; })
            .series("process_stopped_in_order", node,
                    [=](int s) { return is.stopped_in_order && s >= fault ? 1.0 : 0.0; })
            .relation(Scene::lab("broker", "1"), "hosted-by", Scene::lab("node", "b1"));
    if (is.logs_to_recover > 0) scene.constant("kafka_broker_logs_to_recover", lost, is.logs_to_recover);
    if (!is.in_sync.empty()) scene.attribute(Scene::lab("partition", "orders-3"), "in_sync", is.in_sync);
    scene.attribute(Scene::lab("partition", "orders-3"), "serving", is.serving);
    scene.attribute(Scene::lab("topic", "orders"), "assignment", "0:2,3,1;3:1,2,3");
    return scene;
}

std::vector<Finding> gone(const Cluster& cluster, int seconds) {
    return scene_of(cluster).findings("in-sync-replicas-gone", seconds);
}

constexpr int minute = 60;

TEST(SyncLost, AFailedDiskUnderARunningBrokerIsGivenAMinute) {
    EXPECT_TRUE(gone({}, fault + 55).empty());
    const auto found = gone({}, fault + 65);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("topic", "orders"));
    EXPECT_EQ(found[0].fields.at("lost_partitions"), "3/2/950/1=disk") << "the log that reaches furthest";
    EXPECT_EQ(found[0].fields.at("loss_estimate"),
              "partition 3: about 50 records (it was readable to offset 1000 when that was last seen, 1 s before it "
              "lost its leader; broker 2 has it to 950), read beyond by ledger (at 980)");
    EXPECT_EQ(found[0].since, Scene::at(fault));
    EXPECT_NE(found[0].summary.find(found[0].fields.at("loss_estimate")), std::string::npos) << found[0].summary;
}

TEST(SyncLost, ABrokerWithoutAProcessIsGivenFiveMinutes) {
    EXPECT_TRUE(gone({.broker_gone = true}, fault + 4 * minute).empty());
    const auto found = gone({.broker_gone = true}, fault + 5 * minute + 5);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("lost_partitions"), "3/2/950/1=away:b1");
}

TEST(SyncLost, WhoMayComeBackIsWaitedFor) {
    const int long_after = fault + 45 * minute;
    EXPECT_TRUE(gone({.left = 5e6}, long_after).empty()) << "what ran full is whole";
    EXPECT_TRUE(gone({.broker_gone = true, .left = 5e6}, long_after).empty()) << "a broker that ended for that, too";
    EXPECT_TRUE(gone({.broker_gone = true, .back_at = fault + 4 * minute}, long_after).empty())
        << "its process runs: it may be recovering its logs";
    EXPECT_TRUE(gone({.broker_gone = true, .logs_to_recover = 12}, long_after).empty());
    EXPECT_TRUE(gone({.broker_gone = true, .stopped_in_order = true}, long_after).empty())
        << "somebody starts it again";
    EXPECT_TRUE(gone({.in_sync = "1,3"}, long_after).empty())
        << "broker 3 was in sync and serves: it leads in a moment";
}

TEST(SyncLost, APartitionThatIsLedIsNone) {
    EXPECT_TRUE(gone({.led_again_at = fault + 62}, fault + 65).empty());
    EXPECT_TRUE(gone({.led_again_at = 0}, fault + 65).empty());
}

TEST(SyncLost, NothingWithoutTheFactsThatItNeeds) {
    EXPECT_TRUE(gone({.measured = false}, fault + 10 * minute).empty()) << "it may have run full";
    EXPECT_TRUE(gone({.in_sync = ""}, fault + 10 * minute).empty()) << "who was in sync is not known";
    EXPECT_TRUE(gone({.end_of_3 = std::nullopt}, fault + 10 * minute).empty()) << "its log may reach further";
    EXPECT_TRUE(gone({.serving = "nobody"}, fault + 10 * minute).empty());
    EXPECT_TRUE(gone({.broker_gone = true, .process_seen = false}, fault + 10 * minute).empty());
    const auto unseen = gone({.broker_gone = true, .process_seen = false}, fault + 31 * minute);
    ASSERT_EQ(unseen.size(), 1U) << "longer than any recovery";
    EXPECT_NE(unseen[0].evidence[0].text.find("whether its process runs is not known"), std::string::npos);
}

TEST(SyncLost, WhatIsNotKnownOfTheLossIsSaidAndNoNumberIsMadeUp) {
    const auto found = gone({.end_known = false}, fault + 65);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0].fields.at("loss_estimate").find("an unknown number of records"), std::string::npos);
    EXPECT_NE(found[0].fields.at("loss_estimate").find("ledger (at 980)"), std::string::npos);
    const auto ahead = gone({.end_of_2 = 1'010, .committed = 990}, fault + 65);
    ASSERT_EQ(ahead.size(), 1U);
    EXPECT_NE(ahead[0].fields.at("loss_estimate").find("about 0 records"), std::string::npos);
    EXPECT_EQ(ahead[0].fields.at("loss_estimate").find("ledger"), std::string::npos);
}

// Brokers that keep eligible leaders beside the ISR tell an empty one: whoever does not serve may be one.
TEST(SyncLost, AnEmptyIsrMeansAnyReplicaThatDoesNotServe) {
    EXPECT_EQ(gone({.in_sync = "nobody"}, fault + 65).size(), 1U);
    EXPECT_TRUE(gone({.in_sync = "nobody", .serving = "2"}, fault + 65).empty()) << "nothing is known of broker 3";
}

}  // namespace
}  // namespace medic::analyzers

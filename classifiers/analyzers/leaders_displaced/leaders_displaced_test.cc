#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

// Three brokers that should lead ten partitions each. Broker 2 was away until second 20.
struct Cluster {
    int back_at = 20, in_sync_at = 25;
    double displaced = 10;
    int elected_at = 1 << 20;  // From then on it leads its own again.
    std::string balancing = "false";
    std::string interval;   // leader.imbalance.check.interval.seconds
    int moving_until = -1;  // A partition is reassigned until then.
    int blind_from = 0, blind_until = 0;
    bool displaced_known = true, sync_known = true, moves_known = true;
    bool fourth_was_there = false, fourth_holds_replicas = false;
};

Scene scene_of(const Cluster& cluster) {
    Scene scene;
    const auto seen = [cluster](int s) { return s < cluster.blind_from || s >= cluster.blind_until; };
    for (int b = 1; b <= 3; ++b) {
        const std::vector<LabelPair> broker{{"broker", std::to_string(b)}};
        const auto told = [&](const char* name, std::function<double(int)> value) {
            scene.series(name, broker, [=](int s) { return seen(s) ? std::optional(value(s)) : std::nullopt; });
        };
        told("kafka_broker_up", [=](int s) { return b == 2 && s < cluster.back_at ? 0.0 : 1.0; });
        told("kafka_broker_partitions", [](int) { return 30.0; });
        told("kafka_broker_leaders_preferred", [](int) { return 10.0; });
        if (cluster.sync_known)
            told("kafka_broker_replicas_out_of_sync",
                 [=](int s) { return b == 2 && s < cluster.in_sync_at ? 20.0 : 0.0; });
        if (cluster.displaced_known)
            told("kafka_broker_leaders_displaced", [=](int s) {
                return b == 2 && s >= cluster.in_sync_at && s < cluster.elected_at ? cluster.displaced : 0.0;
            });
        const Subject subject = Scene::lab("broker", std::to_string(b));
        scene.attribute(subject, "address", "h:9092");
        if (!cluster.balancing.empty()) scene.attribute(subject, "auto.leader.rebalance.enable", cluster.balancing);
        if (!cluster.interval.empty())
            scene.attribute(subject, "leader.imbalance.check.interval.seconds", cluster.interval);
    }
    if (cluster.fourth_was_there) scene.constant("kafka_broker_up", {{"broker", "4"}}, 0);
    if (cluster.fourth_holds_replicas) scene.constant("kafka_broker_partitions", {{"broker", "4"}}, 7);
    if (cluster.moves_known)
        scene.series("kafka_cluster_partitions_reassigning", {}, [=](int s) {
            return seen(s) ? std::optional(s <= cluster.moving_until ? 1.0 : 0.0) : std::nullopt;
        });
    return scene;
}

std::vector<Finding> displaced(const Cluster& cluster, int seconds) {
    return scene_of(cluster).findings("leaders-displaced", seconds);
}

TEST(LeadersDisplaced, ABrokerThatIsBackAndInSyncAndLeadsNothingIsNamed) {
    const auto found = displaced({}, 90);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("cluster", "lab"));
    EXPECT_EQ(found[0].fields.at("brokers"), "2");
    EXPECT_EQ(found[0].fields.at("displaced"), "10");
    EXPECT_NE(found[0].summary.find("auto.leader.rebalance.enable is off"), std::string::npos) << found[0].summary;
    EXPECT_NE(
        found[0].evidence[0].text.find("of the 10 partitions that broker 2 should lead, and could, others lead 10"),
        std::string::npos)
        << found[0].evidence[0].text;
}

TEST(LeadersDisplaced, TheMinuteBeginsWhenItIsInSyncNotWhenItIsBack) {
    EXPECT_TRUE(displaced({}, 84).empty());
    EXPECT_FALSE(displaced({}, 86).empty());
    EXPECT_TRUE(displaced({.in_sync_at = 60}, 90).empty());
}

TEST(LeadersDisplaced, KafkasOwnBalancingIsGivenItsTime) {
    for (const char* balancing : {"true", ""}) {
        EXPECT_TRUE(displaced({.balancing = balancing}, 600).empty()) << "its check comes every five minutes";
        const auto found = displaced({.balancing = balancing}, 690);
        ASSERT_EQ(found.size(), 1U) << balancing;
        EXPECT_NE(found[0].summary.find("has not moved them"), std::string::npos) << found[0].summary;
    }
    EXPECT_TRUE(displaced({.balancing = "true", .interval = "30"}, 140).empty());
    EXPECT_FALSE(displaced({.balancing = "true", .interval = "30"}, 150).empty());
    EXPECT_TRUE(displaced({.elected_at = 300, .balancing = "true"}, 690).empty()) << "it did what it should";
}

TEST(LeadersDisplaced, HealthyLookAlikesAreSilent) {
    EXPECT_TRUE(displaced({.displaced = 1}, 90).empty()) << "a tenth is Kafka's own bound";
    EXPECT_TRUE(displaced({.elected_at = 80}, 90).empty()) << "they have just gone back";
    EXPECT_TRUE(displaced({.moving_until = 40}, 90).empty()) << "replicas are being moved";
    EXPECT_TRUE(displaced({.back_at = 1'000, .in_sync_at = 1'000}, 200).empty()) << "it is still away";
}

TEST(LeadersDisplaced, ABrokerThatWasTakenOutOfTheClusterIsNotWaitedFor) {
    EXPECT_EQ(displaced({.fourth_was_there = true}, 90).size(), 1U);
    EXPECT_TRUE(displaced({.fourth_was_there = true, .fourth_holds_replicas = true}, 90).empty()) << "it is away";
}

TEST(LeadersDisplaced, NothingWhereTheFactsAreMissingOrHaveAGap) {
    EXPECT_TRUE(displaced({.displaced_known = false}, 90).empty());
    EXPECT_TRUE(displaced({.sync_known = false}, 90).empty());
    EXPECT_TRUE(displaced({.moves_known = false}, 90).empty());
    EXPECT_TRUE(displaced({.blind_from = 50, .blind_until = 70}, 90).empty());
    EXPECT_TRUE(displaced({.blind_from = 70, .blind_until = 91}, 90).empty());
}

}  // namespace
}  // namespace medic::analyzers

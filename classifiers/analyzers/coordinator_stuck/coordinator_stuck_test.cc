#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 60, minute = 60;

// Broker 1 coordinates partition 3 (groups audit and billing) and 7 (group chat), broker 2 partition 4 (group orders).
// From second `fault` on partition 3 answers nobody.
struct Cluster {
    bool silent = true;
    std::string state = "Stable";  // Of audit and billing, from then on.
    std::string state_of_billing = "Stable";
    std::string state_of_orders = "Stable";
    int again_at = 1 << 20;
    std::string groups = "audit,billing";
    double members = 2, members_later = 2;
    bool members_known = true;
    std::optional<double> seven = 1, four = 1;
    double reachable = 1, out_of_sync = 0, moving = 0;
    double idle_before = 0.8;
    std::optional<double> idle = 0.8, produce_seconds = 0.02;
    bool led_by_another_since = false;
    bool offsets_answered = true, moves_known = true;
};

Scene scene_of(const Cluster& is) {
    Scene scene;
    const auto partition = [](const char* number) {
        return std::vector<LabelPair>{{"topic", "__consumer_offsets"}, {"partition", number}};
    };
    const auto fault_until = [=](double good, std::optional<double> bad) {
        return [=](int s) { return s < fault || s >= is.again_at ? std::optional(good) : bad; };
    };
    scene.series("kafka_coordinator_answers", partition("3"), fault_until(1, is.silent ? 0 : 1))
        .series("kafka_coordinator_answers", partition("7"), fault_until(1, is.seven))
        .series("kafka_coordinator_answers", partition("4"), fault_until(1, is.four))
        .series("kafka_partition_leader", partition("3"),
                [=](int s) { return is.led_by_another_since && s > fault + 30 ? 2.0 : 1.0; })
        .constant("kafka_partition_leader", partition("7"), 1)
        .constant("kafka_partition_leader", partition("4"), 2)
        .constant("kafka_partition_log_end_offset", partition("3"), 10);
    if (is.offsets_answered) scene.constant("kafka_partition_log_end_offset", partition("7"), 10);
    for (const char* id : {"1", "2"}) {
        const std::vector<LabelPair> broker{{"broker", id}};
        const bool first = std::string(id) == "1";
        scene.constant("kafka_broker_up", broker, 1)
            .series("kafka_broker_reachable", broker, fault_until(1, first ? is.reachable : 1))
            .series("kafka_broker_replicas_out_of_sync", broker, fault_until(0, first ? is.out_of_sync : 0));
        if (is.idle)
            scene.series("kafka_broker_request_handler_idle_ratio", broker, fault_until(is.idle_before, is.idle));
        if (is.produce_seconds)
            scene.series("kafka_broker_produce_local_seconds", broker, fault_until(0.02, is.produce_seconds));
    }
    if (is.moves_known) scene.series("kafka_cluster_partitions_reassigning", {}, fault_until(0, is.moving));
    for (const auto& [group, later] :
         {std::pair("audit", is.state), std::pair("billing", is.state_of_billing),
          std::pair("orders", is.state_of_orders), std::pair("chat", std::string("Stable"))}) {
        const bool here = std::string(group) == "audit" || std::string(group) == "billing";
        for (const std::string state : {"Stable", "PreparingRebalance"}) {
            scene.series("kafka_group_state", {{"group", group}, {"state", state}}, [=](int s) {
                if (here && is.silent && s >= fault) return std::optional<double>();
                return std::optional((s < fault ? "Stable" : later) == state ? 1.0 : 0.0);
            });
        }
        if (is.members_known)
            scene.series("kafka_group_members", {{"group", group}}, [=](int s) {
                if (here && is.silent && s >= fault) return std::optional<double>();
                return std::optional(s < fault + 5 * minute ? is.members : is.members_later);
            });
    }
    const auto known = [&](const char* number, const std::string& groups) {
        scene.attribute(Scene::lab("partition", std::string("__consumer_offsets-") + number), "groups", groups);
    };
    known("3", is.groups);
    known("7", "chat");
    known("4", "orders");
    scene.attribute(Scene::lab("topic", "__consumer_offsets"), "assignment", "3:1,2,3;4:2,3,1;7:1,3,2");
    return scene;
}

std::vector<Finding> stuck(const Cluster& cluster, int seconds) {
    return scene_of(cluster).findings("coordinator-stuck", seconds);
}

Cluster rebalancing() {
    return {.silent = false, .state = "PreparingRebalance", .state_of_billing = "PreparingRebalance"};
}

TEST(CoordinatorStuck, OneThatAnswersNoneOfItsGroupsForAMinute) {
    EXPECT_TRUE(stuck({}, fault + 55).empty());
    const auto found = stuck({}, fault + 65);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("partition", "__consumer_offsets-3"));
    EXPECT_EQ(found[0].fields.at("broker"), "1");
    EXPECT_EQ(found[0].fields.at("offsets_partition"), "3");
    EXPECT_EQ(found[0].fields.at("groups"), "audit,billing");
    EXPECT_EQ(found[0].fields.at("peers"), "2,3");
}

TEST(CoordinatorStuck, OrWhoseGroupsDoNotGetOutOfTheirRebalance) {
    EXPECT_TRUE(stuck(rebalancing(), fault + 9 * minute).empty()) << "a slow member may take five minutes";
    EXPECT_EQ(stuck(rebalancing(), fault + 10 * minute + 5).size(), 1U);
}

TEST(CoordinatorStuck, OneGroupAloneIsItsMembersTrouble) {
    EXPECT_TRUE(stuck({.groups = "audit"}, fault + 65).empty());
    auto one = rebalancing();
    one.state_of_billing = "Stable";
    EXPECT_TRUE(stuck(one, fault + 11 * minute).empty());
}

TEST(CoordinatorStuck, ARebalanceInWhichMembersComeAndGoIsTheirs) {
    auto cluster = rebalancing();
    cluster.members_later = 3;
    EXPECT_TRUE(stuck(cluster, fault + 11 * minute).empty());
}

TEST(CoordinatorStuck, ABrokerWhoseOtherWorkSuffersIsSlowOrGone) {
    EXPECT_TRUE(stuck({.seven = 0}, fault + 65).empty()) << "its other coordinator hangs, too";
    EXPECT_TRUE(stuck({.reachable = 0}, fault + 65).empty());
    EXPECT_TRUE(stuck({.out_of_sync = 3}, fault + 65).empty());
    EXPECT_TRUE(stuck({.idle = 0.1}, fault + 65).empty());
    EXPECT_TRUE(stuck({.idle_before = 1.8, .idle = 1.1}, fault + 65).empty()) << "a controller's pool is in the meter";
    EXPECT_EQ(stuck({.idle_before = 1.8, .idle = 1.7}, fault + 65).size(), 1U);
    EXPECT_TRUE(stuck({.produce_seconds = 2}, fault + 65).empty());
    EXPECT_TRUE(stuck({.offsets_answered = false}, fault + 65).empty()) << "it does not answer for what it leads";
}

TEST(CoordinatorStuck, NotWhileReplicasMoveOrLeadersChange) {
    EXPECT_TRUE(stuck({.moving = 2}, fault + 65).empty());
    EXPECT_TRUE(stuck({.led_by_another_since = true}, fault + 65).empty());
    EXPECT_TRUE(stuck({.again_at = fault + 62}, fault + 65).empty());
    EXPECT_TRUE(stuck({.four = 0}, fault + 65).empty()) << "others' coordinators hang as well";
    auto all = rebalancing();
    all.state_of_orders = "PreparingRebalance";
    EXPECT_TRUE(stuck(all, fault + 11 * minute).empty()) << "others' groups do as well";
}

TEST(CoordinatorStuck, NothingWithoutTheFactsThatItNeeds) {
    EXPECT_TRUE(stuck({.four = std::nullopt}, fault + 75).empty()) << "nobody elsewhere was seen to serve";
    EXPECT_TRUE(stuck({.members_known = false}, fault + 65).empty());
    EXPECT_TRUE(stuck({.members = 0, .members_later = 0}, fault + 65).empty()) << "nobody waits for it";
    EXPECT_TRUE(stuck({.moves_known = false}, fault + 65).empty());
    EXPECT_EQ(stuck({.idle = std::nullopt, .produce_seconds = std::nullopt}, fault + 65).size(), 1U)
        << "not every broker has a page";
}

}  // namespace
}  // namespace medic::analyzers

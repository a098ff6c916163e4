#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const std::vector<LabelPair> node{{"node", "broker-2"}, {"role", "broker"}};
const std::vector<LabelPair> broker{{"broker", "2"}};

// The process ends at `gone`; the broker stops answering with it, and metadata drops it nine seconds later.
Scene killed(int gone) {
    Scene scene;
    scene.series("process_up", node, [=](int s) { return s < gone ? 1.0 : 0.0; })
        .series("kafka_broker_reachable", broker, [=](int s) { return s < gone ? 1.0 : 0.0; })
        .series("kafka_broker_up", broker, [=](int s) { return s < gone + 9 ? 1.0 : 0.0; })
        .relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
    return scene;
}

TEST(BrokerLost, ProcessGoneAndNoAnswerBeforeTheClusterGivesItUp) {
    const auto found = killed(60).findings("broker-lost", 63);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("broker", "2"));
    EXPECT_EQ(found[0].since, Scene::at(60));
    EXPECT_EQ(found[0].evidence.size(), 2U);
    EXPECT_EQ(killed(60).findings("broker-lost", 72).at(0).evidence.size(), 3U);
}

TEST(BrokerLost, AlsoWhereNobodySawItRun) { EXPECT_EQ(killed(0).findings("broker-lost", 7).size(), 1U); }

TEST(BrokerLost, WhoStartsAfterTheClusterGaveItUpRemembersWhoItWas) {
    Scene scene;
    scene.constant("process_up", node, 0).constant("kafka_broker_up", {{"broker", "1"}}, 1);
    EXPECT_TRUE(scene.findings("broker-lost", 10).empty()) << "nobody knows which broker that was";
    scene.attribute(Scene::lab("node", "broker-2"), "broker", "2");
    ASSERT_EQ(scene.findings("broker-lost", 10).size(), 1U);
    EXPECT_EQ(scene.findings("broker-lost", 10)[0].subject, Scene::lab("broker", "2"));
    Scene silent;
    silent.constant("process_up", node, 0).attribute(Scene::lab("node", "broker-2"), "broker", "2");
    EXPECT_TRUE(silent.findings("broker-lost", 10).empty()) << "no metadata, no second vantage point";
}

TEST(BrokerLost, AMomentIsNotEnough) { EXPECT_TRUE(killed(60).findings("broker-lost", 61).empty()); }

TEST(BrokerLost, SilentWhileItAnswers) {
    Scene scene;
    scene.constant("process_up", node, 0)
        .constant("kafka_broker_reachable", broker, 1)
        .constant("kafka_broker_up", broker, 1)
        .relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
    EXPECT_TRUE(scene.findings("broker-lost", 60).empty()) << "the driver speaks of another process";
}

TEST(BrokerLost, NothingWithoutTheClustersWord) {
    Scene scene;
    scene.constant("process_up", node, 0)
        .relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
    EXPECT_TRUE(scene.findings("broker-lost", 60).empty());
}

}  // namespace
}  // namespace medic::analyzers

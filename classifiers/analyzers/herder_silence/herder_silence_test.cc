#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int asked_from = 0, blocked_at = 60;

struct Workers {
    int blocked = blocked_at, second_blocked = 1'000, unreachable = 1'000, broker_away = 1'000;
    bool kafka_seen = true, asked = true;
};

Scene::Shape until(int second) {
    return [=](int s) { return s < second ? 1.0 : 0.0; };
}

Scene workers(const Workers& what) {
    const std::vector<LabelPair> first{{"worker", "10.0.0.1:8083"}}, second{{"worker", "10.0.0.2:8083"}};
    Scene scene;
    scene.series("connect_worker_reachable", first, until(what.unreachable))
        .constant("connect_worker_reachable", second, 1)
        .relation(Scene::lab("worker", "10.0.0.1:8083"), "hosted-by", Scene::lab("node", "connect-1"));
    if (what.kafka_seen) scene.series("kafka_broker_reachable", {{"broker", "1"}}, until(what.broker_away));
    if (what.asked)
        scene.series("connect_worker_herder_answers", first, until(what.blocked))
            .series("connect_worker_herder_answers", second, until(what.second_blocked));
    return scene;
}

TEST(HerderSilence, AWorkerThatAnswersButForItsHerderIsBlocked) {
    const auto found = workers({}).findings("herder-blocked", blocked_at + 10);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("worker", "10.0.0.1:8083"));
    EXPECT_EQ(found[0].fields.at("node"), "connect-1");
    EXPECT_EQ(found[0].since, Scene::at(blocked_at));
    EXPECT_EQ(found[0].evidence.size(), 2U);
}

TEST(HerderSilence, AMomentOfItIsNone) { EXPECT_TRUE(workers({}).findings("herder-blocked", blocked_at + 5).empty()); }

// Silent for ten seconds before, and well for 70 since.
Scene blocked_again(std::optional<int> started) {
    Scene scene = workers({.asked = false});
    scene.series("connect_worker_herder_answers", {{"worker", "10.0.0.1:8083"}},
                 [](int s) { return s < 20 || (s >= 30 && s < 100) ? 1.0 : 0.0; });
    if (started)
        scene.constant("process_start_time_seconds", {{"node", "connect-1"}, {"role", "connect-worker"}},
                       static_cast<double>(Scene::at(*started).unix_ms) / 1'000);
    return scene;
}

TEST(HerderSilence, OneThatCameBackIsGivenLongerButNotTheTimeThatItWasWell) {
    EXPECT_TRUE(blocked_again({}).findings("herder-blocked", 115).empty());
    EXPECT_EQ(blocked_again({}).findings("herder-blocked", 121).size(), 1U);
    EXPECT_EQ(blocked_again(30).findings("herder-blocked", 110).size(), 1U) << "that was the process before it";
}

// It may still be starting: nobody knows yet how long it is used to be silent.
TEST(HerderSilence, OneThatHasOnlyJustAnsweredIsGivenLonger) {
    EXPECT_TRUE(blocked_again(94).findings("herder-blocked", 115).empty());
    EXPECT_EQ(blocked_again(94).findings("herder-blocked", 131).size(), 1U);
}

// In a rebalance the herders wait for each other.
TEST(HerderSilence, TwoAtOnceWaitForSomethingElse) {
    EXPECT_TRUE(workers({.second_blocked = blocked_at + 3}).findings("herder-blocked", blocked_at + 20).empty());
}

TEST(HerderSilence, WhoWaitsForKafkaIsNotBlocked) {
    EXPECT_TRUE(workers({.broker_away = blocked_at - 2}).findings("herder-blocked", blocked_at + 20).empty());
}

// Blocked a quarter of a minute after a broker came back: the requests of before may hold it up, but not for ever.
TEST(HerderSilence, OneThatFallsSilentSoonAfterABrokerCameBackIsGivenTheTimeThatAClientWaits) {
    constexpr int away = blocked_at - 25, back = blocked_at - 15, recovered = back + 30, waited = recovered + 60;
    Scene scene = workers({.kafka_seen = false});
    scene.series("kafka_broker_reachable", {{"broker", "1"}},
                 [](int second) { return second < away || second >= back ? 1.0 : 0.0; });
    EXPECT_TRUE(scene.findings("herder-blocked", recovered + 10).empty());
    EXPECT_TRUE(scene.findings("herder-blocked", waited - 5).empty());
    EXPECT_EQ(scene.findings("herder-blocked", waited + 5).size(), 1U);
}

TEST(HerderSilence, AWorkerThatAnswersNothingIsAnotherFault) {
    EXPECT_TRUE(workers({.unreachable = blocked_at}).findings("herder-blocked", blocked_at + 20).empty());
}

// One that never answered since we look may still be starting.
TEST(HerderSilence, OneThatNeverAnsweredSaysNothing) {
    EXPECT_TRUE(workers({.blocked = asked_from}).findings("herder-blocked", blocked_at + 20).empty());
}

TEST(HerderSilence, NothingWhereTheFactsAreMissing) {
    EXPECT_TRUE(workers({.asked = false}).findings("herder-blocked", blocked_at + 20).empty());
    EXPECT_TRUE(workers({.kafka_seen = false}).findings("herder-blocked", blocked_at + 20).empty());
}

}  // namespace
}  // namespace medic::analyzers

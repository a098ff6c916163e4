#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int minutes = 60;

// One broker.
struct Situation {
    double idle = 0.1;
    std::vector<double> rates{40e6, 3e6, 2e6};  // Of client-0, client-1, …
    const char* by = "client";
    bool idle_told = true, clients_told = true, bytes_told = true;
    double bytes_in = 0;    // 0: the sum of the rates.
    int stops = 1'000'000;  // The second at which the first client falls silent.
    int told_until = 1'000'000;
    int calm_until = 0;  // The broker has room until then.
    double calm_idle = 0.9;
    int page_every = 20, clients_told_from = 0;
};

Scene scene_of(const Situation& what) {
    Scene scene;
    double sum = 0;
    for (const double rate : what.rates) sum += rate;
    const double bytes_in = what.bytes_in > 0 ? what.bytes_in : sum;
    const auto page = [=](auto value, int from = 0) {
        return [=](int second) {
            const bool told = second >= from && second < what.told_until;
            return second % what.page_every == 0 && told ? std::optional<double>(value(second)) : std::nullopt;
        };
    };
    scene.constant("kafka_broker_up", {{"broker", "1"}}, 1);
    if (what.idle_told)
        scene.series("kafka_broker_request_handler_idle_ratio", {{"broker", "1"}},
                     page([=](int s) { return s < what.calm_until ? what.calm_idle : what.idle; }));
    if (what.bytes_told)
        scene.series("kafka_broker_bytes_in_total", {{"broker", "1"}}, page([=](int s) { return bytes_in * s; }));
    for (std::size_t i = 0; what.clients_told && i < what.rates.size(); ++i)
        scene.series(
            std::string("kafka_") + what.by + "_produce_bytes_per_second",
            {{"broker", "1"}, {what.by, "client-" + std::to_string(i)}},
            page([=](int s) { return i == 0 && s >= what.stops ? 0 : what.rates[i]; }, what.clients_told_from));
    return scene;
}

std::vector<Finding> found(const Situation& what, int seconds = 5 * minutes) {
    return scene_of(what).findings("noisy-client", seconds);
}

TEST(NoisyClient, OneThatProducesMoreThanAllOthersToABusyBrokerIsTold) {
    const auto noisy = found({});
    ASSERT_EQ(noisy.size(), 1U);
    EXPECT_EQ(noisy[0].subject, Scene::lab("client", "client-0"));
    EXPECT_EQ(noisy[0].fields.at("broker"), "1");
    EXPECT_EQ(noisy[0].fields.at("busy_percent"), "90");
    EXPECT_EQ(noisy[0].fields.at("bytes_per_second"), "40000000");
    EXPECT_EQ(noisy[0].fields.at("broker_bytes_per_second"), "45000000");
    EXPECT_EQ(noisy[0].fields.at("producers"), "3");
    EXPECT_EQ(noisy[0].evidence.size(), 2U);
}

TEST(NoisyClient, AUserIsToldWhereQuotasGoByUser) {
    const auto noisy = found({.by = "user"});
    ASSERT_EQ(noisy.size(), 1U);
    EXPECT_EQ(noisy[0].subject, Scene::lab("user", "client-0"));
}

TEST(NoisyClient, MuchFromManyAlikeIsGrowth) {
    EXPECT_TRUE(found({.rates = {12e6, 11e6, 11e6, 11e6}}).empty());
    EXPECT_TRUE(found({.rates = {25e6, 20e6}}).empty()) << "two big ones";
}

TEST(NoisyClient, ABrokerWithRoomHasNoTrouble) { EXPECT_TRUE(found({.idle = 0.6}).empty()); }

// The controller's pool, which is idle, is in the same meter.
TEST(NoisyClient, ABrokerThatIsAControllerTooIsBusyForItsOwnPool) {
    EXPECT_TRUE(found({.idle = 1.6, .calm_until = 60, .calm_idle = 1.8}).empty());
    const auto noisy = found({.idle = 1.1, .calm_until = 60, .calm_idle = 1.8});
    ASSERT_EQ(noisy.size(), 1U);
    EXPECT_EQ(noisy[0].fields.at("busy_percent"), "90");
}

TEST(NoisyClient, ABurstIsWaitedFor) {
    EXPECT_TRUE(found({.calm_until = 4 * minutes + 20}).empty()) << "for less than a minute";
    EXPECT_EQ(found({.calm_until = 4 * minutes}).size(), 1U);
}

TEST(NoisyClient, TwoLooksAMomentApartAreNoMinute) {
    constexpr int now = 5 * minutes;
    EXPECT_TRUE(found({.page_every = 10, .clients_told_from = now - 15}, now).empty());
    EXPECT_EQ(found({.page_every = 10, .clients_told_from = now - 70}, now).size(), 1U);
}

TEST(NoisyClient, IsToldAllTheWhileHoweverOftenPagesAreRead) {
    for (const int every : {1, 10, 20, 25, 30, 40, 50, 60})
        for (int second = 5 * minutes; second < 6 * minutes; second += 7)
            EXPECT_EQ(found({.page_every = every}, second).size(), 1U) << every << " s, at " << second;
}

TEST(NoisyClient, NobodySuffersWhereNobodyElseWrites) { EXPECT_TRUE(found({.rates = {40e6}}).empty()); }

TEST(NoisyClient, AFewBytesMakeNoBrokerBusy) { EXPECT_TRUE(found({.rates = {40e3, 3e3}}).empty()); }

TEST(NoisyClient, OneThatHasStoppedIsOver) { EXPECT_TRUE(found({.stops = 4 * minutes + 40}).empty()); }

TEST(NoisyClient, MostOfTheBytesMayBeOfOthersThatAreNotTold) {
    EXPECT_TRUE(found({.bytes_in = 100e6}).empty()) << "quotas by client-id and user are told as another thing";
}

TEST(NoisyClient, NothingWhereTheFactsAreMissing) {
    EXPECT_TRUE(found({.clients_told = false}).empty()) << "no quota is set: brokers don't tell clients apart";
    EXPECT_TRUE(found({.idle_told = false}).empty());
    EXPECT_TRUE(found({.bytes_told = false}).empty());
    EXPECT_TRUE(found({}, 10).empty()) << "one look";
    EXPECT_TRUE(found({.told_until = 2 * minutes}, 6 * minutes).empty()) << "old";
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

using Shape = Scene::Shape;

struct Broker {
    double bytes_in = 20e6;
    Shape seconds = [](int) { return 0.02; };
    double out_of_sync = 0;
    double leaders = 10;
    std::optional<double> idle{};
    int page_every = 60, flush_stands_from = 1 << 20;
};

Scene scene_of(const std::vector<Broker>& brokers, const char* series = "kafka_broker_log_flush_seconds") {
    Scene scene;
    int id = 0;
    for (const Broker& broker : brokers) {
        const std::vector<LabelPair> which{{"broker", std::to_string(++id)}};
        const auto page = [every = broker.page_every](Shape shape) {
            return [shape = std::move(shape), every](int s) { return s % every == 0 ? shape(s) : std::nullopt; };
        };
        // Each flush moves the percentile a little.
        const auto moving = [stands_from = broker.flush_stands_from, shape = broker.seconds](int s) {
            const auto seconds = shape(s);
            return seconds ? std::optional{*seconds + 1e-9 * std::min(s, stands_from)} : std::nullopt;
        };
        const double rate = broker.bytes_in;
        scene.constant("kafka_broker_up", which, 1)
            .constant("kafka_broker_replicas_out_of_sync", which, broker.out_of_sync)
            .constant("kafka_broker_leaders", which, broker.leaders)
            .series("kafka_broker_request_handler_idle_ratio", which, page([idle = broker.idle](int) { return idle; }))
            .series("kafka_broker_bytes_in_total", which, page([rate](int s) { return rate * s; }))
            .series(series, which, page(moving));
    }
    return scene;
}

Shape steady(double seconds) {
    return [=](int) { return seconds; };
}
Shape slow_from(int second, double seconds = 2.5) {
    return [=](int s) { return s >= second ? seconds : 0.02; };
}

std::vector<Finding> slow(const Scene& scene, int seconds = 2'400) { return scene.findings("broker-slow", seconds); }

TEST(SlowBroker, FarSlowerThanBeforeAndThanItsPeersUnderTheSameLoad) {
    const auto found = slow(scene_of({{}, {.seconds = slow_from(1'800), .out_of_sync = 4}, {}}));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("broker", "2"));
    EXPECT_NE(found[0].summary.find("2500 ms, on its peers 20 ms"), std::string::npos) << found[0].summary;
    EXPECT_NE(found[0].evidence.back().text.find("4 of its replicas"), std::string::npos);
}

TEST(SlowBroker, WhoCouldLeadInItsPlaceIsToldWithWhatThatWouldCost) {
    const auto found = slow(
        scene_of({{.bytes_in = 10e6, .idle = 0.8}, {.seconds = slow_from(1'800)}, {.bytes_in = 30e6, .idle = 0.6}}));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("measure"), "kafka_broker_log_flush_seconds");
    EXPECT_EQ(found[0].fields.at("peers"), "1,3");
    EXPECT_EQ(found[0].fields.at("peers_busy_percent"), "20,40");
    EXPECT_EQ(found[0].fields.at("moved_busy_percent"), "30") << "half of the bytes that keep the others busy for 60 %";
    EXPECT_EQ(found[0].fields.at("others_slow"), "0");
}

TEST(SlowBroker, WhereNobodyTellsHowBusyTheOthersAreNoHeirIsNamed) {
    const auto found = slow(scene_of({{}, {.seconds = slow_from(1'800)}, {}}));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].fields.contains("peers"));
    EXPECT_FALSE(found[0].fields.contains("moved_busy_percent"));
}

TEST(SlowBroker, OneThatLeadsNothingKeepsNobodyWaiting) {
    EXPECT_TRUE(slow(scene_of({{}, {.seconds = slow_from(1'800), .leaders = 0}, {}})).empty());
}

TEST(SlowBroker, OthersThatAreSlowAsWellAreCounted) {
    std::vector<Broker> brokers(7);
    brokers[1].seconds = brokers[4].seconds = slow_from(1'800);
    const auto found = slow(scene_of(brokers));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].fields.at("others_slow"), "1");
}

TEST(SlowBroker, EachMeasureThatAPageTellsWillDo) {
    for (const char* series : {"kafka_broker_produce_local_seconds", "kafka_broker_produce_seconds"})
        EXPECT_EQ(slow(scene_of({{}, {.seconds = slow_from(1'800)}, {}}, series)).size(), 1U) << series;
}

TEST(SlowBroker, AFlushOfLongAgoIsNotHowItIsNow) {
    const Broker once{.seconds = slow_from(1'800), .flush_stands_from = 1'800};
    EXPECT_TRUE(slow(scene_of({{}, once, {}})).empty()) << "nothing has been flushed since";
    EXPECT_EQ(slow(scene_of({{}, once, {}}, "kafka_broker_produce_local_seconds")).size(), 1U)
        << "where clients produce all the while the figure is of now";
}

TEST(SlowBroker, LooksThatAreCloseTogetherAreNoMinutes) {
    const auto with_pages_every = [](int seconds, int slow_since) {
        std::vector<Broker> brokers(3);
        for (Broker& one : brokers) one.page_every = seconds;
        brokers[1].seconds = [=](int s) { return s < slow_since ? std::nullopt : std::optional(2.5); };
        return slow(scene_of(brokers)).size();
    };
    EXPECT_EQ(with_pages_every(1, 2'300), 0U) << "a hundred looks, and not two minutes";
    EXPECT_EQ(with_pages_every(1, 2'100), 1U);
    EXPECT_EQ(with_pages_every(60, 2'100), 1U);
}

TEST(SlowBroker, MoreLoadIsNoSlowness) {
    EXPECT_TRUE(slow(scene_of({{.bytes_in = 2e6, .seconds = steady(0.3)},
                               {.bytes_in = 40e6, .seconds = slow_from(1'800, 1.5)},
                               {.bytes_in = 2e6, .seconds = steady(0.3)}}))
                    .empty())
        << "five times their time for twenty times their bytes";
}

TEST(SlowBroker, BelowASecondOrForAMomentIsNone) {
    EXPECT_TRUE(slow(scene_of({{}, {.seconds = steady(0.9)}, {}})).empty());
    EXPECT_TRUE(slow(scene_of({{}, {.seconds = slow_from(2'290)}, {}})).empty()) << "two looks";
    EXPECT_TRUE(slow(scene_of({{}, {.bytes_in = 0.1e6, .seconds = steady(3)}, {}})).empty()) << "hardly any traffic";
}

TEST(SlowBroker, AllSlowIsAnotherTrouble) {
    EXPECT_TRUE(slow(scene_of({{.seconds = slow_from(1'800)}, {.seconds = slow_from(1'800)}, {}})).empty());
    EXPECT_TRUE(slow(scene_of({{.seconds = steady(2)}, {.seconds = steady(2)}, {.seconds = steady(2)}})).empty());
}

TEST(SlowBroker, NothingWithoutPeersOrFreshPages) {
    EXPECT_TRUE(slow(scene_of({{}, {.seconds = slow_from(1'800)}})).empty()) << "one peer decides nothing";
    const Shape lost = [](int s) { return s >= 2'100 ? std::nullopt : std::optional{s >= 1'800 ? 2.5 : 0.02}; };
    EXPECT_TRUE(slow(scene_of({{}, {.seconds = lost}, {}})).empty());
    Scene no_load = scene_of({{}, {}});
    no_load.constant("kafka_broker_up", {{"broker", "3"}}, 1)
        .constant("kafka_broker_log_flush_seconds", {{"broker", "3"}}, 3);
    EXPECT_TRUE(slow(no_load).empty()) << "its traffic is not known";
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int minutes = 60;

// One partition of topic orders, of which 100 records are stable and the rest grows.
struct Situation {
    const char* series = "kafka_partition_hanging_transaction_seconds";
    int told_from = 20 * minutes, told_until = 1 << 20;
    double committed = 100;
};

Scene scene_of(const Situation& what) {
    Scene scene;
    const std::vector<LabelPair> partition = {{"topic", "orders"}, {"partition", "0"}};
    const auto with = [&](std::vector<LabelPair> more) {
        more.insert(more.end(), partition.begin(), partition.end());
        return more;
    };
    const auto told = [=](auto value) {
        return [=](int second) {
            const bool tells = second >= what.told_from && second < what.told_until;
            return tells ? std::optional<double>(value(second)) : std::nullopt;
        };
    };
    scene.series(
        what.series,
        with({{"producer_id", "4000"}, {"producer_epoch", "1"}, {"coordinator_epoch", "-1"}, {"start_offset", "100"}}),
        told([](int second) { return second - 60; }));
    scene.series("kafka_partition_last_stable_offset", partition, told([](int) { return 100; }));
    scene.counter("kafka_partition_log_end_offset", partition, 1);
    scene.constant("kafka_group_committed_offset", with({{"group", "ledger"}}), what.committed);
    return scene;
}

TEST(HangingTransaction, IsToldWithWhomItHoldsUp) {
    const auto found = scene_of({}).findings("hanging-transaction", 21 * minutes);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("topic", "orders"));
    EXPECT_EQ(found[0].fields.at("transactions"), "0/4000/1/100/-1");
    EXPECT_EQ(found[0].fields.at("records"), std::to_string(21 * minutes - 100));
    EXPECT_EQ(found[0].fields.at("groups"), "ledger");
    EXPECT_EQ(found[0].since, Scene::at(60));
    EXPECT_EQ(found[0].evidence.size(), 2U);
}

TEST(HangingTransaction, AGroupElsewhereIsNotHeldUp) {
    const auto found = scene_of({.committed = 90}).findings("hanging-transaction", 21 * minutes);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].fields.contains("groups"));
}

TEST(HangingTransaction, SeveralOfOneTopicAreOneFindingTheOldestFirst) {
    Scene scene = scene_of({});
    scene.constant("kafka_partition_hanging_transaction_seconds",
                   {{"topic", "orders"},
                    {"partition", "3"},
                    {"producer_id", "4001"},
                    {"producer_epoch", "0"},
                    {"coordinator_epoch", "7"},
                    {"start_offset", "5"}},
                   9'000);
    const auto found = scene.findings("hanging-transaction", 21 * minutes);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("transactions"), "3/4001/0/5/7;0/4000/1/100/-1");
}

TEST(HangingTransaction, ALongOneThatItsCoordinatorKnowsIsNone) {
    EXPECT_TRUE(scene_of({.series = "kafka_partition_transaction_silent_seconds"})
                    .findings("hanging-transaction", 21 * minutes)
                    .empty());
}

TEST(HangingTransaction, NothingWhereItIsNotToldNow) {
    EXPECT_TRUE(scene_of({}).findings("hanging-transaction", 10 * minutes).empty());
    EXPECT_TRUE(scene_of({.told_until = 20 * minutes + 10}).findings("hanging-transaction", 21 * minutes).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 60;
constexpr double total = 500e6;
const std::vector<LabelPair> dir{{"broker", "1"}, {"log_dir", "/data/kafka"}};

// A dir that goes offline in second `fault`; what it holds, and how much is left, is told every `every` seconds until
// then.
Scene scene(double left_at_fault, double fills_per_second, double replicas_share = 0.9, int every = 1) {
    Scene made;
    const auto left = [=](int s) { return left_at_fault + fills_per_second * (fault - s); };
    const auto told = [=](int s) { return s < fault && s % every == 0; };
    auto replica = dir;
    replica.insert(replica.end(), {{"topic", "debug"}, {"partition", "0"}});
    made.series("kafka_log_dir_online", dir, [](int s) { return s < fault ? 1.0 : 0.0; })
        .series("kafka_log_dir_total_bytes", dir, [=](int s) { return told(s) ? std::optional(total) : std::nullopt; })
        .series("kafka_log_dir_usable_bytes", dir,
                [=](int s) { return told(s) ? std::optional(left(s)) : std::nullopt; })
        .series("kafka_replica_size_bytes", replica,
                [=](int s) { return told(s) ? std::optional((total - left(s)) * replicas_share) : std::nullopt; });
    return made;
}

TEST(DiskExhausted, ADirThatFilledUntilItFailed) {
    const auto found = scene(0, 10e6).findings("disk-ran-full", fault + 5);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("log-dir", "1:/data/kafka"));
    EXPECT_EQ(found[0].fields.at("topic"), "debug");
    EXPECT_LT(found[0].since, Scene::at(fault));
}

// Between two looks a fast one fills the rest.
TEST(DiskExhausted, ItFilledBetweenTwoLooks) {
    EXPECT_EQ(scene(0, 5e6, 0.9, 7).findings("disk-ran-full", fault + 5).size(), 1U);
}

TEST(DiskExhausted, ADirWithRoomThatFailsIsABrokenOne) {
    EXPECT_TRUE(scene(300e6, 0).findings("disk-ran-full", fault + 5).empty());
    EXPECT_TRUE(scene(25e6, 0).findings("disk-ran-full", fault + 5).empty());
    EXPECT_TRUE(scene(200e6, 1e6).findings("disk-ran-full", fault + 5).empty());
}

TEST(DiskExhausted, AFullDirThatIsOnlineHasNotFailed) {
    EXPECT_TRUE(scene(0, 10e6).findings("disk-ran-full", fault - 1).empty());
}

TEST(DiskExhausted, OthersFilledIt) {
    EXPECT_TRUE(scene(0, 10e6, 0.01).findings("disk-ran-full", fault + 5).empty());
    EXPECT_EQ(scene(0, 10e6, 0.01).findings("disk-ran-full-of-others", fault + 5).size(), 1U);
}

TEST(DiskExhausted, NothingWithoutAMeasureOfBefore) {
    Scene unmeasured;
    unmeasured.series("kafka_log_dir_online", dir, [](int s) { return s < fault ? 1.0 : 0.0; });
    EXPECT_TRUE(unmeasured.findings("disk-ran-full", fault + 5).empty());
}

}  // namespace
}  // namespace medic::analyzers

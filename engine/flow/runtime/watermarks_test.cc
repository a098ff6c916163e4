#include "engine/flow/runtime/watermarks.h"

#include <gtest/gtest.h>

namespace medic::engine::flow {
namespace {

TEST(WatermarkMerger, IsTheLowestOfItsInputs) {
    WatermarkMerger merger(2);
    merger.advance(0, 100);
    EXPECT_EQ(merger.merged(), no_time) << "the second input has said nothing yet";
    merger.advance(1, 70);
    EXPECT_EQ(merger.merged(), 70);
    merger.advance(1, 120);
    EXPECT_EQ(merger.merged(), 100);
}

TEST(WatermarkMerger, AnIdleInputDoesNotHoldTheOthersBack) {
    WatermarkMerger merger(2);
    merger.advance(0, 100);
    merger.set_idle(1);
    EXPECT_EQ(merger.merged(), 100);
}

TEST(WatermarkMerger, AnInputThatWakesUpBehindDoesNotTurnTimeBack) {
    WatermarkMerger merger(2);
    merger.set_idle(1);
    merger.advance(0, 100);
    ASSERT_EQ(merger.merged(), 100);
    merger.advance(1, 40);
    EXPECT_EQ(merger.merged(), 100);
    merger.advance(0, 200);
    EXPECT_EQ(merger.merged(), 100) << "the slow one holds it back from now on";
}

TEST(WatermarkMerger, StaysWhereItWasWhenAllAreIdle) {
    WatermarkMerger merger(2);
    merger.advance(0, 10);
    merger.advance(1, 20);
    ASSERT_EQ(merger.merged(), 10);
    merger.set_idle(0);
    merger.set_idle(1);
    EXPECT_EQ(merger.merged(), 10);
    EXPECT_TRUE(merger.all_idle());
}

TEST(PartitionWatermarks, TrailsTheHighestTimestampByTheBound) {
    PartitionWatermarks time(1, 5'000, 0, 0);
    time.observe(0, 20'000, 1);
    time.observe(0, 12'000, 2);
    EXPECT_EQ(time.merged(), 14'999);
}

using EmptyAt = std::optional<std::int64_t>;

TEST(PartitionWatermarks, APartitionWithUnreadRecordsIsNotIdle) {
    PartitionWatermarks time(2, 0, 1'000, 0);
    time.observe(0, 500, 100);
    bool unread = true;
    const auto empty_at = [&](std::size_t i) { return i == 0 || !unread ? EmptyAt(7'000) : std::nullopt; };
    time.observe(0, 90'000, 5'000);
    time.check_idle(5'000, empty_at);
    EXPECT_EQ(time.merged(), no_time) << "its turn will come";
    time.observe(1, 400, 5'500);
    EXPECT_EQ(time.merged(), 399);
    unread = false;
    time.observe(0, 95'000, 7'000);
    time.check_idle(7'000, empty_at);
    EXPECT_EQ(time.merged(), 94'999);
}

// Read up to its end, and then not looked at for long, since the source had enough to do with the other one.
TEST(PartitionWatermarks, APartitionThatNobodyLooksAtIsNotIdle) {
    PartitionWatermarks time(2, 0, 1'000, 0);
    time.observe(1, 400, 900);
    time.observe(0, 90'000, 5'000);
    EmptyAt looked = 950;
    const auto empty_at = [&](std::size_t i) { return i == 1 ? looked : std::nullopt; };
    time.check_idle(5'000, empty_at);
    EXPECT_EQ(time.merged(), 399) << "what it has had since is not known";
    looked = 1'950;
    time.check_idle(5'000, empty_at);
    EXPECT_EQ(time.merged(), 89'999);
}

TEST(PartitionWatermarks, ASilentPartitionHoldsTimeUntilItIsIdle) {
    PartitionWatermarks time(2, 0, 1'000, 0);
    time.observe(0, 500, 100);
    time.check_idle(999, [](std::size_t) { return EmptyAt(999); });
    EXPECT_EQ(time.merged(), no_time);
    time.observe(0, 600, 1'000);
    time.check_idle(1'000, [](std::size_t) { return EmptyAt(1'000); });
    EXPECT_EQ(time.merged(), 599);
}

TEST(PartitionWatermarks, WithoutAnIdleTimeoutASilentPartitionHoldsTimeForever) {
    PartitionWatermarks time(2, 0, 0, 0);
    time.observe(0, 500, 100);
    time.check_idle(1'000'000, [](std::size_t) { return EmptyAt(1'000'000); });
    EXPECT_EQ(time.merged(), no_time);
}

TEST(PartitionWatermarks, AFinishedPartitionIsAtTheEndOfTime) {
    PartitionWatermarks time(2, 0, 0, 0);
    time.observe(0, 500, 100);
    time.finish(1);
    EXPECT_EQ(time.merged(), 499);
    time.finish(0);
    EXPECT_EQ(time.merged(), end_of_time);
}

}  // namespace
}  // namespace medic::engine::flow

#include "engine/broker/recent_times.h"

#include <gtest/gtest.h>

namespace medic::engine::broker {
namespace {

using std::chrono::milliseconds;

Instant second(int s) { return Instant{Duration{1'000'000 + s * 1'000}}; }

TEST(RecentTimes, TellsPercentilesToASeventhAndNothingBeforeTheFirst) {
    RecentTimes times;
    EXPECT_EQ(times.percentile(0.99), std::nullopt);
    for (int i = 0; i < 98; ++i) times.record(second(i), milliseconds(2));
    for (int i = 0; i < 2; ++i) times.record(second(98 + i), milliseconds(1'500));
    EXPECT_NEAR(*times.percentile(0.5), 2, 0.3);
    EXPECT_NEAR(*times.percentile(0.99), 1'500, 215);
}

TEST(RecentTimes, WhatIsOlderThanFiveMinutesOfWorkCountsNoMore) {
    RecentTimes times;
    times.record(second(0), milliseconds(1'500));
    times.record(second(280), milliseconds(2));
    EXPECT_NEAR(*times.percentile(0.99), 1'500, 215);
    times.record(second(310), milliseconds(2));
    EXPECT_NEAR(*times.percentile(0.99), 2, 0.3);
    times.record(second(100'000), milliseconds(40));
    EXPECT_NEAR(*times.percentile(0.01), 40, 6);
}

TEST(RecentTimes, ExtremesHaveABucket) {
    RecentTimes times;
    times.record(second(0), std::chrono::nanoseconds(1));
    EXPECT_GT(*times.percentile(0.99), 0);
    times.record(second(0), std::chrono::hours(3));
    EXPECT_GT(*times.percentile(0.99), 20'000);
}

}  // namespace
}  // namespace medic::engine::broker

// The simulated cluster by itself: what the seeds take for granted.
#include <gtest/gtest.h>

#include "agent/world/sim/cluster.h"

namespace medic::sim {
namespace {

constexpr WallTime began{1'700'000'000'000};

TEST(SimCluster, WhatIsLostBeforeTheFirstMomentIsLostThen) {
    SimCluster cluster(1);
    cluster.lose_entries(began, std::nullopt);
    EXPECT_TRUE(cluster.advance(began + Duration{500}).empty());
    EXPECT_EQ(cluster.entries.lost_at, began) << "the first look at the clock is no step of it";
}

TEST(SimCluster, WhatIsUnderWayGoesOnWhenTheClockIsSet) {
    constexpr Duration hour{3'600'000};
    SimCluster cluster(1);
    EXPECT_TRUE(cluster.advance(began).empty());
    cluster.lose_entries(began, Duration{1'000});
    cluster.set_clock(hour);
    EXPECT_TRUE(cluster.advance(began + hour).empty());
    EXPECT_EQ(cluster.entries.leader, -1) << "an hour of the clock, and no time has passed";
    EXPECT_TRUE(cluster.advance(began + hour + Duration{1'000}).empty());
    EXPECT_EQ(cluster.entries.leader, 1);
}

TEST(SimCluster, WhatBeginsAtTheMomentOfAStepIsNotMovedByIt) {
    constexpr Duration hour{3'600'000};
    SimCluster cluster(1);
    EXPECT_TRUE(cluster.advance(began).empty());
    cluster.set_clock(-hour);
    cluster.lose_entries(began - hour, Duration{1'000});
    EXPECT_TRUE(cluster.advance(began - hour + Duration{500}).empty());
    EXPECT_EQ(cluster.entries.lost_at, began - hour);
    EXPECT_TRUE(cluster.advance(began - hour + Duration{1'000}).empty());
    EXPECT_EQ(cluster.entries.leader, 1);
}

}  // namespace
}  // namespace medic::sim

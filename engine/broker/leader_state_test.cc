#include "engine/broker/leader_state.h"

#include <gtest/gtest.h>

namespace medic::engine::broker {
namespace {

constexpr Instant at(std::int64_t ms) { return Instant(Duration(ms)); }

PartitionState three_replicas() { return {.topic = "t", .replicas = {1, 2, 3}, .isr = {1, 2, 3}, .leader = 1}; }

LeaderState::IsrQuestion question(std::int64_t log_end, std::int64_t high_watermark, Instant now) {
    return {.log_end = log_end,
            .high_watermark = high_watermark,
            .now = now,
            .lag_max = Duration(1'000),
            .usable = [](BrokerId) { return true; }};
}

TEST(LeaderState, commits_what_all_in_sync_replicas_have) {
    LeaderState leader(three_replicas(), 1, 0, at(0));
    EXPECT_EQ(leader.committed_end(10), -1) << "followers that were never heard of hold nothing";
    leader.on_fetch(2, 10, 10, at(1));
    EXPECT_EQ(leader.committed_end(10), -1);
    leader.on_fetch(3, 7, 10, at(1));
    EXPECT_EQ(leader.committed_end(10), 7);
}

TEST(LeaderState, drops_a_follower_that_stays_behind_for_too_long) {
    LeaderState leader(three_replicas(), 1, 0, at(0));
    leader.on_fetch(2, 10, 10, at(1'500));
    leader.on_fetch(3, 4, 10, at(900));
    EXPECT_FALSE(leader.wanted_isr(question(10, 4, at(1'000)))) << "not yet";
    const auto wanted = leader.wanted_isr(question(10, 4, at(1'600)));
    ASSERT_TRUE(wanted);
    EXPECT_EQ(*wanted, (std::vector<BrokerId>{1, 2}));
    EXPECT_FALSE(leader.wanted_isr(question(10, 4, at(1'700)))) << "one change at a time";
    EXPECT_EQ(leader.committed_end(10), 4) << "until the controller agrees the old ISR counts";
}

TEST(LeaderState, a_follower_that_keeps_up_with_steady_writes_stays) {
    LeaderState leader(three_replicas(), 1, 0, at(0));
    for (std::int64_t ms = 0; ms <= 5'000; ms += 100) {
        leader.on_fetch(2, ms, ms + 50, at(ms));       // Never at the very end,
        leader.on_fetch(3, ms + 50, ms + 50, at(ms));  // the other always.
    }
    EXPECT_FALSE(leader.wanted_isr(question(5'050, 5'000, at(5'000))));
}

TEST(LeaderState, an_idle_partition_keeps_followers_that_have_everything) {
    LeaderState leader(three_replicas(), 1, 0, at(0));
    leader.on_fetch(2, 10, 10, at(0));
    leader.on_fetch(3, 10, 10, at(0));
    EXPECT_FALSE(leader.wanted_isr(question(10, 10, at(60'000))));
}

TEST(LeaderState, takes_a_follower_in_once_it_has_everything_committed) {
    auto state = three_replicas();
    state.isr = {1, 2};
    LeaderState leader(state, 1, 5, at(0));
    leader.on_fetch(2, 10, 10, at(0));
    leader.on_fetch(3, 4, 10, at(0));
    EXPECT_FALSE(leader.wanted_isr(question(10, 4, at(10))))
        << "below the start of this reign it may hold other records";
    leader.on_fetch(3, 10, 10, at(20));
    auto asked = question(10, 10, at(30));
    asked.usable = [](BrokerId id) { return id != 3; };
    EXPECT_FALSE(leader.wanted_isr(asked)) << "not while it is fenced";
    const auto wanted = leader.wanted_isr(question(10, 10, at(30)));
    ASSERT_TRUE(wanted);
    EXPECT_EQ(*wanted, (std::vector<BrokerId>{1, 2, 3}));
    leader.on_fetch(2, 12, 12, at(40));
    EXPECT_EQ(leader.committed_end(12), 10) << "one who is about to be in sync already counts";
    leader.change_failed();
    EXPECT_EQ(leader.committed_end(12), 12);
}

}  // namespace
}  // namespace medic::engine::broker

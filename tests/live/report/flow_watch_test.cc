#include "tests/live/report/flow_watch.h"

#include <gtest/gtest.h>

namespace medic::live {
namespace {

constexpr double rate = 100;

// Feeds one look per 500 ms; records come every two seconds, as from a sink that shows them once per checkpoint.
class Feed {
public:
    explicit Feed(FlowWatch& watch) : watch_(watch) {}
    void run(int seconds, double records_per_second) {
        for (int i = 0; i < seconds * 2; ++i) {
            at_ += Duration(500);
            waiting_ += records_per_second / 2;
            if (at_.time_since_epoch().count() % 2'000 == 0)
                count_ += static_cast<std::uint64_t>(waiting_), waiting_ = 0;
            watch_.observe(at_, count_);
        }
    }
    // What was held up comes at once.
    void burst(std::uint64_t records) { count_ += records; }

private:
    FlowWatch& watch_;
    Instant at_{};
    double waiting_ = 0;
    std::uint64_t count_ = 0;
};

class FlowWatchTest : public ::testing::Test {
protected:
    FlowWatch watch{{}, rate, Instant{}, 0};
    Feed feed{watch};
};

TEST_F(FlowWatchTest, a_flow_that_goes_on_has_not_fallen_and_has_nothing_to_recover_from) {
    feed.run(60, rate);
    EXPECT_FALSE(watch.fallen());
    EXPECT_TRUE(watch.flowing());
    EXPECT_EQ(watch.recovered_after(), std::nullopt);
}

TEST_F(FlowWatchTest, nothing_seen_is_a_standstill_never_a_recovery) {
    feed.run(120, 0);
    EXPECT_TRUE(watch.fallen());
    EXPECT_FALSE(watch.flowing());
    EXPECT_EQ(watch.recovered_after(), std::nullopt);
}

TEST_F(FlowWatchTest, the_moment_is_that_of_the_first_record_that_comes_again) {
    feed.run(20, 0);
    feed.run(20, rate);
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_EQ(*watch.recovered_after(), Duration(22'000));
}

TEST_F(FlowWatchTest, one_burst_of_what_was_held_up_is_no_flow) {
    feed.run(20, 0);
    feed.burst(2'000);
    feed.run(30, 0);
    EXPECT_EQ(watch.recovered_after(), std::nullopt);
}

TEST_F(FlowWatchTest, a_trickle_does_not_count_and_the_full_flow_after_it_does) {
    feed.run(20, 0);
    feed.run(20, rate * 0.3);
    EXPECT_EQ(watch.recovered_after(), std::nullopt);
    feed.run(30, rate);
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_GE(*watch.recovered_after(), Duration(36'000));
}

TEST_F(FlowWatchTest, a_flow_that_breaks_again_counts_from_where_it_stayed) {
    feed.run(20, 0);
    feed.run(6, rate);
    feed.run(20, 0);
    feed.run(20, rate);
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_GE(*watch.recovered_after(), Duration(46'000));
}

TEST_F(FlowWatchTest, where_a_part_went_on_the_flow_begins_with_the_burst_of_what_was_held_up) {
    feed.run(25, rate / 3);
    EXPECT_TRUE(watch.fallen());
    feed.burst(1'700);
    feed.run(30, rate);
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_GE(*watch.recovered_after(), Duration(24'500));
    EXPECT_LE(*watch.recovered_after(), Duration(26'000));
}

TEST_F(FlowWatchTest, a_part_that_goes_on_is_no_recovery) {
    feed.run(120, rate / 3);
    EXPECT_TRUE(watch.fallen());
    EXPECT_EQ(watch.recovered_after(), std::nullopt);
}

}  // namespace
}  // namespace medic::live

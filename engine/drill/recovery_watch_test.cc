#include "engine/drill/recovery_watch.h"

#include <gtest/gtest.h>

namespace medic::engine::drill {
namespace {

Instant at(int ms) { return Instant(Duration(1'000'000 + ms)); }

// Feeds an observation every 100 ms; `rate` gives records per second at that time.
template <class Rate>
RecoveryWatch watched(int until_ms, Rate rate) {
    RecoveryWatch watch({}, 1'000, at(0));
    double count = 0;
    for (int ms = -2'000; ms <= until_ms; ms += 100) {
        count += rate(ms) / 10.0;
        watch.observe(at(ms), static_cast<std::uint64_t>(count));
    }
    return watch;
}

TEST(RecoveryWatch, finds_the_begin_of_the_first_full_window_after_the_fall) {
    const auto watch = watched(10'000, [](int ms) { return ms > 500 && ms <= 4'000 ? 0.0 : 1'000.0; });
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_GE(*watch.recovered_after(), Duration(3'700));
    EXPECT_LE(*watch.recovered_after(), Duration(4'100));
}

TEST(RecoveryWatch, counts_no_standstill_before_a_burst_as_flow) {
    const auto watch = watched(10'000, [](int ms) { return ms <= 0 ? 1'000.0 : ms > 4'000 ? 5'000.0 : 0.0; });
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_GE(*watch.recovered_after(), Duration(3'900));
    EXPECT_LE(*watch.recovered_after(), Duration(4'100));
}

TEST(RecoveryWatch, knows_the_longest_time_without_records) {
    const auto watch = watched(10'000, [](int ms) {
        const bool still = (ms > 500 && ms <= 2'000) || (ms > 5'000 && ms <= 7'500);
        return still ? 0.0 : 1'000.0;
    });
    EXPECT_GE(watch.longest_standstill(), Duration(2'500)) << "also after the first window at full rate";
    EXPECT_LE(watch.longest_standstill(), Duration(2'700));
    EXPECT_LE(watched(10'000, [](int) { return 1'000.0; }).longest_standstill(), Duration(200));
}

TEST(RecoveryWatch, does_not_call_a_flow_that_never_fell_recovered) {
    const auto watch = watched(10'000, [](int) { return 1'000.0; });
    EXPECT_FALSE(watch.fallen());
    EXPECT_FALSE(watch.recovered_after());
}

TEST(RecoveryWatch, a_trickle_is_no_recovery) {
    const auto watch = watched(20'000, [](int ms) { return ms > 0 ? 700.0 * (ms > 3'000) : 1'000.0; });
    EXPECT_TRUE(watch.fallen());
    EXPECT_FALSE(watch.recovered_after());
}

TEST(RecoveryWatch, bursts_between_failures_are_no_recovery_where_the_rate_must_hold) {
    RecoveryWatch watch({.hold = Duration(3'000)}, 1'000, at(0));
    double count = 0;
    for (int ms = 0; ms <= 30'000; ms += 100) {
        count += ms % 3'000 < 300 ? 500 : 0;  // A burst of 1,500 records after each restart.
        watch.observe(at(ms), static_cast<std::uint64_t>(count));
    }
    EXPECT_TRUE(watch.fallen());
    EXPECT_FALSE(watch.recovered_after());
}

TEST(RecoveryWatch, survives_a_counter_that_starts_anew) {
    RecoveryWatch watch({}, 1'000, at(0));
    for (int ms = 0; ms <= 2'000; ms += 100) watch.observe(at(ms), 50'000);
    for (int ms = 2'100; ms <= 5'000; ms += 100) watch.observe(at(ms), static_cast<std::uint64_t>(ms - 2'100));
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_EQ(*watch.recovered_after(), Duration(2'100));
}

TEST(RecoveryWatch, safety_must_be_lost_and_then_kept) {
    RecoveryWatch watch({}, 1'000, at(0));
    const auto observe = [&](int from, int until, bool safe) {
        for (int ms = from; ms < until; ms += 100) watch.observe_safety(at(ms), safe);
    };
    observe(0, 3'000, true);
    EXPECT_FALSE(watch.recovered_after()) << "it was never unsafe";
    EXPECT_TRUE(watch.flowing());
    observe(3'000, 4'000, false);
    observe(4'000, 4'500, true);
    observe(4'500, 5'000, false);
    EXPECT_FALSE(watch.recovered_after()) << "safe for a moment only";
    observe(5'000, 7'000, true);
    ASSERT_TRUE(watch.recovered_after());
    EXPECT_EQ(*watch.recovered_after(), Duration(5'000));
}

}  // namespace
}  // namespace medic::engine::drill

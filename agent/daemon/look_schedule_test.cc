#include "agent/daemon/look_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace medic {
namespace {

using Outcome = LookSchedule::Outcome;

constexpr Instant begin{Duration{1'000'000}};

// Plays `seconds` of looks that last `lasts(id)` and end as `outcome(id)` says; how many looks each target had.
template <class Lasts, class Ends>
std::vector<int> play(LookSchedule& schedule, int seconds, Lasts lasts, Ends outcome) {
    std::vector<int> looks(schedule.size());
    std::map<Instant, std::vector<std::pair<LookSchedule::Id, Instant>>> under_way;
    schedule.start(begin);
    for (Instant now = begin; now < begin + Duration{seconds * 1000}; now += Duration{1}) {
        while (!under_way.empty() && under_way.begin()->first <= now) {
            for (const auto& [id, began] : under_way.begin()->second) schedule.ended(id, began, outcome(id), now);
            under_way.erase(under_way.begin());
        }
        for (const auto id : schedule.due(now)) {
            ++looks[id];
            under_way[now + lasts(id)].emplace_back(id, now);
        }
    }
    return looks;
}

LookSchedule many(int targets, Duration interval) {
    LookSchedule schedule;
    for (int i = 0; i < targets; ++i)
        (void)schedule.add({.name = "c/flink/" + std::to_string(i), .kind = "flink", .interval = interval});
    return schedule;
}

Outcome answered(LookSchedule::Id) { return Outcome::answered; }
Duration quick(LookSchedule::Id) { return Duration{20}; }

TEST(LookSchedule, every_target_is_looked_at_at_its_interval) {
    LookSchedule schedule = many(300, Duration{5'000});
    for (const int looks : play(schedule, 60, quick, answered)) {
        EXPECT_GE(looks, 11);  // The slots begin half an interval after the first look, or later.
        EXPECT_LE(looks, 13);
    }
    const LookCounts counts = schedule.counts().at("flink");
    EXPECT_EQ(counts.missed, 0U);
    EXPECT_EQ(counts.lateness.up_to(0), counts.looks);
}

TEST(LookSchedule, looks_are_spread_over_the_interval) {
    LookSchedule schedule = many(300, Duration{5'000});
    schedule.start(begin);
    std::vector<int> per_100_ms(100);
    for (Instant now = begin; now < begin + Duration{20'000}; now += Duration{1})
        for (const auto id : schedule.due(now)) {
            if (now >= begin + Duration{10'000})
                ++per_100_ms[static_cast<std::size_t>((now - begin - Duration{10'000}).count() / 100)];
            schedule.ended(id, now, Outcome::answered, now);
        }
    for (const int looks : per_100_ms) EXPECT_LE(looks, 25);  // 6 would be perfectly even.
}

TEST(LookSchedule, the_phase_is_the_same_in_every_run) {
    const auto slots = [] {
        LookSchedule schedule = many(10, Duration{1'000});
        std::vector<std::pair<Duration, LookSchedule::Id>> seen;
        schedule.start(begin);
        for (Instant now = begin; now < begin + Duration{3'000}; now += Duration{1})
            for (const auto id : schedule.due(now)) {
                seen.emplace_back(now - begin, id);
                schedule.ended(id, now, Outcome::answered, now);
            }
        return seen;
    };
    EXPECT_EQ(slots(), slots());
}

TEST(LookSchedule, a_look_that_outlasts_its_slots_misses_them_and_delays_nobody) {
    LookSchedule schedule = many(10, Duration{1'000});
    const auto looks =
        play(schedule, 30, [](LookSchedule::Id id) { return id == 3 ? Duration{5'500} : Duration{20}; }, answered);
    EXPECT_LE(looks[3], 6);
    EXPECT_GT(schedule.counts().at("flink").missed, 10U);
    for (std::size_t i = 0; i < looks.size(); ++i) EXPECT_GE(looks[i], i == 3 ? 1 : 29) << i;
}

TEST(LookSchedule, who_fails_again_and_again_is_asked_less_until_it_answers) {
    LookSchedule schedule = many(1, Duration{1'000});
    const auto looks = play(schedule, 60, quick, [](LookSchedule::Id) { return Outcome::failed; });
    EXPECT_LE(looks[0], 20);
    EXPECT_GE(looks[0], 14);  // Four intervals apart, and no more.
    EXPECT_TRUE(schedule.suspect(0));
    EXPECT_EQ(schedule.counts().at("flink").suspects, 1U);
    schedule.ended(0, begin, Outcome::answered, begin + Duration{60'000});
    EXPECT_FALSE(schedule.suspect(0));
    EXPECT_EQ(schedule.counts().at("flink").suspects, 0U);
}

TEST(LookSchedule, one_failure_slows_nothing_down) {
    LookSchedule schedule = many(1, Duration{1'000});
    int looks = 0;
    const auto counts = play(schedule, 60, quick,
                             [&](LookSchedule::Id) { return ++looks % 3 == 0 ? Outcome::answered : Outcome::failed; });
    EXPECT_GE(counts[0], 59);
}

TEST(DurationCounts, are_cumulative) {
    DurationCounts counts;
    counts.add(Duration{3});
    counts.add(Duration{700});
    counts.add(Duration{60'000});
    EXPECT_EQ(counts.up_to(0), 1U);
    EXPECT_EQ(counts.up_to(7), 2U);
    EXPECT_EQ(counts.up_to(DurationCounts::bounds_s.size() - 1), 2U);
    EXPECT_EQ(counts.count(), 3U);
    EXPECT_NEAR(counts.sum_s(), 60.703, 1e-9);
}

// A page that is read once a minute: when it is due in the next `seconds`, hurried at those times.
std::vector<int> due_at(int seconds, const std::vector<int>& hurries, Outcome end = Outcome::answered) {
    LookSchedule schedule = many(1, Duration{60'000});
    std::vector<int> times;
    schedule.start(begin);
    for (int second = 0; second < seconds; ++second) {
        const Instant now = begin + Duration{second * 1'000};
        if (std::ranges::find(hurries, second) != hurries.end()) schedule.hurry(0, now);
        for (const auto id : schedule.due(now)) {
            times.push_back(second);
            schedule.ended(id, now, end, now);
        }
    }
    return times;
}

// Looks in ten minutes of a target whose interval is a minute and may be ten seconds.
int looks_of_ten_minutes(Duration takes, Outcome outcome = Outcome::answered, Duration least = Duration{10'000}) {
    LookSchedule schedule;
    (void)schedule.add({.name = "c/w/metrics", .kind = "page", .interval = Duration{60'000}, .interval_min = least});
    return play(schedule, 600, [=](auto) { return takes; }, [=](auto) { return outcome; })[0];
}

TEST(LookSchedule, what_takes_little_time_is_looked_at_more_often) {
    EXPECT_NEAR(looks_of_ten_minutes(Duration{40}), 60, 1);
    EXPECT_NEAR(looks_of_ten_minutes(Duration{100}), 60, 1);
    EXPECT_NEAR(looks_of_ten_minutes(Duration{250}), 24, 2) << "a part in a hundred of the time";
    EXPECT_NEAR(looks_of_ten_minutes(Duration{900}), 10, 1) << "never less often than at its interval";
    EXPECT_NEAR(looks_of_ten_minutes(Duration{40}, Outcome::answered, Duration{0}), 10, 1) << "only where it may be";
    EXPECT_LE(looks_of_ten_minutes(Duration{40}, Outcome::failed), 10) << "who fails is not asked more often";
}

TEST(LookSchedule, one_slow_look_makes_the_next_ones_rarer) {
    LookSchedule schedule;
    (void)schedule.add(
        {.name = "c/w/metrics", .kind = "page", .interval = Duration{60'000}, .interval_min = Duration{10'000}});
    int looks = 0;
    const auto takes = [&](auto) { return Duration{++looks == 3 ? 500 : 20}; };
    // 11 of them at 10 s; after the third come 50, 44, 38, 34 … s.
    EXPECT_NEAR(play(schedule, 240, takes, answered)[0], 8, 1);
}

TEST(LookSchedule, what_proves_a_step_is_looked_at_sooner_for_a_while) {
    const auto calm = due_at(200, {});
    const auto hurried = due_at(200, {20});
    EXPECT_LE(calm.size(), 4U);
    // From the wish on every 5 s, and after 20 s at its interval again.
    EXPECT_GE(std::ranges::count_if(hurried, [](int at) { return at >= 20 && at <= 40; }), 4);
    EXPECT_LE(std::ranges::count_if(hurried, [](int at) { return at > 40; }), 3);
}

TEST(LookSchedule, a_target_that_fails_is_not_asked_more_often) {
    EXPECT_EQ(due_at(200, {20, 30, 40}, Outcome::failed), due_at(200, {}, Outcome::failed));
}

}  // namespace
}  // namespace medic

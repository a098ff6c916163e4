#include "classifiers/analyzers/lookup.h"

#include <gtest/gtest.h>

namespace medic::analyzers {
namespace {

constexpr std::int64_t began_ms = 1'700'000'000'000;

// A gauge that says 1 at each of these seconds; where it is not told, nobody has asked.
std::optional<std::int64_t> since_second(const std::vector<int>& told) {
    SeriesStore store;
    const auto series = *store.intern(Labels("flink_job_state", {{"state", "RUNNING"}}));
    for (const int second : told)
        store.append({.target = "test",
                      .at = {began_ms + second * 1'000},
                      .outcome = ScrapeOutcome::complete,
                      .error = "",
                      .samples = {{series, 1.0}}});
    const Now now{Instant{}, {began_ms + told.back() * 1'000}};
    const Timeline timeline;
    const Topology topology;
    const View view{store, timeline, topology};
    const auto since = Lookup{view, now}.since(series, Duration{3'600'000});
    return since ? std::optional((since->unix_ms - began_ms) / 1'000) : std::nullopt;
}

std::vector<int> every(int seconds, int from, int to) {
    std::vector<int> told;
    for (int second = from; second <= to; second += seconds) told.push_back(second);
    return told;
}

std::vector<int> joined(std::vector<int> one, const std::vector<int>& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

TEST(Lookup, WhatHoldsBeginsAnewAfterATimeThatNobodySaw) {
    EXPECT_EQ(since_second(every(1, 0, 60)), 0);
    EXPECT_EQ(since_second(joined(every(1, 0, 4), every(1, 20, 60))), 20);
    EXPECT_EQ(since_second(joined(every(1, 0, 30), {50})), 50);
    EXPECT_EQ(since_second(joined(every(60, 0, 600), every(60, 900, 1'200))), 900);
}

TEST(Lookup, AMissedLookOrTwoBeginNothingAnew) {
    EXPECT_EQ(since_second(joined(every(1, 0, 30), every(1, 33, 60))), 0);
    EXPECT_EQ(since_second(joined(every(60, 0, 600), every(60, 780, 1'200))), 0);
    EXPECT_EQ(since_second({0, 60}), 0);
    EXPECT_EQ(since_second(joined(every(60, 0, 600), every(1, 601, 660))), 0) << "looked at more often now";
    EXPECT_EQ(since_second(joined(every(1, 0, 60), every(60, 120, 600))), 0) << "… or less often";
}

}  // namespace
}  // namespace medic::analyzers

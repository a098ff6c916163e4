#include "agent/store/series.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace medic {
namespace {

constexpr std::int64_t t0 = 1'700'000'000'000;

struct Fixture {
    SeriesStore store;
    std::vector<Sample> buffer;

    explicit Fixture(StoreOptions options = {}) : store(options) {}
    SeriesId id(std::string_view name, std::vector<LabelPair> labels = {}) {
        return store.intern(Labels(name, std::move(labels))).value();
    }
    void put(std::int64_t at_ms, std::vector<std::pair<SeriesId, double>> samples, std::string target = "t",
             ScrapeOutcome outcome = ScrapeOutcome::complete) {
        store.append({.target = std::move(target),
                      .at = {t0 + at_ms},
                      .outcome = outcome,
                      .error = {},
                      .samples = std::move(samples)});
    }
    std::vector<Sample> all(SeriesId series, std::int64_t from_ms = -1, std::int64_t to_ms = 100'000'000) {
        const auto found = store.range(series, {t0 + from_ms}, {t0 + to_ms}, buffer);
        return {found.begin(), found.end()};
    }
};

TEST(SeriesStore, gives_the_same_series_the_same_id_and_its_labels_back) {
    Fixture f;
    const SeriesId a = f.id("up", {{"broker", "1"}, {"cluster", "lab"}});
    EXPECT_EQ(f.id("up", {{"cluster", "lab"}, {"broker", "1"}}), a);
    EXPECT_NE(f.id("up", {{"cluster", "lab"}, {"broker", "2"}}), a);
    EXPECT_EQ(f.store.labels(a).to_string(), R"(up{broker="1",cluster="lab"})");
    EXPECT_EQ(f.store.label(a, "cluster"), "lab");
    EXPECT_EQ(f.store.label(a, "nothing"), "");
}

TEST(SeriesStore, returns_samples_of_a_half_open_range_bit_for_bit) {
    Fixture f;
    const SeriesId a = f.id("a");
    const std::vector<double> values{1,    1,   5, -3,       0.0,   -0.0,      0.1,   0.125,   1e300,
                                     3e15, NAN, 1, INFINITY, 7.001, -INFINITY, 7.002, 1.0 / 3, 9007199254740993.0,
                                     2,    2};
    for (std::size_t i = 0; i < values.size(); ++i)
        f.put(static_cast<std::int64_t>(i) * 1000 + (i % 3), {{a, values[i]}});
    const auto samples = f.all(a);
    ASSERT_EQ(samples.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(std::bit_cast<std::uint64_t>(samples[i].value), std::bit_cast<std::uint64_t>(values[i])) << i;
        EXPECT_EQ(samples[i].at_ms, t0 + static_cast<std::int64_t>(i) * 1000 + (i % 3));
    }
    const auto part = f.all(a, 2002, 4001);
    ASSERT_EQ(part.size(), 2U);
    EXPECT_EQ(part[0].value, -3);
    EXPECT_EQ(part[1].at_ms, t0 + 4001);
}

TEST(SeriesStore, equals_a_plain_list_for_random_walks_with_gaps_and_two_targets) {
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        Fixture f;
        const SeriesId a = f.id("a");
        std::vector<Sample> expected;
        double value = 0;
        std::int64_t at = 0;
        for (int i = 0; i < 600; ++i) {
            at += 900 + static_cast<std::int64_t>(random() % 200);
            const auto dice = random() % 10;
            if (dice < 4)
                value += static_cast<double>(random() % 100000);
            else if (dice < 6)
                value = static_cast<double>(random()) / 1000;
            else if (dice == 6)
                value = static_cast<double>(random()) / 7;
            const std::string target = random() % 50 == 0 ? "other" : "t";
            if (random() % 8 == 0) {
                f.put(at, {}, target, ScrapeOutcome::partial);
                continue;
            }
            f.put(at, {{a, value}}, target, ScrapeOutcome::partial);
            expected.push_back({t0 + at, value});
        }
        const auto found = f.all(a);
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            ASSERT_EQ(found[i].at_ms, expected[i].at_ms);
            ASSERT_EQ(found[i].value, expected[i].value);
        }
        for (int ask = 0; ask < 20; ++ask) {
            const auto first = random() % expected.size(), last = std::min(first + random() % 12, expected.size() - 1);
            const bool only = std::all_of(expected.begin() + static_cast<std::ptrdiff_t>(first),
                                          expected.begin() + static_cast<std::ptrdiff_t>(last + 1),
                                          [&](const Sample& one) { return one.value == expected[last].value; });
            ASSERT_EQ(f.store.is_only(a, expected[last].value, {expected[first].at_ms - 1}, {expected[last].at_ms}),
                      only);
        }
    }
}

TEST(SeriesStore, marks_stale_what_a_complete_batch_no_longer_carries) {
    Fixture f;
    const SeriesId a = f.id("a"), b = f.id("b");
    f.put(0, {{a, 1}, {b, 2}});
    f.put(1000, {{a, 1}});
    EXPECT_TRUE(f.store.latest(a, {t0 + 1000}, Duration{60'000}));
    EXPECT_FALSE(f.store.latest(b, {t0 + 1000}, Duration{60'000}));
    ASSERT_EQ(f.all(b).size(), 2U);
    EXPECT_TRUE(is_stale_marker(f.all(b)[1].value));
    f.put(2000, {{a, 1}});
    EXPECT_EQ(f.all(b).size(), 2U);  // Once, not at every batch.
    f.put(3000, {{a, 1}, {b, 5}});
    EXPECT_EQ(f.store.latest(b, {t0 + 3000}, Duration{60'000})->value, 5);
    EXPECT_EQ(f.store.latest(b, {t0 + 500}, Duration{60'000})->value, 2);  // The past stays as it was.
}

TEST(SeriesStore, neither_a_partial_nor_a_failed_batch_nor_another_target_marks_stale) {
    Fixture f;
    const SeriesId a = f.id("a");
    f.put(0, {{a, 1}});
    f.put(1000, {}, "t", ScrapeOutcome::partial);
    f.put(2000, {}, "t", ScrapeOutcome::failed);
    f.put(3000, {}, "other");
    EXPECT_EQ(f.store.latest(a, {t0 + 3000}, Duration{60'000})->value, 1);
    EXPECT_FALSE(f.store.latest(a, {t0 + 60'000}, Duration{60'000}));  // The window is open at its old end.
    const auto targets = f.store.targets();
    ASSERT_EQ(targets.size(), 2U);
    EXPECT_EQ(targets[1].failures_in_a_row, 1U);
    EXPECT_EQ(targets[1].last_complete.unix_ms, t0);
    EXPECT_EQ(targets[1].last_attempt.unix_ms, t0 + 2000);
}

TEST(SeriesStore, knows_nan_as_a_value_for_promql_and_as_absence_for_everybody_else) {
    Fixture f;
    const SeriesId a = f.id("a");
    f.put(0, {{a, NAN}});
    EXPECT_FALSE(f.store.latest(a, {t0}, Duration{1000}));
    EXPECT_TRUE(std::isnan(f.store.instant(a, {t0}, Duration{1000})->value));
}

TEST(SeriesStore, drops_late_and_doubled_samples_but_follows_a_clock_that_stepped_back) {
    Fixture f;
    const SeriesId a = f.id("a");
    f.put(100'000, {{a, 1}, {a, 9}});
    f.put(100'000, {{a, 2}});
    f.put(95'000, {{a, 3}});
    EXPECT_EQ(f.all(a).size(), 1U);
    EXPECT_EQ(f.store.usage().dropped_samples, 3U);
    f.put(10'000, {{a, 4}});  // 90 s back: a step. Nothing may be computed across it.
    f.put(11'000, {{a, 5}});
    EXPECT_EQ(f.all(a).size(), 2U);
    EXPECT_EQ(f.store.usage().clock_steps, 1U);
    f.put(11'000 + 90LL * 86'400'000, {{a, 6}});  // Forward by a season.
    EXPECT_EQ(f.store.latest(a, {t0 + 11'000 + 90LL * 86'400'000}, Duration{1000})->value, 6);
}

TEST(SeriesStore, refuses_series_over_its_limit_and_counts_them) {
    Fixture f({.series_max = 2});
    f.id("a");
    f.id("b");
    EXPECT_FALSE(f.store.intern(Labels("c", {})));
    EXPECT_TRUE(f.store.intern(Labels("a", {})));
    EXPECT_EQ(f.store.rejected_series(), 1U);
}

TEST(SeriesStore, forgets_old_samples_and_then_the_series_and_never_confuses_ids) {
    Fixture f;
    const SeriesId a = f.id("a", {{"x", "1"}}), b = f.id("b");
    f.put(0, {{a, 1}, {b, 1}});
    f.put(1000, {{b, 1}}, "t2");
    const auto before = f.store.generation();
    f.store.forget_before({t0});
    EXPECT_FALSE(f.store.contains(a));
    EXPECT_TRUE(f.store.contains(b));
    EXPECT_GT(f.store.generation(), before);
    EXPECT_EQ(f.store.labels(a), Labels());
    const SeriesId c = f.id("c", {{"x", "2"}});  // Takes the free slot.
    EXPECT_NE(c, a);
    f.put(2000, {{a, 5}, {c, 6}});
    EXPECT_EQ(f.all(c).size(), 1U);
    EXPECT_TRUE(f.all(a).empty());
    EXPECT_EQ(f.id("b"), b);
    EXPECT_EQ(f.store.usage().series, 2U);
}

TEST(SeriesStore, keeps_a_series_that_was_interned_just_before_forgetting) {
    Fixture f;
    const SeriesId a = f.id("a");
    f.store.forget_before({t0});
    EXPECT_TRUE(f.store.contains(a));
    f.store.forget_before({t0});
    EXPECT_FALSE(f.store.contains(a));
}

TEST(SeriesStore, selects_by_every_matcher) {
    using Op = LabelMatcher::Op;
    Fixture f;
    const SeriesId a = f.id("up", {{"job", "kafka"}, {"n", "1"}});
    const SeriesId b = f.id("up", {{"job", "flink"}});
    const SeriesId c = f.id("down", {{"job", "kafka"}});
    const auto select = [&](std::vector<LabelMatcher> matchers) { return f.store.select(matchers); };
    using Ids = std::vector<SeriesId>;
    EXPECT_EQ(select({{"__name__", Op::equal, "up"}}), (Ids{a, b}));
    EXPECT_EQ(select({{"__name__", Op::equal, "up"}, {"job", Op::not_equal, "flink"}}), Ids{a});
    EXPECT_EQ(select({{"job", Op::equal, "kafka"}}), (Ids{a, c}));
    EXPECT_EQ(select({{"__name__", Op::matches, "u.|x"}, {"n", Op::equal, ""}}), Ids{b});
    EXPECT_EQ(select({{"job", Op::matches, "kaf"}}), Ids{});  // Anchored.
    EXPECT_EQ(select({{"job", Op::not_matches, "k.*"}}), Ids{b});
    EXPECT_EQ(select({{"missing", Op::not_equal, ""}}), Ids{});
    EXPECT_EQ(select({{"job", Op::matches, "("}}), Ids{});
    EXPECT_EQ(select({{"__name__", Op::equal, "nothing"}}), Ids{});
}

TEST(SeriesStore, stays_within_its_budget_and_remembers_less_instead) {
    Fixture f({.sample_bytes_max = 512 * 1024});
    std::vector<SeriesId> ids;
    for (int i = 0; i < 500; ++i) ids.push_back(f.id("s", {{"i", std::to_string(i)}}));
    for (int second = 0; second < 3000; ++second) {
        std::vector<std::pair<SeriesId, double>> samples;
        for (std::size_t i = 0; i < ids.size(); ++i) samples.emplace_back(ids[i], second * static_cast<double>(i + 1));
        f.put(second * 1000, samples);
        ASSERT_LE(f.store.usage().sample_bytes, 512U * 1024 + 128 * 500);
    }
    EXPECT_LT(f.store.usage().batches_kept_max, 1000U);
    EXPECT_GE(f.all(ids[3], 2'900'000).size(), 60U);
    EXPECT_EQ(f.all(ids[3]).back().value, 2999.0 * 4);
}

TEST(SeriesStore, thins_what_is_old_but_keeps_the_last_minutes_whole_and_counters_true) {
    Fixture f({.sample_bytes_max = 800 * 1024});
    std::vector<SeriesId> ids;
    for (int i = 0; i < 400; ++i) ids.push_back(f.id("s_total", {{"i", std::to_string(i)}}));
    double increase = 0, value = 0;
    for (int second = 0; second < 3600; ++second) {
        const double grown = second % 7 * 10;
        if (second % 1000 == 999) value = 0;  // The process began again.
        value += grown;
        increase += grown;
        std::vector<std::pair<SeriesId, double>> samples;
        for (const SeriesId id : ids) samples.emplace_back(id, value);
        f.put(second * 1000, samples);
    }
    EXPECT_LE(f.store.usage().sample_bytes, 800U * 1024);
    EXPECT_EQ(f.store.usage().batches_kept_max, 7200U);  // Thinning was enough.
    EXPECT_EQ(f.all(ids[5], 3'599'000 - 300'000).size(), 300U);
    const auto samples = f.all(ids[5]);
    EXPECT_LT(samples.size(), 1200U);
    double found = samples.front().value;
    std::int64_t gap_ms = 0;
    for (std::size_t i = 1; i < samples.size(); ++i) {
        found += samples[i].value - (samples[i].value < samples[i - 1].value ? 0 : samples[i - 1].value);
        gap_ms = std::max(gap_ms, samples[i].at_ms - samples[i - 1].at_ms);
    }
    EXPECT_EQ(found, increase);
    EXPECT_LE(gap_ms, 61'000);
}

TEST(SeriesStore, a_series_that_never_changes_costs_no_sample_bytes) {
    Fixture f;
    const SeriesId a = f.id("a");
    for (int second = 0; second < 5000; ++second) f.put(second * 1000, {{a, 42}});
    EXPECT_EQ(f.store.usage().sample_bytes, 0U);
    EXPECT_EQ(f.all(a).size(), 5000U);
}

TEST(SeriesStore, a_cluster_gets_its_share_of_series_and_no_more) {
    SeriesStore store({.series_per_cluster_max = 3});
    const auto intern = [&](const char* cluster, int i) {
        return store.intern(Labels("m", {{"cluster", cluster}, {"i", std::to_string(i)}}));
    };
    for (int i = 0; i < 5; ++i) EXPECT_EQ(intern("loud", i).has_value(), i < 3) << i;
    EXPECT_TRUE(intern("quiet", 0));
    EXPECT_TRUE(intern("loud", 1));  // Known already.
    EXPECT_TRUE(store.intern(Labels("m", {})));
    EXPECT_EQ(store.usage().rejected_by_cluster.at("loud"), 2U);
    EXPECT_FALSE(store.usage().rejected_by_cluster.contains("quiet"));
    // What is gone makes room.
    store.forget_before({1});
    store.forget_before({1});
    EXPECT_TRUE(intern("loud", 9));
}

TEST(SeriesStore, selects_by_the_rarest_label_and_forgets_removed_ones) {
    SeriesStore store;
    for (int i = 0; i < 100; ++i)
        (void)store.intern(
            Labels("m", {{"cluster", "c"}, {"job", "j" + std::to_string(i % 10)}, {"i", std::to_string(i)}}));
    using Op = LabelMatcher::Op;
    const std::vector<LabelMatcher> matchers{
        {"__name__", Op::equal, "m"}, {"job", Op::equal, "j3"}, {"i", Op::not_equal, "13"}};
    EXPECT_EQ(store.select(matchers).size(), 9U);
    const std::vector<LabelMatcher> nobody{{"__name__", Op::equal, "m"}, {"job", Op::equal, "none"}};
    EXPECT_TRUE(store.select(nobody).empty());
    const std::vector<LabelMatcher> without{{"__name__", Op::equal, "m"}, {"absent", Op::equal, ""}};
    EXPECT_EQ(store.select(without).size(), 100U);
    store.forget_before({1});
    store.forget_before({1});
    EXPECT_TRUE(store.select(matchers).empty());
    (void)store.intern(Labels("n", {{"job", "j3"}}));
    const std::vector<LabelMatcher> fresh{{"job", Op::equal, "j3"}};
    EXPECT_EQ(store.select(fresh).size(), 1U);
}

}  // namespace
}  // namespace medic

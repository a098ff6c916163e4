#include "agent/store/fact_book.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

constexpr WallTime now{1'700'000'000'000};
const FactKey key{{"lab", "job", "fleet"}, "records"};

Fact at(Duration ago, std::optional<double> value) { return {key.subject, key.name, value, {}, now - ago}; }

TEST(FactBook, nobody_has_answered_is_not_an_unknown_answer) {
    FactBook book;
    EXPECT_EQ(book.latest(key), nullptr);
    book.record(at(Duration{0}, std::nullopt), now);
    ASSERT_NE(book.latest(key), nullptr);
    EXPECT_EQ(book.fresh(key, now, Duration{1'000}), nullptr);
}

TEST(FactBook, an_answer_of_before_is_none_since) {
    FactBook book;
    EXPECT_FALSE(book.answered_since(key, now));
    book.record(at(Duration{5'000}, 1), now - Duration{5'000});
    EXPECT_TRUE(book.answered_since(key, now - Duration{5'000}));
    EXPECT_FALSE(book.answered_since(key, now));
    book.record(at(Duration{0}, std::nullopt), now);
    EXPECT_TRUE(book.answered_since(key, now)) << "that nobody knows is an answer";
}

TEST(FactBook, an_unknown_answer_takes_the_place_of_a_known_one) {
    FactBook book;
    book.record(at(Duration{2'000}, 1), now);
    EXPECT_NE(book.fresh(key, now, Duration{5'000}), nullptr);
    book.record(at(Duration{0}, std::nullopt), now);
    EXPECT_EQ(book.fresh(key, now, Duration{5'000}), nullptr);
}

TEST(FactBook, a_late_answer_does_not_replace_a_newer_one) {
    FactBook book;
    book.record(at(Duration{0}, 5), now);
    book.record(at(Duration{3'000}, 1), now);
    EXPECT_EQ(book.latest(key)->value, 5);
}

TEST(FactBook, an_observation_from_the_future_is_not_taken) {
    FactBook book;
    book.record(at(Duration{-60'000}, 5), now);
    EXPECT_EQ(book.latest(key), nullptr);
}

TEST(FactBook, progress_needs_two_observations_after_the_act) {
    FactBook book;
    book.record(at(Duration{9'000}, 1), now);
    book.record(at(Duration{4'000}, 5), now);
    EXPECT_EQ(book.rose_since(key, now - Duration{5'000}), std::nullopt);
    book.record(at(Duration{2'000}, 5), now);
    EXPECT_EQ(book.rose_since(key, now - Duration{5'000}), false);
    book.record(at(Duration{0}, 6), now);
    EXPECT_EQ(book.rose_since(key, now - Duration{5'000}), true);
}

TEST(FactBook, a_counter_reset_is_no_progress_and_no_negative_rate) {
    FactBook book;
    book.record(at(Duration{4'000}, 1'000), now);
    book.record(at(Duration{2'000}, 0), now);
    EXPECT_EQ(book.rose_since(key, now - Duration{5'000}), false);
    EXPECT_EQ(book.rate_since(key, now - Duration{5'000}), 0);
    book.record(at(Duration{0}, 200), now);
    EXPECT_EQ(book.rate_since(key, now - Duration{5'000}), 50);
}

TEST(FactBook, is_bounded) {
    FactBook book({.keys_max = 1, .points_max = 2});
    book.record(at(Duration{2'000}, 1), now);
    book.record(at(Duration{1'000}, 2), now);
    book.record(at(Duration{0}, 3), now);
    book.record({{"lab", "job", "other"}, "records", 1, {}, now}, now);
    EXPECT_EQ(book.size(), 1U);
    book.forget_before(now + Duration{11 * 60'000});
    EXPECT_EQ(book.size(), 0U);
}

}  // namespace
}  // namespace medic

#include "agent/lease/lease_book.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

constexpr Duration ttl{90'000}, request{10'000};
constexpr Instant start{Duration{1'000'000}};

class Book : public testing::Test {
protected:
    void granted(Instant asked, bool ours = true) {
        book.heard("lab", asked, LeaseGrant{.ours = ours, .holder = ours ? "a" : "b", .token = 7});
    }
    void failed(Instant asked) { book.heard("lab", asked, fail(ErrorCode::unavailable, "connection refused")); }
    LeaseBook book{{"lab"}, ttl};
};

TEST_F(Book, says_no_before_anything_was_heard) {
    EXPECT_NE(book.objection("lab", request, start), "");
    EXPECT_NE(book.status("lab", start).problem, "");
    EXPECT_NE(book.objection("unheard-of", request, start), "");
}

TEST_F(Book, lets_leave_while_it_is_ours) {
    granted(start);
    EXPECT_EQ(book.objection("lab", request, start + Duration{5'000}), "");
    EXPECT_EQ(book.status("lab", start).token, 7U);
    EXPECT_TRUE(book.status("lab", start).ours);
}

TEST_F(Book, says_who_has_it_otherwise) {
    granted(start, false);
    EXPECT_EQ(book.objection("lab", request, start), "b acts for lab");
    EXPECT_EQ(book.status("lab", start).holder, "b");
}

// Its outcome would come about when another agent may act.
TEST_F(Book, lets_nothing_leave_that_may_outlast_it) {
    granted(start);
    EXPECT_EQ(book.objection("lab", request, start + Duration{78'000}), "");
    EXPECT_NE(book.objection("lab", request, start + Duration{79'000}), "");
    EXPECT_NE(book.objection("lab", Duration{120'000}, start), "");
}

TEST_F(Book, counts_from_the_question_not_from_the_answer) {
    granted(start);
    EXPECT_TRUE(book.status("lab", start + Duration{88'000}).ours);
    // Two hundredths are left out: clocks may drift.
    EXPECT_FALSE(book.status("lab", start + Duration{88'300}).ours);
    EXPECT_NE(book.status("lab", start + Duration{88'300}).problem, "");
}

TEST_F(Book, a_failed_claim_makes_it_neither_longer_nor_shorter) {
    granted(start);
    failed(start + Duration{10'000});
    EXPECT_EQ(book.objection("lab", request, start + Duration{11'000}), "");
    EXPECT_EQ(book.status("lab", start + Duration{100'000}).problem, "connection refused");
    EXPECT_FALSE(book.status("lab", start + Duration{100'000}).ours);
}

// Nobody has told since whether the other agent still has it: neither of the two is known to act.
TEST_F(Book, somebody_elses_runs_out_as_well) {
    granted(start, false);
    failed(start + Duration{50'000});
    EXPECT_EQ(book.status("lab", start + Duration{95'000}).holder, "");
    EXPECT_EQ(book.status("lab", start + Duration{95'000}).problem, "connection refused");
}

}  // namespace
}  // namespace medic

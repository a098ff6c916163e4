#include "tests/live/report/ledger.h"

#include <gtest/gtest.h>

namespace medic::live {
namespace {

TEST(Ledger, counts_what_is_missing_and_what_came_twice) {
    Ledger ledger;
    for (const int key : {1, 2, 3, 4}) ledger.sent(key);
    for (const int key : {1, 3, 3, 3}) ledger.seen(key);
    const RecordCheck check = ledger.check(0, ledger.sent_count());
    EXPECT_EQ(check.checked, 4U);
    EXPECT_EQ(check.lost, 2U);
    EXPECT_EQ(check.doubled, 2U);
}

TEST(Ledger, what_was_sent_twice_is_owed_twice) {
    Ledger ledger;
    ledger.sent(7);
    ledger.sent(7);
    ledger.seen(7);
    EXPECT_EQ(ledger.check(0, 2).lost, 1U);
    ledger.seen(7);
    EXPECT_EQ(ledger.check(0, 2).lost, 0U);
    EXPECT_EQ(ledger.check(0, 2).doubled, 0U);
}

TEST(Ledger, judges_only_the_stretch_that_it_is_asked_for) {
    Ledger ledger;
    ledger.sent(1);
    ledger.sent(2);
    const std::size_t mark = ledger.sent_count();
    ledger.sent(3);
    ledger.seen(3);
    EXPECT_EQ(ledger.check(mark, ledger.sent_count()).checked, 1U);
    EXPECT_EQ(ledger.check(mark, ledger.sent_count()).lost, 0U);
    EXPECT_EQ(ledger.check(0, mark).lost, 2U);
}

TEST(Ledger, nothing_sent_is_nothing_checked) { EXPECT_EQ(Ledger().check(0, 10).checked, 0U); }

}  // namespace
}  // namespace medic::live

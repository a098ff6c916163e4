#include "remediations/execution/execution.h"

#include <type_traits>

#include <gtest/gtest.h>

namespace medic {
namespace {

std::string open_door(const Operation&) { return ""; }

static_assert(!std::is_default_constructible_v<Permit> && !std::is_copy_constructible_v<Permit>);
static_assert(!std::is_constructible_v<Permit, Step, std::string, std::string, std::string>);

Operation kill(std::string key) { return {.key = std::move(key), .cluster = "lab", .body = KillNode{"tm-1"}}; }

TEST(Outbox, holds_an_operation_until_its_own_sequence_is_durable) {
    Outbox outbox;
    outbox.hold(5, {kill("I1/1/1")});
    outbox.hold(9, {kill("I2/1/1")});
    EXPECT_TRUE(outbox.release(4, true, open_door).empty());
    const auto first = outbox.release(5, true, open_door);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].key, "I1/1/1");
    EXPECT_EQ(outbox.held(), 1U);
}

TEST(Outbox, refuses_what_the_journal_could_not_keep) {
    Outbox outbox;
    outbox.hold(5, {kill("I1/1/1")});
    EXPECT_TRUE(outbox.release(5, false, open_door).empty());
    const auto refused = outbox.take_refused();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].detail.error().code, ErrorCode::not_ready);
    EXPECT_TRUE(outbox.take_refused().empty());
    EXPECT_EQ(outbox.held(), 0U);
}

TEST(Outbox, a_pause_that_came_last_still_stops_it) {
    Outbox outbox;
    outbox.hold(5, {kill("I1/1/1")});
    EXPECT_TRUE(outbox.release(5, true, [](const Operation&) { return std::string("a person has paused"); }).empty());
    EXPECT_EQ(outbox.take_refused().size(), 1U);
}

// A disk that stalls gives back minutes later what was decided before.
TEST(Outbox, what_the_journal_held_back_for_long_does_not_leave_any_more) {
    Operation operation = kill("I1/1/1");
    operation.timeout = Duration{60'000};
    EXPECT_EQ(too_late(operation, Duration{9'000}), "");
    EXPECT_EQ(too_late(operation, Duration{120'000}),
              "the journal took 120.0 s; what was decided then may not hold any more");
    // The loop waits no longer than that for an answer, and may have decided anew.
    operation.timeout = Duration{3'000};
    EXPECT_EQ(too_late(operation, Duration{2'900}), "");
    EXPECT_NE(too_late(operation, Duration{3'100}), "");
}

}  // namespace
}  // namespace medic

#include "agent/base/due.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

TEST(Due, WhatWasNeverDoneOrLongAgoOrByALaterClock) {
    constexpr Duration every{1'000};
    EXPECT_TRUE(is_due({}, every, {5}));
    EXPECT_FALSE(is_due({10'000}, every, {10'000}));
    EXPECT_FALSE(is_due({10'000}, every, {10'999}));
    EXPECT_TRUE(is_due({10'000}, every, {11'000}));
    EXPECT_TRUE(is_due({10'000}, every, {9'999})) << "the clock was set back";
}

}  // namespace
}  // namespace medic

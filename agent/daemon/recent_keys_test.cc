#include "agent/daemon/recent_keys.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

TEST(RecentKeys, TheNewestAreKnownAndTheRestIsForgotten) {
    constexpr std::size_t most = 100;
    RecentKeys known(most);
    for (std::size_t i = 0; i < 10 * most; ++i) {
        known.add(std::to_string(i));
        for (std::size_t back = 0; back < most && back <= i; ++back)
            ASSERT_TRUE(known.contains(std::to_string(i - back))) << i << " less " << back;
        ASSERT_LE(known.size(), 2 * most);
    }
    EXPECT_FALSE(known.contains("0"));
}

}  // namespace
}  // namespace medic

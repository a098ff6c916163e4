#include "engine/flow/api/key.h"

#include <vector>

#include <gtest/gtest.h>

namespace medic::engine::flow {
namespace {

TEST(KeyGroups, HashCodesAreThoseOfJava) {
    EXPECT_EQ(KeyHash<std::string>::of("abc"), 96354);   // "abc".hashCode()
    EXPECT_EQ(KeyHash<std::int32_t>::of(-7), -7);        // Integer.hashCode(-7)
    EXPECT_EQ(KeyHash<std::int64_t>::of(1LL << 32), 1);  // Long.hashCode(1L << 32)
}

TEST(KeyGroups, EveryGroupHasExactlyOneOwnerAtEveryParallelism) {
    for (int parallelism = 1; parallelism <= default_max_parallelism; ++parallelism) {
        for (int group = 0; group < default_max_parallelism; ++group) {
            const int owner = subtask_of_key_group(group, parallelism, default_max_parallelism);
            for (int subtask = 0; subtask < parallelism; ++subtask)
                ASSERT_EQ(key_groups_of_subtask(subtask, parallelism, default_max_parallelism).contains(group),
                          subtask == owner)
                    << "group " << group << " at parallelism " << parallelism;
        }
    }
}

TEST(KeyGroups, MurmurNeverIsNegative) {
    for (std::int64_t hash = INT32_MIN; hash <= INT32_MAX; hash += 65'537)
        ASSERT_GE(murmur_hash(static_cast<std::int32_t>(hash)), 0);
}

TEST(KeyGroups, KeysSpreadOverMostGroups) {
    std::vector<int> keys(default_max_parallelism);
    for (int i = 0; i < 10'000; ++i)
        ++keys[static_cast<std::size_t>(key_group_of("server-" + std::to_string(i), default_max_parallelism))];
    for (const int count : keys) EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace medic::engine::flow

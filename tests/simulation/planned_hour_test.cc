#include "tests/simulation/planned_hour.h"

#include <gtest/gtest.h>

namespace medic::simulation {
namespace {

TEST(PlannedHour, operators_at_work_are_no_incident) {
    std::map<std::string, int> work;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const auto hour = planned_hour({.seed = seed});
        EXPECT_EQ(hour.incidents, 0U) << "seed " << seed << ":\n" << hour.story;
        EXPECT_GT(hour.recognised, 100U) << "seed " << seed;
        for (const auto& [kind, count] : hour.work) work[kind] += count;
    }
    EXPECT_EQ(work.size(), 6U) << "some kind of work was never done";
}

TEST(PlannedHour, a_kill_in_the_midst_of_it_is_one) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const auto hour = planned_hour({.seed = seed, .kill = true});
        EXPECT_EQ(hour.incidents, 1U) << "seed " << seed << ":\n" << hour.story;
        EXPECT_NE(hour.story.find("kafka.broker-lost"), std::string::npos) << hour.story;
    }
}

}  // namespace
}  // namespace medic::simulation

// The comparison of healers: what is counted, on a few seeds.
#include "tests/simulation/compare.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace medic::simulation {
namespace {

const ArmResult& of(const std::vector<ArmResult>& all, Arm arm) {
    return *std::ranges::find(all, arm, &ArmResult::arm);
}

TEST(Compare, the_same_seeds_give_the_same_figures) {
    const CompareOptions options{.first = 3, .seeds = 2, .minutes = 4};
    EXPECT_EQ(comparison_text(compare(options)), comparison_text(compare(options)));
}

TEST(Compare, who_does_nothing_harms_nothing_and_mends_least) {
    const auto all = compare({.first = 1, .seeds = 6, .minutes = 5});
    const ArmResult& nothing = of(all, Arm::nothing);
    EXPECT_EQ(nothing.operations, 0U);
    EXPECT_EQ(nothing.harmful_total(), 0U);
    EXPECT_GT(nothing.troubles, 0U);
    EXPECT_LT(nothing.job_available, of(all, Arm::ours).job_available);
}

TEST(Compare, the_guarded_agent_keeps_the_rules_that_a_script_breaks) {
    const auto all = compare({.first = 1, .seeds = 6, .minutes = 5});
    for (const Arm arm : {Arm::ours, Arm::ours_cautious}) EXPECT_EQ(of(all, arm).harmful_total(), 0U);
    const auto& harmful = of(all, Arm::restart_always).harmful;
    EXPECT_TRUE(harmful.contains("two changes at once"));
}

}  // namespace
}  // namespace medic::simulation

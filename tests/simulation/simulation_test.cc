// A few seeds in every test run; medic-sim runs as many as there is time for.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/run.h"

namespace medic::simulation {
namespace {

std::string all(const std::vector<std::string>& violations) {
    std::string text;
    for (const auto& violation : violations) text += violation + "\n";
    return text;
}

TEST(Simulation, no_seed_breaks_an_invariant) {
    std::size_t incidents = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        const auto result = run({.seed = seed, .minutes = 5, .without_guard = {}});
        incidents += result.incidents;
        EXPECT_TRUE(result.violations.empty()) << "seed " << seed << ":\n" << all(result.violations);
    }
    EXPECT_GT(incidents, 20U);
}

TEST(Simulation, a_seed_is_the_whole_run) {
    const auto one = run({.seed = 7, .minutes = 5, .without_guard = {}}),
               two = run({.seed = 7, .minutes = 5, .without_guard = {}});
    EXPECT_EQ(one.story, two.story);
    EXPECT_EQ(one.probes, two.probes);
}

// The checkers can fail: without the guard that keeps a rule, the rule is broken and seen to be.
class WithoutGuard : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(WithoutGuard, its_checker_notices) {
    const auto [guard, checker] = GetParam();
    for (std::uint64_t seed = 1; seed <= 60; ++seed)
        for (const auto& violation : run({.seed = seed, .minutes = 5, .without_guard = guard}).violations)
            if (violation.starts_with(checker)) return;
    ADD_FAILURE() << "no seed showed that guard " << guard << " was missing";
}

INSTANTIATE_TEST_SUITE_P(Simulation, WithoutGuard,
                         testing::Values(std::pair{"one-in-flight", "one-change-at-a-time"},

                                         std::pair{"pause", "pause-kept"}),
                         [](const auto& one) {
                             std::string name = one.param.first;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace medic::simulation

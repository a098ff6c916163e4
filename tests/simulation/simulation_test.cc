// A few seeds in every test run; medic-sim runs as many as there is time for.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/mutations.h"
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
        const auto result = run({.seed = seed, .minutes = 5, .without = {}});
        incidents += result.incidents;
        EXPECT_TRUE(result.violations.empty()) << "seed " << seed << ":\n" << all(result.violations);
    }
    EXPECT_GT(incidents, 20U);
}

TEST(Simulation, a_seed_is_the_whole_run) {
    const auto one = run({.seed = 7, .minutes = 5, .without = {}}), two = run({.seed = 7, .minutes = 5, .without = {}});
    EXPECT_EQ(one.story, two.story);
    EXPECT_EQ(one.probes, two.probes);
}

// The checkers can fail: without a protection its rule is broken, and that is seen.
class Without : public testing::TestWithParam<Mutation> {};

TEST_P(Without, a_checker_notices) {
    constexpr std::uint64_t seeds_max = 500;  // The rarest takes 340: docs/simulation.md.
    for (std::uint64_t seed = 1; seed <= seeds_max; ++seed)
        if (!run({.seed = seed, .minutes = 5, .without = GetParam().name}).violations.empty()) return;
    ADD_FAILURE() << "no seed showed that this was missing: " << GetParam().what;
}

INSTANTIATE_TEST_SUITE_P(Simulation, Without, testing::ValuesIn(all_mutations()), [](const auto& one) {
    std::string name = one.param.name;
    std::ranges::replace(name, '-', '_');
    return name;
});

}  // namespace
}  // namespace medic::simulation

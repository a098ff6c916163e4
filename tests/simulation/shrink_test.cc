#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/shrink.h"

namespace medic::simulation {
namespace {

const auto silent = [](const Shrunk&) {};

RunOptions first_failing(const std::string& without) {
    RunOptions options{.seed = 1, .minutes = 5, .without = without};
    while (run(options).violations.empty()) ++options.seed;
    return options;
}

TEST(Shrink, what_is_left_still_fails_and_nothing_of_it_can_go) {
    const RunOptions options = first_failing("pause");
    const Shrunk shrunk = shrink(options, 2'000, silent);
    EXPECT_FALSE(shrunk.checker.empty());
    EXPECT_LT(shrunk.result.happenings.size(), shrunk.happenings_before);
    RunOptions kept = options;
    kept.minutes = shrunk.minutes;
    const auto& needed = shrunk.result.happenings;
    // Everything else is left out, by asking the whole run what there was until nothing new comes up.
    for (bool more = true; more;) {
        more = false;
        for (const auto& one : run(kept).happenings)
            if (std::ranges::find(needed, one.name(), &Happening::name) == needed.end())
                more = kept.left_out.insert(one.name()).second || more;
    }
    EXPECT_EQ(schedule_text(run(kept)), schedule_text(shrunk.result));
    for (const auto& one : needed) {
        RunOptions without = kept;
        without.left_out.insert(one.name());
        const auto violations = run(without).violations;
        EXPECT_TRUE(std::ranges::none_of(violations, [&](const auto& text) {
            return checker_of(text) == shrunk.checker;
        })) << one.kind;
    }
}

TEST(Shrink, the_bound_holds_and_the_last_failing_run_is_given) {
    const Shrunk shrunk = shrink(first_failing("pause"), 3, silent);
    EXPECT_LE(shrunk.runs, 3U);
    EXPECT_FALSE(shrunk.result.violations.empty());
}

TEST(Shrink, a_seed_that_breaks_nothing_is_left_as_it_is) {
    const Shrunk shrunk = shrink({.seed = 1, .minutes = 1, .without = {}}, 10, silent);
    EXPECT_EQ(shrunk.checker, "");
    EXPECT_EQ(shrunk.runs, 1U);
}

}  // namespace
}  // namespace medic::simulation

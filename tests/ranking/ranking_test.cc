// The line that is held: how often the right cause is told first over a fixed set of scenarios. Figures are those of
// docs/accuracy.md; whoever makes the diagnosis better raises them.
#include <gtest/gtest.h>

#include "tests/ranking/score.h"

namespace medic::ranking_test {
namespace {

const std::vector<Episode>& episodes() {
    static const std::vector<Episode> read = read_episodes(MEDIC_RANKING_EPISODES).value();
    return read;
}

std::vector<Scenario> every_episode_once(Disturbance how, std::uint64_t seed) {
    return scenarios_of(episodes(), {.seed = seed, .how = std::string(to_string(how))}).value();
}

double share(std::size_t part, std::size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

TEST(Ranking, TheSameSeedGivesTheSameStory) {
    const std::vector<Scenario> scenarios =
        scenarios_of(episodes(), {.only = "taskmanager-lost", .how = "mixed"}).value();
    EXPECT_EQ(replay(scenarios.front()).value().story, replay(scenarios.front()).value().story);
}

TEST(Ranking, TheLineIsHeldUnderDisturbances) {
    const Scenarios played = replay_all(every_episode_once(Disturbance::mixed, 1)).value();
    const Count all = played.all(), masking = played.masking();
    constexpr double first_min = 0.80, three_min = 0.80;  // Measured: 82.2 % both; 95.1 % over all disturbances.
    EXPECT_GE(share(all.first, all.faults), first_min) << misses(played);
    EXPECT_GE(share(all.three, all.faults), three_min) << misses(played);
    constexpr double masking_min = 0.84;  // Measured: 12 of 14.
    EXPECT_GE(share(masking.first, masking.faults), masking_min) << misses(played);
    const Scenarios calm = replay_all(every_episode_once(Disturbance::none, 1)).value();
    EXPECT_EQ(calm.all().first, calm.all().faults) << misses(calm);
    EXPECT_EQ(calm.false_alarms(), 0U);
}

}  // namespace
}  // namespace medic::ranking_test

// What happens to observations on their way, done to a recorded episode: noise, delay, gaps, events that never come,
// clocks that are wrong, a second fault elsewhere. Deterministic by seed. What was truly wrong stays as it was.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "tests/ranking/episode.h"

namespace medic::ranking_test {

enum class Disturbance : std::uint8_t {
    none,
    noise,   // What varies is measured 10 % off (one standard deviation); counters still never fall.
    delay,   // Answers come up to 5 s late, those of one target in four up to 13 s.
    gaps,    // One look in seven is lost, and one target in three gives no answer, or none at all, for 6 to 20 s.
    drops,   // One event in four never comes, and with even odds no line of any log does.
    clocks,  // Each target's clock is up to 10 s off in what it says of events, and it is another year.
    mixed,   // A little of everything.
    second,  // Another episode goes on in another cluster at about the same time; a little noise in both.
};
inline constexpr std::size_t disturbances = 8;
[[nodiscard]] std::string_view to_string(Disturbance one);

using Dice = std::mt19937_64;

// All but `second`.
void disturb(Episode& episode, Disturbance how, Dice& dice);
// The second one's cluster gets another name, and its fault comes within 20 s of the first one's: `apart` later.
inline constexpr const char* second_cluster = "second";
[[nodiscard]] Episode lay_over(const Episode& first, const Episode& second, Dice& dice, Duration& apart);

}  // namespace medic::ranking_test

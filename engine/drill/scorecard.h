// What the drills found, as people and scripts read it. Pure: results in, text out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"

namespace medic::engine::drill {

struct DrillResult {
    std::string name;
    bool healed = false;
    std::string side, expected_side;  // "" when the agent said nothing.
    std::string cause, expected_cause;
    std::string remedy, expected_remedy;
    std::optional<Duration> detect;   // From the injection to the incident. nullopt: never.
    std::optional<Duration> recover;  // From the injection until records flow again. nullopt: not within the patience.
    std::optional<Duration> recover_without;  // The same fault, the same time, no agent. nullopt: not within `waited`.
    Duration waited{0};                       // How long the arm without the agent was given.
    std::uint64_t records_lost = 0, records_doubled = 0;
    std::uint64_t records_checked = 0;
    bool left_to_person = false;     // The remedy has limited the harm; only a person ends it, and records don't count.
    bool at_least_once = false;      // The fault itself makes this path repeat records, with and without the agent.
    std::vector<std::string> notes;  // What a person should know: scaled load, what went wrong.

    // Healed, rightly classified, by the right remedy, nothing lost, nothing doubled where the path promises that.
    [[nodiscard]] bool passed() const;
};

struct Scorecard {
    std::string profile;  // Time-outs that differ from the products' defaults; holds for both arms.
    std::vector<DrillResult> results;
    [[nodiscard]] bool passed() const;
};

[[nodiscard]] std::string seconds_text(Duration duration);  // "1.2 s".
// A table with one line per drill, medians where a drill was repeated, and the notes below.
[[nodiscard]] std::string render_text(const Scorecard& scorecard);
// {"schema":1,"drills":[{name, healed, side, expected_side, cause, …}]}: a contract, see docs.
[[nodiscard]] std::string render_json(const Scorecard& scorecard);

}  // namespace medic::engine::drill

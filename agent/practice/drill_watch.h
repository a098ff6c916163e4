// What a drill waits for, step by step: told, cause named, acted on or left to a person, healed. Pure: it is handed
// times and what the agent says. It undoes nothing; it says when a drill is over, and why.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/practice/fault.h"
#include "agent/practice/incident_sight.h"

namespace medic::practice {

enum class Outcome : std::uint8_t {
    healed,         // By the agent.
    came_back,      // By itself, or by somebody else.
    only_told,      // The policy observes: the agent has said what it would do.
    patience_over,  // Nothing healed it in time.
    agent_gone,     // It does not answer any more.
    aborted,        // By the person.
    not_made,       // The fault could not be made.
    undone_later,   // The drill was killed; `--undo` has undone it.
};
[[nodiscard]] std::string_view to_string(Outcome outcome);

struct WatchOptions {
    const Fault* fault = nullptr;
    std::string mode{};  // What the policy says of the expected cause: observe | ask | auto; "": not known.
    Duration patience{300'000};
    Duration silent_max{30'000};  // Without an answer of the agent for so long: it is gone.
};

// What was measured, from the fault on.
struct Measured {
    std::optional<Duration> told{}, named{}, acted{}, healed{};
    std::string cause{}, side{}, subject{};  // The first one that was named, or the expected one once it was.
    std::string remedy{}, plan{}, waited_for{};
    bool proposed = false;                 // A plan waited for a person, or was only observed.
    bool wrong_first = false;              // Another cause was named before the expected one.
    std::vector<std::string> incidents{};  // That it has caused.
    std::vector<std::string> did{};        // The story of the incident that counts.
};

class DrillWatch {
public:
    DrillWatch(WatchOptions options, Instant made_at);

    struct Glimpse {
        Instant at;
        std::optional<std::vector<IncidentSight>> incidents;  // caused_since(); nullopt: no answer.
    };
    struct Seen {
        std::vector<std::string> lines;  // For a person, new since the last one.
        std::optional<Outcome> over;
    };
    [[nodiscard]] Seen see(const Glimpse& glimpse);

    [[nodiscard]] const Measured& measured() const { return measured_; }
    [[nodiscard]] bool cause_right() const;
    // What the policy promises, and what came of it: the cause and side are right, and under `auto` it healed.
    [[nodiscard]] bool passed(Outcome outcome) const;
    [[nodiscard]] Duration since_made(Instant at) const { return std::chrono::duration_cast<Duration>(at - made_at_); }

private:
    void note_all(const Glimpse& glimpse, std::vector<std::string>& lines);
    void note(const IncidentSight& incident, Instant at, std::vector<std::string>& lines);
    [[nodiscard]] std::optional<Outcome> over(const std::vector<IncidentSight>& all, Instant at);
    [[nodiscard]] const IncidentSight* main_of(const std::vector<IncidentSight>& all) const;
    void say(std::vector<std::string>& lines, Instant at, const std::string& text) const;

    WatchOptions options_;
    Instant made_at_, answered_at_;
    Measured measured_;
    std::string plan_said_, waiting_said_, cause_said_;
};

[[nodiscard]] std::string seconds_text(Duration duration);  // "12.3 s"

}  // namespace medic::practice

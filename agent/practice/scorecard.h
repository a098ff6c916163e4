// What a drill is going to do, and what came of it, as people and scripts read it. Pure: values in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/practice/choice.h"
#include "agent/practice/drill_watch.h"

namespace medic::practice {

struct Scorecard {
    std::string id{}, fault{}, cluster{}, node{}, by{};
    WallTime at{};
    std::string expected_cause{}, expected_mode{}, expected_remedy{};
    Outcome outcome = Outcome::not_made;
    Measured measured{};
    bool cause_right = false, passed = false;
    bool undone = false;       // The cluster is as it was, as far as the drill is concerned.
    std::string how_undone{};  // What undid it, or why it is not.
    std::string note{};
};

[[nodiscard]] std::string text_of(const Scorecard& scorecard);
[[nodiscard]] std::string json_of(const Scorecard& scorecard);  // {"schema":1,"drill":{…}}

struct Plan {
    Possibility what{};
    std::string cluster{};
    std::string mode{}, remedy{}, why{};  // What the agent will do of the expected cause; mode "": no remedy is known.
    Duration patience{0};
    std::vector<std::string> objections{};
};
[[nodiscard]] std::string text_of(const Plan& plan);
[[nodiscard]] std::string json_of(const Plan& plan);  // {"schema":1,"plan":{…}}

// A table of what is possible here, and why the rest is not.
[[nodiscard]] std::string list_text(const std::vector<Possibility>& all, const std::vector<std::string>& objections);
[[nodiscard]] std::string list_json(const std::vector<Possibility>& all, const std::vector<std::string>& objections);

}  // namespace medic::practice

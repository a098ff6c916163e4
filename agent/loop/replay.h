// `medic incidents replay ID`: asks the guards every recorded question again and compares the answers. Works from the
// record alone.
#pragma once

#include <string>
#include <vector>

#include "remediations/guards/guards.h"
#include "remediations/journal/journal.h"
#include "remediations/planning/planner.h"

namespace medic {

struct ReplayedDecision {
    DecisionRow recorded;
    std::string replayed;  // What is decided now from the recorded question.
    bool same = true;
};

// Decisions without a recorded question (escalations, verdicts of people) are left out.
[[nodiscard]] Result<std::vector<ReplayedDecision>> replay(const Journal& journal, std::string_view incident,
                                                           const Guards& guards, const Planner& planner);

}  // namespace medic

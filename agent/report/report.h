// What an agent has done in a stretch of time, from its journal: can it be trusted with more? Counts and times of
// incidents, what was done and what was refused and why, and how shadow decisions ("would do") fared before people's
// verdicts. It reads rows only; it asks nobody and changes nothing. Job availability is no part of it: the journal
// holds no series.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/loop/incident.h"
#include "remediations/journal/journal.h"

namespace medic::report {

// One incident with what belongs to it.
struct Case {
    Incident incident;
    std::vector<AttemptRow> attempts;
    std::vector<DecisionRow> decisions;
    std::optional<bool> right;  // The newest verdict of a person.
};

// Of seconds; nullopt when there was none.
struct Times {
    std::optional<double> median, worst;
    std::size_t count = 0;
};

struct CauseLine {
    std::string cause, side;
    std::size_t incidents = 0, healed = 0, went_away = 0, escalated = 0, open = 0;
    Times recover;
};

struct RemedyLine {
    std::string remedy;
    std::size_t sent = 0, helped = 0, failed = 0, outcome_unknown = 0, undone = 0;
    std::size_t would = 0;                           // Shadow decisions: planned, and only observed.
    std::size_t judged_right = 0, judged_wrong = 0;  // Verdicts on incidents in which it was done or would have been.
    bool promote = false;                            // Enough right verdicts on shadow decisions, and none wrong.
};

struct Report {
    WallTime from, to;
    std::size_t incidents = 0, open = 0, healed = 0, went_away = 0, escalated = 0, abstained = 0;
    std::map<std::string, std::size_t> by_side;
    Times detect, recover;
    std::vector<CauseLine> causes;                              // Most frequent first.
    std::vector<RemedyLine> remedies;                           // By name.
    std::vector<std::pair<std::string, std::size_t>> refusals;  // Guards that objected, most often first.
    std::size_t verdicts_right = 0, verdicts_wrong = 0;
    std::vector<std::size_t> per_day;  // Incidents opened, from the first day on.
};

// Verdicts that a shadow decision needs, all of them right, before more than observing is recommended.
inline constexpr std::size_t promotion_verdicts_min = 5;

// Incidents that opened in [from, to). Errors: unavailable, invalid (a row can't be read).
[[nodiscard]] Result<std::vector<Case>> read_cases(const Journal& journal, WallTime from, WallTime to);
[[nodiscard]] Report make_report(const std::vector<Case>& cases, WallTime from, WallTime to);

[[nodiscard]] std::string text_of(const Report& report);
[[nodiscard]] std::string json_of(const Report& report);
[[nodiscard]] std::string html_of(const Report& report);  // One page without anything from elsewhere.

}  // namespace medic::report

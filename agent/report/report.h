// What an agent has done in a stretch of time, from its journal: can it be trusted with more? Counts and times of
// incidents, what was done and what was refused and why, and how shadow decisions ("would do") fared before people's
// verdicts. What people asked for (rolls, deployments, dry runs) is listed and not counted: nothing was wrong. It reads
// rows only; it asks nobody and changes nothing. Job availability is no part of it: the journal holds no series.
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
    std::size_t escalated_open = 0;  // Of the escalated: not ended yet.
    Times recover;
};

struct RemedyLine {
    std::string remedy;
    std::size_t sent = 0, failed = 0, outcome_unknown = 0, undone = 0;
    std::size_t helped = 0;  // Incidents that healed by a plan of it.
    std::size_t would = 0;   // Shadow decisions: planned, and only observed.
    std::size_t judged_right = 0,
                judged_wrong = 0;                  // Verdicts on incidents whose plan it was: done, or would have been.
    std::size_t would_right = 0, would_wrong = 0;  // Of these, those on shadow decisions.
    bool promote = false;                          // Enough right verdicts on shadow decisions, and none wrong at all.
};

// What a person asked for: a roll, a deployment, a dry run of one.
struct RequestLine {
    std::string id, cluster, cause, by, outcome, summary;  // outcome: its state while it is under way.
    WallTime at;
};

struct Report {
    WallTime from, to;
    std::size_t incidents = 0, open = 0, healed = 0, went_away = 0, escalated = 0, abstained = 0;
    std::size_t escalated_open = 0;
    std::map<std::string, std::size_t> by_side;
    Times detect, recover, over;                                // over: until the incident ended, whoever ended it.
    std::vector<CauseLine> causes;                              // Most frequent first.
    std::vector<RemedyLine> remedies;                           // By name.
    std::vector<std::pair<std::string, std::size_t>> refusals;  // Guards that objected, most often first.
    std::size_t verdicts_right = 0, verdicts_wrong = 0;
    std::vector<std::size_t> per_day;  // Incidents opened; the newest days, at most days_max.
    WallTime per_day_from;             // When the first of them begins.
    std::vector<RequestLine> requests;
};

inline constexpr std::size_t days_max = 400;

// Verdicts that a shadow decision needs, all of them right, before more than observing is recommended.
inline constexpr std::size_t promotion_verdicts_min = 5;

// Incidents that opened in [from, to). Errors: unavailable, invalid (a row can't be read).
[[nodiscard]] Result<std::vector<Case>> read_cases(const Journal& journal, WallTime from, WallTime to);
[[nodiscard]] Report make_report(const std::vector<Case>& cases, WallTime from, WallTime to);

[[nodiscard]] std::string text_of(const Report& report);
[[nodiscard]] std::string json_of(const Report& report);
[[nodiscard]] std::string html_of(const Report& report);  // One page without anything from elsewhere.

}  // namespace medic::report

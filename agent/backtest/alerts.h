// What people saw: alerts that fired or pages that woke somebody, from a file, and how a backtest compares with them.
//
//   [{"start": "2026-11-03T02:10:00Z", "end": "2026-11-03T02:31:00Z", "labels": {"alertname": "KafkaDown",
//     "cluster": "prod"}}, …]
//
// `start` and `end` are RFC 3339 or seconds since 1970; without `end` it is taken as a moment. Alertmanager's own words
// are read too (startsAt, endsAt, as `amtool alert -o json` and GET /api/v2/alerts give them). Labels are free; of them
// only `cluster` keeps an alert from matching another cluster's incident.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backtest/cases.h"
#include "agent/base/result.h"

namespace medic::backtest {

struct SeenAlert {
    WallTime start, end;
    std::map<std::string, std::string> labels;
    [[nodiscard]] std::string name() const;
};

[[nodiscard]] Result<std::vector<SeenAlert>> read_alerts(std::string_view json);

struct Comparison {
    std::size_t alerts = 0;                     // That overlap the stretch of time.
    std::size_t outside = 0;                    // The others.
    std::size_t matched = 0;                    // Alerts with an incident at their time.
    std::vector<SeenAlert> missed;              // Without one.
    std::vector<std::size_t> extra;             // Cases that no alert goes with, by index.
    std::vector<std::vector<std::string>> met;  // For each case: the names of its alerts.
    double extra_per_week = 0;
};

// People are told minutes after a fault begins, and acknowledge minutes after it ends.
inline constexpr Duration match_slack{15 * 60'000};

[[nodiscard]] Comparison compare(const std::vector<Case>& cases, const std::vector<SeenAlert>& alerts, WallTime from,
                                 WallTime to);

}  // namespace medic::backtest

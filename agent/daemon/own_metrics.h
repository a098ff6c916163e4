// The agent's own page: what it costs, how late it is, what it sees and does.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/base/time.h"
#include "agent/daemon/look_schedule.h"
#include "agent/loop/loop.h"
#include "agent/notify/desk.h"

namespace medic {

struct OwnMetrics {
    WallTime last_tick, last_evaluation;
    double tick_lateness_seconds = 0;
    std::size_t series = 0, sample_bytes = 0, events = 0, targets = 0, targets_blind = 0, symptoms = 0, diagnoses = 0;
    std::uint64_t requests = 0, writing_requests = 0, operations = 0;
    std::uint64_t alerts_taken = 0, alerts_repeated = 0;
    DurationCounts ticks;  // How long each took.
    std::map<std::string, std::size_t> incidents_by_state;
    std::map<std::string, std::uint64_t> series_refused;  // By cluster: over its budget.
    std::map<std::string, LookCounts> looks;              // By kind of target.
    LoopHealth loop;
    std::vector<DeskStats> notify;
};

// Prometheus text format 0.0.4.
[[nodiscard]] std::string page(const OwnMetrics& metrics);

}  // namespace medic

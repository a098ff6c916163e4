// Incidents for this room's tests.
#pragma once

#include <string>

#include "agent/loop/incident.h"
#include "agent/notify/desk.h"

namespace medic::news_test {

constexpr WallTime started{1'764'300'000'000};  // 2025-11-28T03:20:00Z

inline Now at(std::int64_t seconds) {
    return {Instant{Duration{1'000'000 + seconds * 1000}}, started + Duration{seconds * 1000}};
}

inline Incident incident(const std::string& id, IncidentState state = IncidentState::observing,
                         const std::string& owner = "team-a") {
    Incident one;
    one.id = id;
    one.cluster = "prod";
    one.state = state;
    one.diagnosis.cause = "flink.taskmanager-lost";
    one.diagnosis.side = Side::system;
    one.diagnosis.owner = owner;
    one.diagnosis.subject = {"prod", "taskmanager", "tm-1"};
    one.diagnosis.confidence = 0.93;
    one.diagnosis.summary = "task manager tm-1 is lost";
    one.opened_at = started;
    one.detected_at = started + Duration{1'000};
    if (state == IncidentState::resolved) {
        one.outcome = "healed";
        one.resolved_at = started + Duration{60'000};
    }
    return one;
}

}  // namespace medic::news_test

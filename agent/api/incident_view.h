// An incident as JSON, for the API, for `medic incidents -o json` and for notifications.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/loop/incident.h"

namespace medic {

[[nodiscard]] std::string incident_json(const Incident& incident);  // With `schema`.
[[nodiscard]] std::string incidents_json(
    const std::vector<Incident>& incidents);  // {"schema":1,"incidents":[…]}, newest first.
[[nodiscard]] std::string actions_json(
    const std::vector<Incident>& incidents);     // Steps at hand: what waits, what runs.
[[nodiscard]] std::string rfc3339(WallTime at);  // "" for never.
// 2026-11-22T10:00:00.123Z or with +01:00, of a day that there is, and nothing behind it.
[[nodiscard]] std::optional<WallTime> read_rfc3339(const std::string& text);

}  // namespace medic

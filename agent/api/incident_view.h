// An incident as JSON, for the API, for `medic incidents -o json` and for notifications.
#pragma once

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

}  // namespace medic

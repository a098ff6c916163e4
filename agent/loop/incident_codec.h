// An incident as the text that the journal keeps (IncidentRow::detail). An unreadable record is an error, never half an
// incident.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/loop/incident.h"
#include "remediations/journal/journal.h"

namespace medic {

[[nodiscard]] IncidentRow to_row(const Incident& incident);
[[nodiscard]] Result<Incident> from_row(const IncidentRow& row);

}  // namespace medic

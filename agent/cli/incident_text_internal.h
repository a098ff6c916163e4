// An incident for a person, from its document (agent/api/incident_view.h), whoever tells it: an agent, its journal, or
// something else. Only its id is sure to be there; what is missing is left out. Only for .cc files of agent/cli.
#pragma once

#include <string>

#include "agent/api/json_internal.h"

namespace medic::cli {

// One line: id, since when, state, cluster, side, and what it is about.
[[nodiscard]] std::string incident_line(const Json& incident);
// That line, and all that is known: the cause and how sure, whom it waits for, evidence, plan, objections, story.
[[nodiscard]] std::string incident_text(const Json& incident);

}  // namespace medic::cli

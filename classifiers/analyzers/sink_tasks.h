// The sink tasks that a Connect worker runs, as last seen: what its death leaves behind in their consumer groups. For
// analyzers only.
#pragma once

#include <string>
#include <string_view>

#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers {

// "audit/0,audit/1,orders/0" for the worker's tasks that read through a group of their connector (connect-NAME); ""
// when none is known.
[[nodiscard]] std::string sink_tasks_of(const Lookup& lookup, std::string_view cluster, std::string_view worker);

}  // namespace medic::analyzers

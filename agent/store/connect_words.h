// Words in which it is told where Connect's tasks run. Told by agent/daemon/knowledge; read by remedies.
#pragma once

#include <string>

#include "agent/store/fact.h"

namespace medic {

// The fact {connector-task/NAME/N, "runs_on"}: the worker that runs the task, as the cluster's workers tell it …
inline constexpr std::string_view runs_on = "runs_on";
// … or that none of them answers: then the last one may be gone, or only the way to all of them.
inline constexpr std::string_view no_worker_answers = "no worker answers";

[[nodiscard]] inline FactKey runs_on_key(Subject task) { return {std::move(task), std::string(runs_on)}; }

}  // namespace medic

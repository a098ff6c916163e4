// A whole embedded platform: up, ready, down. Used by `medic-engine lab` and by the drills.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "agent/base/result.h"
#include "engine/lab/plan.h"
#include "engine/lab/state.h"

namespace medic::engine::lab {

using Progress = std::function<void(const std::string& line)>;

// Starts everything and returns when it serves: brokers registered, REST answering, task managers registered, the
// workload's job running and its connectors started. On an error nothing is left running. Errors: not_ready (a lab runs
// there already), invalid (the folder is no lab's and holds what a lab would write over), unavailable.
[[nodiscard]] Status up(const LabOptions& options, const Progress& progress);

enum class Leave : std::uint8_t { nothing, files };
// Stops everything that the lab started, whatever became of the lab meanwhile, and lets nothing of it start again;
// `nothing` also removes what the lab has written, and the data folder if nothing else is in it.
[[nodiscard]] Status down(const std::string& data_dir, Leave leave);

// Submits the workload's job in the given version and creates its connectors; part of up(). Returns the job's id.
[[nodiscard]] Result<std::string> submit_job(const LabPlan& plan, const std::string& version,
                                             const std::string& restore_from);

[[nodiscard]] std::string render_status(const LabState& state);

int run_lab(std::span<char*> args);   // `medic-engine lab …`
int run_node(std::span<char*> args);  // `medic-engine node …`: the agent's node driver.

}  // namespace medic::engine::lab

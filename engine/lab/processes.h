// Starts, stops, kills and describes the processes of a lab, by name. A process is known by pid and start time, so that
// a reused pid is never signalled. Used by `medic-engine lab`, `medic-engine node` (the agent's node driver) and the
// drills.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/lab/state.h"

namespace medic::engine::lab {

struct TaskProcess {
    std::string connector;
    int task = 0;
    ProcessId id;
};

// Starts it as a member or as a warm spare; one that lives already is left alone, but a living spare that shall be a
// member is activated. None is started in a lab that is being ended (not_ready).
[[nodiscard]] Status start_process(const std::string& data_dir, const std::string& name, Standing wanted);
// SIGTERM, up to `grace`, then SIGKILL. One that is gone already is fine.
[[nodiscard]] Status stop_process(const std::string& data_dir, const std::string& name, Duration grace);
// SIGKILL, also to a frozen process; returns when it is gone.
[[nodiscard]] Status kill_process(const std::string& data_dir, const std::string& name);
// SIGSTOP, SIGCONT: for faults.
[[nodiscard]] Status signal_process(const std::string& data_dir, const std::string& name, int signal);

// From now on the process can open no more than it has open when it does nothing, as `idle` of its kind shows: what it
// has open stays, what it closes is lost to it. For faults; a new process is free of it.
[[nodiscard]] Status take_descriptors(const std::string& data_dir, const std::string& name, const std::string& idle);

// The task processes of a Connect worker: its children that carry `--connector NAME --task N`.
[[nodiscard]] std::vector<TaskProcess> tasks_of(const ProcessId& worker);
[[nodiscard]] Status kill_task(const std::string& data_dir, const std::string& worker, const std::string& connector,
                               int task);

// {"pid":…,"start_time":…,"state":…,"spare":…,"tasks":[…]}: what a node driver's status command prints. pid 0: no
// process.
[[nodiscard]] std::string status_json(const LabState& state, const std::string& name);

}  // namespace medic::engine::lab

// The task manager: one process per fixed unit with a number of slots. Runs subtasks, exchanges frames with its peers,
// writes snapshots, reports to the job manager. `--standby`: loads everything but registers only on POST /activate.
#pragma once

#include <span>
#include <string>

namespace medic::engine::flow {

// The subcommand `taskmanager`. Exit codes: 0 stopped by SIGTERM, 64 wrong usage, 1 no port, 239 fatal (a task that
// could not be cancelled in time, or whose memory can no longer be trusted).
int run_taskmanager(std::span<char*> args);

}  // namespace medic::engine::flow

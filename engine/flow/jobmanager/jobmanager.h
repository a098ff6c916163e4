// The job manager: Flink's REST API, jobs, checkpoints, and the task managers that register with it. It has no high
// availability: when it dies, its jobs must be started again from their newest complete checkpoint.
#pragma once

#include <span>

namespace medic::engine::flow {

// The subcommand `jobmanager`. Exit codes: 0 stopped by SIGTERM, 64 wrong usage, 1 no port.
int run_jobmanager(std::span<char*> args);

}  // namespace medic::engine::flow

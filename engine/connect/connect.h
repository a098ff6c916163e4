// The Connect room's doors: two subcommands of medic-engine. The worker offers Kafka Connect's REST API and supervises
// one child process per connector task; the task process runs the connector's code. Everything else in this folder is
// private to the room.
#pragma once

#include <span>

namespace medic::engine {

int run_connect_worker(std::span<char*> args);  // medic-engine connect-worker …
int run_connect_task(std::span<char*> args);    // medic-engine connect-task …, started by the worker only

}  // namespace medic::engine

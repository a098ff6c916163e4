// The subcommands of medic-engine that this room offers: `controller` and `broker`.
#pragma once

#include <span>

namespace medic::engine::broker {

// args[0] is the subcommand's name. Runs until SIGTERM or SIGINT; returns the exit code.
int run_controller(std::span<char*> args);
int run_broker(std::span<char*> args);

}  // namespace medic::engine::broker

// Runs a program by argument list: no shell, a deadline, bounded output. On the reactor's thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/world/real/reactor.h"

namespace medic {

struct CommandRequest {
    std::vector<std::string> argv;             // argv[0] is a path or is found in PATH.
    Duration timeout{10'000};                  // Then its whole process group is killed.
    std::size_t output_bytes_max = 64 * 1024;  // What is longer is read and dropped.
    std::string input{};                       // What it reads on standard input; "" = nothing.
};

struct CommandReply {
    int exit_code = 0;   // 128 + signal when it was killed.
    std::string output;  // stdout
    std::string errors;  // stderr
};

// Replaces {name} in every argument by its value; unknown placeholders stay. A value can't become another argument, nor
// an option: invalid where an argument begins with `-` only because of it (a connector may be named `--all`).
[[nodiscard]] Result<std::vector<std::string>> filled(const std::vector<std::string>& argv,
                                                      const std::map<std::string, std::string>& values);

// unavailable: it could not be started. outcome_unknown: the deadline passed and it was killed.
// Whatever its exit code, a program that ended by itself is a reply.
void run_command(Reactor& reactor, CommandRequest request, std::function<void(Result<CommandReply>)> done);

}  // namespace medic

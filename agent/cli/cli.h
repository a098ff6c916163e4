// The command line: `medic SUBCOMMAND`. One file per subcommand; they talk to the agent's API, or run it.
// Not a library for other rooms: main.cc is its only caller.
#pragma once

namespace medic {

// Exit codes: 0 done or healthy, 1 a problem was found or the request failed, 2 could not tell, 64 wrong usage.
[[nodiscard]] int run_cli(int argc, char** argv);

}  // namespace medic

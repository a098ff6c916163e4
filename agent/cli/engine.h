// Commands that are medic-engine's own. Only for .cc files of agent/cli.
#pragma once

#include <string>
#include <vector>

namespace medic::cli {

// medic-engine stands beside this binary and takes over this process, with the arguments as they are. Returns only when
// it can't: the exit code.
[[nodiscard]] int become_engine(const std::string& subcommand, const std::vector<std::string>& arguments);

// What follows the subcommand on this process's command line, as it was written; run_cli() notes the command line.
void note_arguments(int argc, char** argv);
[[nodiscard]] std::vector<std::string> arguments_after(const std::string& subcommand);

}  // namespace medic::cli

// The command line as a plain tree, read from CLI11's own: what completions and the manual page are made from, so that
// they can't drift from what is parsed. Only for .cc files of agent/cli.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace medic::cli {

struct OptionNode {
    std::vector<std::string> names;    // "-o", "--output"; empty for a positional argument.
    std::string value;                 // What it takes: "TEXT", a positional's name; "" for a flag.
    std::vector<std::string> choices;  // The only values, where they are listed.
    std::string what;
    bool required = false;
};

struct CommandNode {
    std::string name, path;  // "verdict", "incidents verdict"; path "" for the program itself.
    std::string group, what, footer;
    std::vector<OptionNode> options, positionals;
    std::vector<CommandNode> commands;
};

[[nodiscard]] CommandNode command_tree(const CLI::App& app);
// The node and all below it, parents first.
[[nodiscard]] std::vector<const CommandNode*> all_commands(const CommandNode& top);

[[nodiscard]] std::string bash_completion(const CommandNode& top);
[[nodiscard]] std::string zsh_completion(const CommandNode& top);
[[nodiscard]] std::string fish_completion(const CommandNode& top);
[[nodiscard]] std::string manual_page(const CommandNode& top, const std::string& version);

}  // namespace medic::cli

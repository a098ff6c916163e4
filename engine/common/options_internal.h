// Parses a subcommand's options with CLI11: include only in .cc files. Wrong usage ends with exit code 64 (EX_USAGE).
#pragma once

#include <optional>
#include <span>

#include <CLI/CLI.hpp>

namespace medic::engine {

// A value: the exit code to return at once (--help, wrong usage). nullopt: go on.
[[nodiscard]] inline std::optional<int> parse_options(CLI::App& app, std::span<char*> args) {
    try {
        app.parse(static_cast<int>(args.size()), args.data());
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64;
    }
}

}  // namespace medic::engine

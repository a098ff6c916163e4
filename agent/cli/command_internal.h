// What every subcommand's file needs. Only for .cc files of agent/cli.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace medic::cli {

struct Addresses;

enum Exit : int { exit_ok = 0, exit_problem = 1, exit_cannot_tell = 2, exit_usage = 64 };

struct Context {
    int exit_code = exit_ok;  // Set by the subcommand that ran.
    std::string program;      // Path of this binary: medic-engine stands beside it.
};

// The groups of `medic --help`, in this order.
constexpr const char* on_call = "On call";
constexpr const char* run = "Run";
constexpr const char* author = "Author";
constexpr const char* practise = "Practise";
constexpr const char* move = "Move";

// Adds a subcommand with its help and examples.
CLI::App* add(CLI::App& parent, const char* group, const std::string& name, const std::string& what,
              const std::string& examples);

// `one` is refused beside each of `others`.
void exclude(CLI::Option* one, const std::vector<CLI::Option*>& others);

// Checks of values. A number, and none that is not finite (CLI::Range lets NaN through).
CLI::Validator number_between(double min, double max);
// The name of a file to write, which is no format's: -o is the format.
CLI::Validator output_file();

// Prints an error and returns the exit code for it.
int complain(const std::string& message, int code);

// What the environment calls whoever runs this, the person before the account that was switched to; may be empty.
std::vector<std::string> user_names();

// --kafka, --connect, --flink, --prometheus and --access; returns them, for what they don't go with.
std::vector<CLI::Option*> add_addresses(CLI::App& command, Addresses& addresses);

void add_diagnose(CLI::App& app, Context& context);
void add_incidents(CLI::App& app, Context& context);
void add_actions(CLI::App& app, Context& context);
void add_pause(CLI::App& app, Context& context);
void add_cordon(CLI::App& app, Context& context);
void add_roll(CLI::App& app, Context& context);
void add_deploy(CLI::App& app, Context& context);
void add_classify(CLI::App& app, Context& context);
void add_agent(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_rules(CLI::App& app, Context& context);
void add_lint(CLI::App& app, Context& context);
void add_report(CLI::App& app, Context& context);
void add_backtest(CLI::App& app, Context& context);
void add_bundle(CLI::App& app, Context& context);
void add_lab(CLI::App& app, Context& context);
void add_discover(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);
void add_man(CLI::App& app, Context& context);

}  // namespace medic::cli

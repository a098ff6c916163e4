#include "agent/cli/cli.h"

#include <cstdlib>

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/base/plain_text.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/drill_session.h"
#include "agent/cli/engine.h"
#include "agent/cli/version_internal.h"

namespace medic {
namespace cli {

CLI::App* add(CLI::App& parent, const char* group, const std::string& name, const std::string& what,
              const std::string& examples) {
    CLI::App* command = parent.add_subcommand(name, what);
    command->group(group);
    command->footer("Examples:\n" + examples);
    return command;
}

int complain(const std::string& message, int code) {
    fmt::print(stderr, "medic: {}\n", plain_text(message));
    return code;
}

std::vector<std::string> user_names() {
    std::vector<std::string> names;
    for (const char* variable : {"SUDO_USER", "USER", "LOGNAME"})
        if (const char* user = std::getenv(variable); user != nullptr && *user != '\0') names.emplace_back(user);
    return names;
}

}  // namespace cli

int run_cli(int argc, char** argv) {
    CLI::App app{
        "Keeps Apache Kafka, Kafka Connect and Apache Flink healthy: finds what is wrong, says whose it is, heals what "
        "it may.",
        "medic"};
    cli::Context context{.program = argc > 0 ? argv[0] : "medic"};
    cli::note_arguments(argc, argv);
    app.set_version_flag("--version", cli::version_text(), "Print the version");
    app.require_subcommand(1);
    for (const auto add :
         {cli::add_diagnose, cli::add_incidents, cli::add_actions, cli::add_pause,  cli::add_cordon,
          cli::add_roll,     cli::add_deploy,    cli::add_report,  cli::add_bundle, cli::add_classify,
          cli::add_agent,    cli::add_discover,  cli::add_doctor,  cli::add_config, cli::add_rules,
          cli::add_backtest, cli::add_lint,      cli::add_lab,     cli::add_drill,  cli::add_completion,
          cli::add_man})
        add(app, context);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // --help and --version come this way too, with code 0.
        return app.exit(error) == 0 ? cli::exit_ok : cli::exit_usage;
    }
    return context.exit_code;
}

}  // namespace medic

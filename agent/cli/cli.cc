#include "agent/cli/cli.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string_view>
#include <system_error>

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/base/plain_text.h"
#include "agent/base/yaml.h"
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

void exclude(CLI::Option* one, const std::vector<CLI::Option*>& others) {
    for (CLI::Option* other : others) one->excludes(other);
}

CLI::Validator number_between(double min, double max) {
    return CLI::Validator(
        [min, max](const std::string& text) -> std::string {
            double value = 0;
            // Written so that NaN is outside.
            if (CLI::detail::lexical_cast(text, value) && value >= min && value <= max) return {};
            return fmt::format("{}: expected a number from {} to {}", text, min, max);
        },
        fmt::format("FLOAT in [{} - {}]", min, max), "");
}

CLI::Validator output_file() {
    return CLI::Validator(
        [](const std::string& text) -> std::string {
            for (const char* format : {"text", "wide", "json", "yaml"})
                if (text == format) return text + ": -o is the format, --output the file";
            return {};
        },
        "FILE", "");
}

namespace {

std::string no_command(const CLI::App& app, std::string_view name) {
    constexpr std::size_t name_bytes_max = 64;
    name = name.substr(0, name_bytes_max);
    std::vector<std::string_view> known;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        known.push_back(command->get_name());
    const std::string_view near = nearest(name, known);
    return fmt::format("no command `{}`; {}", name,
                       near.empty() ? "`medic --help` lists them" : fmt::format("did you mean `{}`?", near));
}

// A descriptor that is missing at the start would be taken by the first file that is opened: what is printed would go
// into that file. In its place stands one that refuses, so that it is told as what it is.
void hold_standard_descriptors() {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(number, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // The lowest free number.
}

// Why it could not be written: `error`, or where that is not known (0), whether its reader is gone; else 0.
int reason_of(int error) {
    if (error != 0) return error;
    pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    return poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0 ? EPIPE : 0;
}

// Whoever reads us may have seen enough (`| head`): that is no error to tell.
int output_lost(int error, int code) {
    const int failed = code == exit_ok ? exit_cannot_tell : code;
    if (error == EPIPE) return failed;
    return complain(
        fmt::format("the output can't be written{}{}", error == 0 ? "" : ": ", error == 0 ? "" : std::strerror(error)),
        failed);
}

int failed_with(const std::exception& error, int code) {
    const auto* system = dynamic_cast<const std::system_error*>(&error);
    if (std::ferror(stdout) != 0) return output_lost(reason_of(system != nullptr ? system->code().value() : 0), code);
    return complain(error.what(), code == exit_ok ? exit_cannot_tell : code);
}

// What was printed lies in buffers until now: only here it shows whether it could be written.
int with_output_written(int code) {
    const bool failed_before = std::ferror(stdout) != 0 || std::cout.fail();
    errno = 0;
    std::cout.flush();
    const bool flushed = std::fflush(stdout) == 0;
    if (flushed && !failed_before && !std::cout.fail()) return code;
    return output_lost(reason_of(errno), code);
}

int parse_and_run(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const std::string_view name = argc > 1 ? argv[1] : "";
        const auto is_it = [name](const CLI::App* command) { return command->get_name() == name; };
        if (!name.empty() && name.front() != '-' && app.get_subcommands(is_it).empty())
            return complain(no_command(app, name), exit_usage);
        // --help and --version come this way too, with code 0.
        return app.exit(error) == 0 ? exit_ok : exit_usage;
    }
    return exit_ok;
}

}  // namespace

}  // namespace cli

int run_cli(int argc, char** argv) {
    cli::hold_standard_descriptors();
    std::clearerr(stdout);
    std::cout.clear();
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
    int usage = cli::exit_ok;
    try {
        usage = cli::parse_and_run(app, argc, argv);
    } catch (const std::exception& error) {
        return cli::failed_with(error, context.exit_code);
    }
    return cli::with_output_written(usage == cli::exit_ok ? context.exit_code : usage);
}

}  // namespace medic

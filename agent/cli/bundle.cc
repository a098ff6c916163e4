#include "agent/bundle/bundle.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agent/base/yaml.h"
#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/diagnose_agent.h"
#include "agent/cli/table.h"
#include "agent/cli/terminal.h"
#include "agent/cli/version_internal.h"
#include "agent/daemon/diagnosis_document.h"
#include "agent/world/real/clock.h"

namespace medic::cli {
namespace {

struct Options {
    std::string config, output = "medic-bundle.tar.gz", last = "30m";
    double seconds = 8;
    bool look = false;
    bool named = false;  // `output` was given: whoever names a file may mean to replace it.
};

struct Seen {
    DiagnoseResult diagnosis;
    Snapshot snapshot;
};

Result<Seen> from_agent(const Options& options, const Config& config, Duration last) {
    AgentAddress agent;
    agent.config = options.config;
    agent.shows_token = true;
    Seen seen;
    MEDIC_TRY(seen.diagnosis, ask_agent(agent, watched_by(config)));
    const auto minutes = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::minutes>(last).count());
    MEDIC_TRY(const ApiReply reply, call_api(agent, "GET", fmt::format("/api/v1/observations?minutes={}", minutes)));
    if (reply.status != 200)
        return fail(ErrorCode::not_ready, "the agent does not tell what it has seen (HTTP status {})", reply.status);
    MEDIC_TRY(seen.snapshot, read_snapshot_document(reply.body));
    return seen;
}

// Where no agent tells: a look of our own.
Result<Seen> from_look(const Options& options, const Config& config, Duration last, const std::string& why) {
    DiagnoseOptions once{.config = config, .policy = {}, .rules_directory = ""};
    once.look_for = Duration(static_cast<std::int64_t>(options.seconds * 1000));
    MEDIC_TRY(const auto look, Look::start(std::move(once)));
    look->wait_until_looked();
    Seen seen{.diagnosis = look->result(), .snapshot = look->snapshot({.last = last})};
    seen.diagnosis.seen_by.note = why;
    return seen;
}

// Who looked, and what was hidden from them.
std::string sight_text(const DiagnoseResult& of) {
    std::string text = of.seen_by.kind == SeenBy::Kind::agent
                           ? fmt::format("Seen by the agent at {}", of.seen_by.address)
                           : fmt::format("Seen by a look of its own ({})", of.seen_by.note);
    if (!of.blind.empty() || of.targets == 0)
        text += fmt::format("; {} of {} targets were not visible, or not wholly", of.blind.size(), of.targets);
    return text + ".\n";
}

// A target that was seen in part counts as hidden here: that errs to the side of looking again.
bool saw_nothing(const DiagnoseResult& of) { return of.blind.size() >= of.targets; }

int make(const Options& options) {
    if (std::error_code error;
        !options.named && std::filesystem::exists(std::filesystem::symlink_status(options.output, error)))
        return complain(options.output + ": is there already and stays as it is; give --output FILE", exit_problem);
    const auto last = parse_duration(options.last);
    constexpr Duration last_max{2 * 3'600'000};  // What an agent keeps.
    if (!last || last->count() <= 0 || *last > last_max)
        return complain("--last: expected a duration up to 2h, as 30m", exit_usage);
    const auto config = load_cluster_config(options.config);
    if (!config) return complain(config.error().message, exit_usage);
    auto seen = options.look ? fail(ErrorCode::not_ready, "as --look asks") : from_agent(options, *config, *last);
    if (!seen) seen = from_look(options, *config, *last, seen.error().message);
    if (!seen) return complain(seen.error().message, exit_cannot_tell);
    const std::string sight = sight_text(seen->diagnosis);
    const int code = saw_nothing(seen->diagnosis) ? exit_cannot_tell : exit_ok;
    const WallTime now = read_clock().wall;
    const auto files = bundle::make_bundle({.config = *config,
                                            .diagnosis = std::move(seen->diagnosis),
                                            .snapshot = std::move(seen->snapshot),
                                            .medic_version = version_text(),
                                            .now = now,
                                            .bounds = {.last = *last}});
    const Status written = bundle::write_archive(options.output, files, now);
    if (!written) return complain(written.error().message, exit_problem);
    std::error_code error;
    fmt::print(
        "{}: {}, {} files; manifest.json in it says what was withheld and why. Look at it before you hand it "
        "on.\n",
        options.output, bytes_text(static_cast<double>(std::filesystem::file_size(options.output, error))),
        files.size());
    print_text(sight);
    return code;
}

}  // namespace

void add_bundle(CLI::App& app, Context& context) {
    CLI::App* command = add(app, on_call, "bundle",
                            "Pack what somebody elsewhere needs to understand a trouble: bounded, without secrets",
                            "  medic bundle --config medic.yaml --output trouble.tar.gz\n"
                            "  medic diagnose --bundle trouble.tar.gz     # anywhere, offline\n"
                            "Exit code: 0 written, 1 it can't be written, 2 nothing could be seen (what is known is "
                            "written all the same), 64 wrong usage.");
    static Options options;
    options = {};
    options.config = default_config();
    command->add_option("--config", options.config, "medic.yaml: what to look at")->capture_default_str();
    CLI::Option* output = command->add_option("--output", options.output, "The file to write")
                              ->check(output_file())
                              ->capture_default_str();
    command->add_option("--last", options.last, "How far back: 10m, 2h")->capture_default_str();
    command->add_flag("--look", options.look, "Look by itself, also where an agent runs");
    command->add_option("--for", options.seconds, "How long to look where no agent answers, in seconds")
        ->check(number_between(1, 3600))
        ->capture_default_str();
    command->callback([&context, output] {
        options.named = output->count() > 0;
        context.exit_code = make(options);
    });
}

}  // namespace medic::cli

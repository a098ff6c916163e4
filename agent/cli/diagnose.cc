#include <fmt/core.h>
#include <fmt/format.h>

#include <unistd.h>

#include <filesystem>
#include <optional>

#include "agent/api/incident_view.h"
#include "agent/bundle/bundle.h"
#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/diagnose_agent.h"
#include "agent/cli/diagnose_file.h"
#include "agent/cli/diagnose_text.h"
#include "agent/cli/terminal.h"
#include "agent/cli/version_internal.h"
#include "agent/daemon/diagnose_once.h"
#include "agent/daemon/diagnosis_document.h"
#include "agent/world/real/worker.h"

namespace medic::cli {
namespace {

struct Options {
    Addresses addresses{.name = "here"};
    std::string config, agent_url, policy, rules, file, bundle, output = "text";
    double seconds = 8, watch_seconds = 5;
    bool look = false;
};

int exit_of(const DiagnoseResult& result) {
    switch (result.verdict) {
        case DiagnoseResult::Verdict::healthy: return exit_ok;
        case DiagnoseResult::Verdict::problem: return exit_problem;
        case DiagnoseResult::Verdict::cannot_tell: break;
    }
    return exit_cannot_tell;
}

std::string shown(const DiagnoseResult& result, const std::string& output) {
    if (output == "json" || output == "yaml") return json_of(result, output == "yaml");
    return text_of(result, output == "wide");
}

// Whom to ask, and how to look where nobody answers.
struct Sources {
    std::optional<AgentAddress> agent;
    std::string watched;  // By the configuration; "" where only the agent's address is known.
    std::string why_not;  // The agent is not asked.
    std::optional<DiagnoseOptions> look;
};

// An agent has its own policy and rules: whoever brings others wants to see what those would say.
std::string why_no_agent(const Options& options) {
    if (options.look) return "as --look asks";
    if (!options.rules.empty()) return "with the rules of --rules";
    if (!options.policy.empty()) return "under the policy of --policy";
    return "";
}

Result<Sources> sources_of(Options options) {
    Sources sources;
    sources.why_not = why_no_agent(options);
    std::error_code error;
    if (options.config.empty() && options.agent_url.empty() && options.addresses.empty() &&
        std::filesystem::exists(default_config(), error))
        options.config = default_config();
    AgentAddress agent;
    agent.patience = Duration{5'000};  // It answers within three, or says that it is busy.
    agent.url = options.agent_url;
    agent.config = options.config;
    const bool asks = sources.why_not.empty();
    if (!options.agent_url.empty() && asks) sources.agent = agent;
    if (options.config.empty() && options.addresses.empty()) {
        if (sources.agent) return sources;
        if (!options.agent_url.empty())
            return fail(ErrorCode::invalid,
                        "diagnose: with --look, --rules or --policy it looks by itself: needs --config or addresses");
        return fail(
            ErrorCode::invalid,
            "diagnose: give --config FILE, --url AGENT, or --kafka, --flink, --connect, --prometheus, or --file");
    }
    DiagnoseOptions once;
    MEDIC_TRY(once.config, options.config.empty() ? config_of(options.addresses) : load_cluster_config(options.config));
    once.rules_directory = options.rules;
    once.look_for = Duration(static_cast<std::int64_t>(options.seconds * 1000));
    if (!options.policy.empty()) {
        MEDIC_TRY(once.policy, load_policy_file(options.policy));
    }
    if (!options.config.empty() && asks) {
        sources.agent = agent;
        if (options.agent_url.empty()) sources.watched = watched_by(once.config);
    }
    sources.look = std::move(once);
    return sources;
}

// The agent where it answers, else a look of our own, which goes on for as long as it is needed.
class Eyes {
public:
    explicit Eyes(Sources sources) : sources_(std::move(sources)) {}

    // False: stopped before there was a result.
    template <typename Wait>
    Result<DiagnoseResult> see(const Wait& wait) {
        std::string note = sources_.why_not;
        if (sources_.agent) {
            auto said = ask_agent(*sources_.agent, sources_.watched);
            if (said) {
                look_.reset();
                return said;
            }
            if (!sources_.look) return said;
            note = said.error().message;
        }
        if (!look_) {
            MEDIC_TRY(look_, Look::start(*sources_.look));
        }
        while (!look_->has_looked())
            if (!wait(Duration{100})) return fail(ErrorCode::not_ready, "stopped");
        DiagnoseResult result = look_->result();
        result.seen_by.note = note;
        return result;
    }

private:
    Sources sources_;
    std::unique_ptr<Look> look_;
};

int diagnose_once_or_agent(Sources sources, const std::string& output) {
    Eyes eyes(std::move(sources));
    const auto result = eyes.see([](Duration time) { return !wait_for_stop_signal(time); });
    if (!result) return complain(result.error().message, exit_cannot_tell);
    print_as(output, shown(*result, output));
    return exit_of(*result);
}

void show_again(const DiagnoseResult* before, const DiagnoseResult& now, const std::string& output) {
    static const bool terminal = isatty(STDOUT_FILENO) != 0;
    const bool document = output == "json" || output == "yaml";
    if (terminal && !document) {
        fmt::print("\x1b[H\x1b[2J{}\n", rfc3339(now.report.at));
        print_text(shown(now, output));
    } else {
        const auto lines = changes(before, now);
        if (document && !lines.empty()) fmt::print("{}{}", output == "yaml" ? "---\n" : "", shown(now, output));
        if (!document)
            for (const std::string& line : lines) print_text(fmt::format("{} {}\n", rfc3339(now.report.at), line));
    }
    std::fflush(stdout);
}

// Until Ctrl-C; the last exit code is the answer.
int watch(Sources sources, const Options& options) {
    Eyes eyes(std::move(sources));
    std::optional<DiagnoseResult> before;
    int last = exit_cannot_tell;
    bool stopped = false;
    const auto wait = [&](Duration time) {
        stopped = stopped || wait_for_stop_signal(time).has_value();
        return !stopped;
    };
    const Duration every(static_cast<std::int64_t>(options.watch_seconds * 1000));
    do {
        auto result = eyes.see(wait);
        if (stopped) break;
        if (result) {
            show_again(before ? &*before : nullptr, *result, options.output);
            last = exit_of(*result);
            before = *std::move(result);
        } else {
            last = complain(result.error().message, exit_cannot_tell);
            before.reset();
        }
    } while (wait(every));
    return last;
}

int diagnose_bundle(const Options& options) {
    auto result = bundle::read_bundle(options.bundle, options.rules);
    if (!result) return complain(result.error().message, exit_usage);
    if (result->weighed_anew) result->weighed_anew->by = version_text();
    print_as(options.output, shown(*result, options.output));
    return exit_of(*result);
}

int diagnose(const Options& options, bool watching) {
    if (!options.bundle.empty()) return diagnose_bundle(options);
    if (!options.file.empty())
        return diagnose_text_file(
            {.file = options.file, .config = options.config, .rules = options.rules, .output = options.output});
    auto sources = sources_of(options);
    if (!sources) return complain(sources.error().message, exit_usage);
    block_stop_signals();  // Before any thread: whoever stops a look gets its end in good order.
    return watching ? watch(*std::move(sources), options) : diagnose_once_or_agent(*std::move(sources), options.output);
}

}  // namespace

void add_diagnose(CLI::App& app, Context& context) {
    CLI::App* command = add(
        app, on_call, "diagnose", "Look at a cluster and say what is wrong, whose it is and what to do (reads only)",
        "  medic diagnose --config medic.yaml            # asks the agent that runs with it, or looks\n"
        "  medic diagnose --config medic.yaml --watch 10 # until Ctrl-C\n"
        "  medic diagnose --flink http://jobmanager:8081 --kafka broker:9092 -o json\n"
        "  kubectl logs taskmanager-1 | medic diagnose --file -\n"
        "Exit code: 0 healthy, 1 a problem was found, 2 could not tell, 64 wrong usage.");
    static Options options;
    options = {};
    CLI::Option* config = command->add_option("--config", options.config,
                                              "medic.yaml: what to look at; with --file: whose it is (owners)");
    CLI::Option* url =
        command->add_option("--url", options.agent_url, "Address of a running agent's API: what it sees");
    CLI::Option* look =
        command->add_flag("--look", options.look, "Look by itself, also where an agent of the configuration runs");
    CLI::Option* watching =
        command->add_option("--watch", options.watch_seconds, "Again every so many seconds, until Ctrl-C")
            ->expected(0, 1)
            ->check(number_between(1, 3600));
    CLI::Option* policy =
        command->add_option("--policy", options.policy, "policy.yaml: says what would have happened by itself");
    const std::vector<CLI::Option*> addresses = add_addresses(*command, options.addresses);
    CLI::Option* file =
        command->add_option("--file", options.file, "A log or stack trace instead of a cluster; - for standard input");
    CLI::Option* bundle =
        command->add_option("--bundle", options.bundle, "A file of `medic bundle` instead of a cluster, offline");
    command->add_option("--rules", options.rules, "Folder of rules instead of those in the program");
    CLI::Option* seconds =
        command->add_option("--for", options.seconds, "How long to look where no agent answers, in seconds")
            ->check(number_between(1, 3600))
            ->capture_default_str();
    command->add_option("-o,--output", options.output, "text, wide, json or yaml")
        ->check(CLI::IsMember({"text", "wide", "json", "yaml"}));
    // One place to look at: what would be passed over is refused.
    exclude(config, addresses);
    for (CLI::Option* offline : {file, bundle}) {
        exclude(offline, addresses);
        exclude(offline, {url, look, watching, policy, seconds});
    }
    exclude(bundle, {file, config});
    command->callback([&context, watching] { context.exit_code = diagnose(options, watching->count() > 0); });
}

}  // namespace medic::cli

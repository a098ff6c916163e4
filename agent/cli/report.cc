#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/base/yaml.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/report/report.h"
#include "agent/world/real/clock.h"

namespace medic::cli {
namespace {

struct Options {
    AgentAddress agent;
    std::string since = "7d", output = "text";
};

int print_report(const Options& options) {
    const auto since = parse_duration(options.since);
    if (!since) return complain("--since: " + since.error().message, exit_usage);
    const auto path = journal_path(options.agent);
    if (!path) return complain(path.error().message, exit_usage);
    const auto journal = Journal::open_read_only(*path);
    if (!journal) return complain(journal.error().message, exit_cannot_tell);
    const WallTime to = read_clock().wall, from = to - *since;
    const auto cases = report::read_cases(**journal, from, to);
    if (!cases) return complain(cases.error().message, exit_cannot_tell);
    const auto made = report::make_report(*cases, from, to);
    fmt::print("{}", options.output == "json"   ? report::json_of(made)
                     : options.output == "html" ? report::html_of(made)
                                                : report::text_of(made));
    return exit_ok;
}

}  // namespace

void add_report(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, on_call, "report", "What the agent found, did, refused and would have done, from its journal",
            "  medic report --since 7d\n"
            "  medic report --since 30d -o html > trust.html\n"
            "Exit code: 0 printed, 2 the journal can't be read, 64 wrong usage.");
    static Options options;
    command->add_option("--config", options.agent.config, "medic.yaml of the agent")->capture_default_str();
    command->add_option("--since", options.since, "How far back: 24h, 7d, 4w")->capture_default_str();
    command->add_option("-o,--output", options.output, "text, json or html")
        ->check(CLI::IsMember({"text", "json", "html"}));
    command->callback([&context] { context.exit_code = print_report(options); });
}

}  // namespace medic::cli

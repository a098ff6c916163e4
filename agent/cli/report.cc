#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agent/api/json_internal.h"
#include "agent/base/yaml.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"
#include "agent/practice/drill_files.h"
#include "agent/report/report.h"
#include "agent/world/real/clock.h"

namespace medic::cli {
namespace {

struct Options {
    AgentAddress agent;
    std::string since = "7d", output = "text";
};

// What people broke on purpose says nothing of how often things break. Told are those of the window; an incident of one
// that began just before it is set aside, too.
std::vector<practice::PastDrill> set_aside_drills(const std::string& data_dir, WallTime from,
                                                  std::vector<report::Case>& cases) {
    std::vector<practice::PastDrill> drills = practice::past_drills(data_dir);
    std::erase_if(cases, [&](const report::Case& one) {
        return std::ranges::any_of(drills, [&](const practice::PastDrill& drill) {
            return std::ranges::find(drill.incidents, one.incident.id) != drill.incidents.end();
        });
    });
    std::erase_if(drills, [&](const practice::PastDrill& one) { return one.at < from; });
    return drills;
}

std::string drills_text(const std::vector<practice::PastDrill>& drills) {
    if (drills.empty()) return "";
    std::string out = fmt::format("\n  {} drills, whose incidents are not counted\n", drills.size());
    for (const practice::PastDrill& one : drills)
        out += fmt::format("  {}  {} on {} of {}: {}, {}\n", one.id, one.fault, one.node, one.cluster, one.outcome,
                           one.passed ? "passed" : "failed");
    return out;
}

std::string with_drills(const std::string& document, const std::vector<practice::PastDrill>& drills) {
    Json body = Json::parse(document, nullptr, false);
    Json list = Json::array();
    for (const practice::PastDrill& one : drills)
        list.push_back({{"id", one.id},
                        {"fault", one.fault},
                        {"cluster", one.cluster},
                        {"node", one.node},
                        {"outcome", one.outcome},
                        {"passed", one.passed},
                        {"incidents", one.incidents}});
    body["drills"] = std::move(list);
    return body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int print_report(const Options& options) {
    const auto since = parse_duration(options.since);
    if (!since) return complain("--since: " + since.error().message, exit_usage);
    const WallTime to = read_clock().wall, from = to - *since;
    if (from <= WallTime{}) return complain("--since " + options.since + ": that is before 1970", exit_usage);
    const auto path = journal_path(options.agent);
    if (!path) return complain(path.error().message, exit_usage);
    const auto journal = Journal::open_read_only(*path);
    if (!journal) return complain(journal.error().message, exit_cannot_tell);
    auto cases = report::read_cases(**journal, from, to);
    if (!cases) return complain(cases.error().message, exit_cannot_tell);
    const auto drills = set_aside_drills(std::filesystem::path(*path).parent_path().string(), from, *cases);
    const auto made = report::make_report(*cases, from, to);
    print_as(options.output, options.output == "json"   ? with_drills(report::json_of(made), drills)
                             : options.output == "html" ? report::html_of(made)
                                                        : report::text_of(made) + drills_text(drills));
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
    options = {};  // A process may call it more than once.
    command->add_option("--config", options.agent.config, "medic.yaml of the agent")->capture_default_str();
    command->add_option("--since", options.since, "How far back: 24h, 7d, 4w")->capture_default_str();
    command->add_option("-o,--output", options.output, "text, json or html")
        ->check(CLI::IsMember({"text", "json", "html"}));
    command->callback([&context] { context.exit_code = print_report(options); });
}

}  // namespace medic::cli

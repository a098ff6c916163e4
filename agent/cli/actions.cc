#include <fmt/core.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"

namespace medic::cli {
namespace {

using Json = nlohmann::json;

struct Options {
    AgentAddress agent;
    std::string id, reason, output = "text";
};

int list(const Options& options) {
    const auto reply = call_api(options.agent, "GET", "/api/v1/actions");
    if (!reply || reply->status != 200) return print_outcome(reply, "");
    const Json body = foreign_json(reply->body);
    const Json* actions = json_member(body, "actions");
    if (actions == nullptr || !actions->is_array()) return complain("the agent's answer can't be read", exit_problem);
    if (options.output == "json") {
        fmt::print("{}\n", body.dump(2));
        return exit_ok;
    }
    if (actions->empty()) fmt::print("Nothing waits and nothing runs.\n");
    for (const Json& one : *actions) {
        const auto text = [&](const char* key) {
            return one.contains(key) && one[key].is_string() ? one[key].get<std::string>() : std::string();
        };
        print_text(fmt::format("{:<8} {:<16} {:<10} {} (for {})\n", text("id"), text("state"), text("cluster"),
                               text("text"), text("cause")));
        if (!text("waiting_for").empty()) print_text(fmt::format("         waits for {}\n", text("waiting_for")));
        const Json* refusals = json_member(one, "refusals");
        if (refusals == nullptr) continue;
        for (const Json& refusal : *refusals)
            if (refusal.contains("why") && refusal["why"].is_string())
                print_text(fmt::format("         {}\n", refusal["why"].get<std::string>()));
    }
    return exit_ok;
}

}  // namespace

void add_actions(CLI::App& app, Context& context) {
    CLI::App* command = add(
        app, on_call, "actions", "See what the agent does or wants to do; approve, reject, stop, undo",
        "  medic actions\n  medic actions approve I17/2 --reason 'agreed in the stand-up'\n  medic actions stop I17/2");
    static Options options;
    options.agent.add_options(*command);
    command->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    command->require_subcommand(0, 1);
    command->callback([&context, command] {
        if (command->get_subcommands().empty()) context.exit_code = list(options);
    });
    command->add_subcommand("list", "What waits and what runs")->callback([&context] {
        context.exit_code = list(options);
    });
    for (const auto& [verb, what] : {std::pair{"approve", "Agree to an action that asks"},
                                     {"reject", "Refuse it; the incident goes to its owner"},
                                     {"stop", "Stop the plan that this action belongs to"},
                                     {"undo", "Take it back where that is possible"}}) {
        CLI::App* one = command->add_subcommand(verb, what);
        one->add_option("ID", options.id, "The action, as `medic actions` shows it")->required();
        one->add_option("--reason", options.reason, "Why; the journal keeps it");
        one->callback([&context, order = std::string(verb)] {
            const std::string body =
                Json{{"reason", options.reason}}.dump(-1, ' ', false, Json::error_handler_t::replace);
            context.exit_code =
                print_outcome(call_api(options.agent, "POST", "/api/v1/actions/" + options.id + "/" + order, body),
                              options.id + ": " + order + " is noted");
        });
    }
}

}  // namespace medic::cli

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/plain_text.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"

namespace medic::cli {
namespace {

struct Options {
    AgentAddress agent;
    std::string id, reason, output = "text";
};

// Each on a line of its own, whatever stands in it.
std::string text_of_action(const Json& one) {
    const auto plain = [](const Json& of, const char* key) { return plain_line(text_of(of, key)); };
    std::string out = fmt::format("{:<8} {:<16} {:<10} {} (for {})\n", plain(one, "id"), plain(one, "state"),
                                  plain(one, "cluster"), plain(one, "text"), plain(one, "cause"));
    if (const std::string whom = plain(one, "waiting_for"); !whom.empty())
        out += fmt::format("         waits for {}\n", whom);
    if (const Json* refusals = json_member(one, "refusals"))
        for (const Json& refusal : *refusals)
            if (const std::string why = plain(refusal, "why"); !why.empty()) out += fmt::format("         {}\n", why);
    return out;
}

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
    for (const Json& one : *actions) print_text(text_of_action(one));
    return exit_ok;
}

}  // namespace

void add_actions(CLI::App& app, Context& context) {
    CLI::App* command = add(
        app, on_call, "actions", "See what the agent does or wants to do; approve, reject, stop, undo",
        "  medic actions\n  medic actions approve I17/2 --reason 'agreed in the stand-up'\n  medic actions stop I17/2");
    static Options options;
    options = {};  // A process may call it more than once.
    options.agent.add_options(*command);
    command->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    command->require_subcommand(0, 1);
    command->callback([&context, command] {
        if (command->get_subcommands().empty()) context.exit_code = list(options);
    });
    CLI::App* listed = command->add_subcommand("list", "What waits and what runs");
    options.agent.add_options(*listed);
    listed->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    listed->callback([&context] { context.exit_code = list(options); });
    for (const auto& [verb, what] : {std::pair{"approve", "Agree to an action that asks"},
                                     {"reject", "Refuse it; the incident goes to its owner"},
                                     {"stop", "Stop the plan that this action belongs to"},
                                     {"undo", "Take it back where that is possible"}}) {
        CLI::App* one = command->add_subcommand(verb, what);
        options.agent.add_options(*one);
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

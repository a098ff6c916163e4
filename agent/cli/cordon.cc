// `medic cordon` and `medic uncordon`: nodes that people keep out of use.
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
    std::string node, cluster, reason, output = "text";
    bool list = false;
};

int list(const Options& options) {
    const auto reply = call_api(options.agent, "GET", "/api/v1/cordons", "");
    if (!reply || reply->status != 200) return print_outcome(reply, "");
    const Json document = foreign_json(reply->body);
    const Json* cordons = json_member(document, "cordons");
    if (cordons == nullptr || !cordons->is_array()) return complain("the agent's answer can't be read", exit_problem);
    if (options.output == "json") {
        fmt::print("{}\n", reply->body);
        return exit_ok;
    }
    const auto plain = [](const Json& of, const char* key) { return plain_line(text_of(of, key)); };
    for (const Json& one : *cordons)
        print_text(fmt::format("{:<14} {:<14} since {} by {}: {}\n", plain(one, "cluster"), plain(one, "node"),
                               plain(one, "since"), plain(one, "by"), plain(one, "reason")));
    if (cordons->empty()) fmt::print("no node is kept out of use\n");
    return exit_ok;
}

int send(const Options& options, const std::string& verb) {
    Json body{{"node", options.node}, {"reason", options.reason}};
    if (!options.cluster.empty()) body["cluster"] = options.cluster;
    return print_outcome(call_api(options.agent, "POST", "/api/v1/" + verb, dump(body)),
                         verb == "cordon" ? "Nothing is started on " + options.node + "; what runs there runs on."
                                          : options.node + " may be used again.");
}

void add_uncordon(CLI::App& app, Context& context) {
    CLI::App* command = add(app, on_call, "uncordon", "Let a node be used again",
                            "  medic uncordon tm-3\n  medic uncordon tm-3 --cluster prod --reason 'new disk'");
    static Options options;
    options = {};  // A process may call it more than once.
    options.agent.add_options(*command);
    command->add_option("NODE", options.node, "Its name in medic.yaml")->required();
    command->add_option("--cluster", options.cluster, "Needed where the agent watches more than one");
    command->add_option("--reason", options.reason, "Why");
    command->callback([&context] { context.exit_code = send(options, "uncordon"); });
}

}  // namespace

void add_cordon(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, on_call, "cordon", "Keep a node out of use: the agent starts nothing there",
            "  medic cordon tm-3 --reason 'its disk is about to go'\n  medic cordon broker-2 --cluster prod --reason "
            "'host is wanted back'\n  medic cordon --list\n"
            "It is no spare any more, is not started again and not rolled; what runs there runs on. It holds over a\n"
            "restart of the agent, until `medic uncordon`.");
    static Options options;
    options = {};  // A process may call it more than once.
    options.agent.add_options(*command);
    auto* node = command->add_option("NODE", options.node, "Its name in medic.yaml");
    command->add_option("--cluster", options.cluster, "Needed where the agent watches more than one");
    auto* reason = command->add_option("--reason", options.reason, "Why: whoever finds it must know");
    auto* list_them = command->add_flag("--list", options.list, "Which nodes are kept out of use, by whom and why");
    command->add_option("-o,--output", options.output, "Of --list: text or json")
        ->check(CLI::IsMember({"text", "json"}));
    node->excludes(list_them);
    node->needs(reason);
    command->callback([&context] {
        if (options.list)
            context.exit_code = list(options);
        else if (options.node.empty())
            context.exit_code = complain("expected the name of a node and a --reason, or --list", exit_usage);
        else
            context.exit_code = send(options, "cordon");
    });
    add_uncordon(app, context);
}

}  // namespace medic::cli

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"

namespace medic::cli {
namespace {

using Json = nlohmann::json;

struct Options {
    AgentAddress agent;
    std::string cluster, reason;
};

int send(const Options& options, const std::string& verb) {
    const std::string body = Json{{"cluster", options.cluster}, {"reason", options.reason}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
    const std::string where = options.cluster.empty() ? "every cluster" : options.cluster;
    return print_outcome(call_api(options.agent, "POST", "/api/v1/" + verb, body),
                         verb == "pause" ? "Nothing is changed any more in " + where + "; looking goes on."
                                         : "May act again in " + where + ".");
}

void add_one(CLI::App& app, Context& context, const std::string& verb, const std::string& what,
             const std::string& examples) {
    CLI::App* command = add(app, on_call, verb, what, examples);
    static Options options;
    options = {};  // A process may call it more than once.
    options.agent.add_options(*command);
    command->add_option("--cluster", options.cluster, "One cluster; all of them without it");
    auto* reason = command->add_option("--reason", options.reason, "Why: whoever finds it must know");
    if (verb == "pause") reason->required();
    command->callback([&context, verb] { context.exit_code = send(options, verb); });
}

}  // namespace

void add_pause(CLI::App& app, Context& context) {
    add_one(app, context, "pause", "Stop changing anything, at once; looking goes on",
            "  medic pause --reason 'upgrade of the brokers'\n  medic pause --cluster prod --reason 'game day'\n"
            "A file PAUSE in the data folder does the same, also when the API can't be reached.");
    add_one(app, context, "resume", "Take back a pause",
            "  medic resume\n  medic resume --cluster prod --reason 'upgrade done'");
}

}  // namespace medic::cli

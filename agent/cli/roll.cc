// `medic roll`: a rolling restart by the running agent, followed until it has ended.
#include "agent/api/json_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/follow.h"
#include "agent/loop/request.h"

namespace medic::cli {
namespace {

struct Options {
    AgentAddress agent;
    std::string role, cluster, reason;
    std::vector<std::string> nodes;
    bool dry_run = false, no_wait = false;
};

int roll(const Options& options) {
    Json body{
        {"cluster", options.cluster}, {"role", options.role}, {"reason", options.reason}, {"dry_run", options.dry_run}};
    if (!options.nodes.empty()) body["nodes"] = options.nodes;
    return ask_and_follow({.agent = options.agent,
                           .cause = std::string(roll_cause),
                           .remedy = "node.roll",
                           .cluster = options.cluster,
                           .subject = "",
                           .called = options.dry_run ? "dry run" : "roll",
                           .path = "/api/v1/roll",
                           .body = dump(body)},
                          !options.no_wait);
}

}  // namespace

void add_roll(CLI::App& app, Context& context) {
    CLI::App* command = add(
        app, on_call, "roll", "Restart brokers, Connect workers or task managers one after another, safely",
        "  medic roll broker --reason 'kernel patches'\n"
        "  medic roll broker --reason 'kernel patches' --dry-run\n"
        "  medic roll connect-worker --nodes connect-1 connect-2 --reason 'new plugin'\n"
        "The running agent does it: each node is stopped in good order and started again, the next one only when it\n"
        "does its work again. No broker is stopped that a partition or the quorum needs; pauses, silences and other\n"
        "people's work are respected. The policy must allow node.roll (`ask` is enough: you have asked).");
    static Options options;
    options = {};  // A process may call it more than once.
    options.agent.add_options(*command);
    command->add_option("ROLE", options.role, "What is rolled")
        ->required()
        ->check(CLI::IsMember({"broker", "connect-worker", "taskmanager"}));
    command->add_option("--cluster", options.cluster, "Needed where the agent watches more than one");
    command->add_option("--nodes", options.nodes, "Only these, by their names in medic.yaml; all without it");
    command->add_option("--reason", options.reason, "Why: whoever sees it must know")->required();
    command->add_flag("--dry-run", options.dry_run, "Tell the order, what would have to wait and why; send nothing");
    command->add_flag("--no-wait", options.no_wait, "Do not follow it");
    command->callback([&context] { context.exit_code = roll(options); });
}

}  // namespace medic::cli

#include "agent/daemon/agent.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <mutex>

#include "agent/api/incident_view.h"
#include "agent/base/plain_text.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"
#include "agent/cli/version_internal.h"
#include "agent/node/node_agent.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/service_manager.h"
#include "agent/world/real/worker.h"

namespace medic::cli {
namespace {

// One line of the log, whatever others have put into it.
void say(const std::string& line) {
    static std::mutex mutex;
    const std::lock_guard guard(mutex);
    print_text(fmt::format("{} {}\n", rfc3339(read_clock().wall), plain_line(line)));
    std::fflush(stdout);
}

// Until it is told to stop.
template <class Running>
int run_until_stopped(Running& agent) {
    say(fmt::format("listens on port {}", agent.port()));
    tell_service_manager(ServiceState::ready);
    const int signal = wait_for_stop_signal();
    tell_service_manager(ServiceState::stopping);
    say(fmt::format("stops (signal {})", signal));
    agent.stop();
    say("stopped");
    return exit_ok;
}

// What `medic config check` would say of it: whoever starts an agent may never have asked.
void say_notes(const Config& config) {
    constexpr std::size_t notes_max = 50;
    const std::vector<std::string> notes = config_notes(config);
    for (std::size_t i = 0; i < notes.size() && i < notes_max; ++i) say("note: " + notes[i]);
    if (notes.size() > notes_max)
        say(fmt::format("note: {} more: see `medic config check {}`", notes.size() - notes_max, config.path));
}

int refuse(const Error& error) {
    return complain(error.message, error.code == ErrorCode::invalid ? exit_usage : exit_problem);
}

int run_sidecar(Config config) {
    say_notes(config);
    for (const ClusterConfig& cluster : config.clusters)
        for (const NodeConfig& node : cluster.nodes) say("looks at node " + node.name + " of " + cluster.name);
    auto agent = NodeAgent::start({.config = std::move(config), .say = say});
    return agent ? run_until_stopped(**agent) : refuse(agent.error());
}

int run_agent(const std::string& config_path, const std::string& policy_path, const std::string& rules) {
    trim_allocator();
    raise_descriptor_limit();
    block_stop_signals();
    AgentOptions options;
    auto config = load_config_file(config_path);
    if (!config) return complain(config.error().message, exit_usage);
    options.config = *std::move(config);
    if (options.config.scope == Scope::node) {
        if (!policy_path.empty() || !rules.empty())
            return complain(config_path +
                                ": with `scope: node` nothing is decided: --policy and --rules are for the agent of "
                                "scope cluster",
                            exit_usage);
        return run_sidecar(std::move(options.config));
    }
    if (!policy_path.empty()) {
        auto policy = load_policy_file(policy_path);
        if (!policy) return complain(policy.error().message, exit_usage);
        options.policy = *std::move(policy);
        options.policy_path = policy_path;
    }
    options.program = version_text();
    options.rules_directory = rules;
    options.say = say;
    for (const ClusterConfig& cluster : options.config.clusters) say("watches " + cluster.name);
    say_notes(options.config);
    auto agent = Agent::start(std::move(options));
    return agent ? run_until_stopped(**agent) : refuse(agent.error());
}

}  // namespace

void add_agent(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, run, "agent", "Run the agent: watch, diagnose, and heal what the policy allows",
            "  medic agent --config medic.yaml                        # only looks\n"
            "  medic agent --config medic.yaml --policy policy.yaml   # prints first what it may change");
    static std::string config, policy, rules;
    command->add_option("--config", config, "medic.yaml: what to watch")->required();
    command->add_option("--policy", policy, "policy.yaml: what may be done; nothing without it");
    command->add_option("--rules", rules, "Folder of rules instead of those in the program");
    command->callback([&context] { context.exit_code = run_agent(config, policy, rules); });
}

}  // namespace medic::cli

// `medic deploy`: another version of a Flink job by the running agent, followed until it runs or the old one is back.
#include <fmt/ranges.h>

#include "agent/api/json_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/follow.h"
#include "agent/world/operation.h"
#include "remediations/planning/deployment.h"

namespace medic::cli {
namespace {

struct Options {
    AgentAddress agent;
    std::string job, version, cluster, reason, from;
    std::vector<std::string> accept;
    bool dry_run = false, no_wait = false;
};

int deploy(const Options& options) {
    Json body{{"cluster", options.cluster}, {"job", options.job},   {"version", options.version},
              {"reason", options.reason},   {"from", options.from}, {"accept", options.accept},
              {"dry_run", options.dry_run}};
    return ask_and_follow({.agent = options.agent,
                           .cause = std::string(deploy_cause),
                           .remedy = "flink.deploy",
                           .cluster = options.cluster,
                           .subject = options.job,
                           .called = options.dry_run ? "dry run" : "deployment",
                           .path = "/api/v1/deploy",
                           .body = dump(body)},
                          !options.no_wait);
}

}  // namespace

void add_deploy(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, on_call, "deploy", "Put another version of a Flink job in the place of the one that runs, safely",
            "  medic deploy fleet-monitor v3 --reason 'release 3'\n"
            "  medic deploy fleet-monitor v3 --reason 'release 3' --dry-run\n"
            "The running agent does it. The old version runs on until the new one is verified: its artifact loads, it\n"
            "takes the state, slots and topics are there. Then the job is stopped with a savepoint, the new version\n"
            "starts from it and must show in the deployment's `gate` that it works; if not, the old version goes on\n"
            "from the same savepoint. The policy must allow flink.deploy (`ask` is enough: you have asked).");
    static Options options;
    options = {};  // A process may call it more than once.
    options.agent.add_options(*command);
    command->add_option("JOB", options.job, "Its name under `deployments` in medic.yaml")->required();
    command->add_option("VERSION", options.version, "One of its `versions`")->required();
    command->add_option("--cluster", options.cluster, "Needed where the agent watches more than one");
    command->add_option("--reason", options.reason, "Why: whoever sees it must know")->required();
    command->add_flag("--dry-run", options.dry_run, "Look at everything that must be so, and change nothing");
    command->add_option("--from", options.from, "The version that runs now, where the agent can't see it");
    command->add_option("--accept", options.accept, "A doubt that it may go on with, as it was named")
        ->check(CLI::IsMember(std::vector<std::string>(deployment_doubts.begin(), deployment_doubts.end())));
    command->add_flag("--no-wait", options.no_wait, "Do not follow it");
    command->callback([&context] { context.exit_code = deploy(options); });
}

}  // namespace medic::cli

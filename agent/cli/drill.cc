// `medic drill`: on a running cluster with --config; else medic-engine's own drills, on an embedded platform.
#include <fmt/ranges.h>

#include "agent/base/yaml.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/drill_session.h"
#include "agent/cli/engine.h"

namespace medic::cli {
namespace {

constexpr Duration patience_max{24LL * 3'600'000};

struct Given {
    DrillOptions drill;
    std::vector<std::string> names;
    std::string patience = "5m";
};

int on_cluster(Given given, const std::vector<std::string>& unknown) {
    DrillOptions& options = given.drill;
    if (!unknown.empty())
        return complain(unknown.front() + ": not known together with --config; see `medic drill --help`", exit_usage);
    const auto patience = parse_duration(given.patience);
    if (!patience || patience->count() <= 0 || *patience > patience_max)
        return complain("--patience " + given.patience + ": expected a time up to 24h, as in 5m", exit_usage);
    options.patience = *patience;
    if (options.undo) return undo_drill(options);
    if (options.list) return list_faults(options);
    if (given.names.size() != 1) return complain("name one fault, or --list for what is possible here", exit_usage);
    options.fault = given.names.front();
    return practise_fault(options);
}

}  // namespace

void add_drill(CLI::App& app, Context& context) {
    CLI::App* command = add(
        app, practise, "drill", "Practise: make a fault, see what the agent says and does of it, and undo it",
        "  medic drill --config staging.yaml --list                      # what is possible there, and why not the "
        "rest\n"
        "  medic drill taskmanager-lost --config staging.yaml --dry-run  # what would happen\n"
        "  medic drill taskmanager-lost --config staging.yaml\n"
        "  medic drill broker-lost --config staging.yaml --node kafka-2 --patience 10m --yes -o json\n"
        "  medic drill --undo --config staging.yaml                      # after a drill that was killed\n"
        "  medic drill node-lost                                         # on an embedded platform of its own\n"
        "  medic drill --all --repeat 5 -o json                          # all of those\n"
        "With --config the fault is real, and the agent that runs there is practised: only where its file says\n"
        "`drills: allowed`, not while it is paused or has open incidents, and never a broker that a partition needs.\n"
        "q or Ctrl-C undoes it at once; without a healing it is undone after --patience. Without --config, faults are\n"
        "made in an embedded platform, with the agent and without it: `medic-engine drill --help` for its options.\n"
        "Exit code: 0 as the policy promises (healed, or rightly told where it only observes or asks), 1 not so, or\n"
        "refused for now, 2 the agent can't be asked, 64 wrong usage or not allowed.");
    static Given given;
    DrillOptions& options = given.drill;
    std::vector<std::string_view> faults;
    for (const practice::Fault& fault : practice::all_faults()) faults.push_back(fault.name);
    // For completions only: an embedded platform has names of its own.
    command->add_option("NAME", given.names, "The fault; on an embedded platform, its drills")
        ->type_name(fmt::format("FAULT:{{{}}}", fmt::join(faults, ",")));
    command->add_option("--config", options.config, "medic.yaml of the running agent: practise there");
    command->add_option("--cluster", options.cluster, "Needed where the file has more than one");
    command->add_option("--node", options.node, "This one; without it, one that has work");
    command->add_flag("--list", options.list, "Which faults are possible here, on which node, and why not the others");
    command->add_flag("--dry-run", options.dry_run, "Print what would happen, and do nothing");
    command->add_flag("--yes", options.yes, "Do not ask for the cluster's name");
    command->add_option("--patience", given.patience, "Undone after so long, if nothing has healed it")
        ->capture_default_str();
    command->add_flag("--highly-available", options.highly_available,
                      "jobmanager-lost: its jobs come back by themselves when it does");
    command->add_flag("--undo", options.undo, "Undo a drill that was killed");
    command->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    command->allow_extras();
    command->callback([&context, command] {
        context.exit_code = given.drill.config.empty() ? become_engine("drill", arguments_after("drill"))
                                                       : on_cluster(given, command->remaining());
    });
}

}  // namespace medic::cli

// medic-engine: the embedded streaming platform. Every subcommand is one process of it, or the lab that runs them all.
#include <cstdio>
#include <span>
#include <string_view>

#include "engine/broker/commands.h"
#include "engine/common/signals.h"
#include "engine/connect/connect.h"
#include "engine/drill/runner.h"
#include "engine/flow/jobmanager/jobmanager.h"
#include "engine/flow/taskmanager/taskmanager.h"
#include "engine/lab/lab.h"
#include "engine/workload/workload.h"

namespace {

struct Subcommand {
    std::string_view name;
    int (*run)(std::span<char*> args);  // args[0] is the subcommand's name; the return value is the exit code.
    std::string_view help;
};

constexpr Subcommand subcommands[] = {
    {"connect-worker", medic::engine::run_connect_worker, "a Kafka Connect worker with its REST API"},
    {"connect-task", medic::engine::run_connect_task, "one connector task (started by connect-worker)"},
    {"controller", medic::engine::broker::run_controller,
     "the cluster's controller: metadata, leaders, configurations"},
    {"broker", medic::engine::broker::run_broker, "a Kafka broker"},
    {"workload", medic::engine::workload::run_workload, "load and outside services of the lab"},
    {"lab", medic::engine::lab::run_lab, "a whole platform: up, down, status"},
    {"drill", medic::engine::drill::run_drill, "faults on two labs, with the agent and without"},
    {"node", medic::engine::lab::run_node, "the agent's driver for the lab's nodes"},
    {"jobmanager", medic::engine::flow::run_jobmanager, "a job manager with Flink's REST API"},
    {"taskmanager", medic::engine::flow::run_taskmanager, "a task manager, or a warm spare of one"},
};

int usage(std::FILE* out) {
    std::fputs("usage: medic-engine SUBCOMMAND [options]\n\n", out);
    for (const auto& subcommand : subcommands)
        if (subcommand.run) std::fprintf(out, "  %-16s %s\n", subcommand.name.data(), subcommand.help.data());
    std::fputs("\nmedic-engine SUBCOMMAND --help tells its options.\n", out);
    return out == stderr ? 64 : 0;  // EX_USAGE
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return usage(stderr);
    const std::string_view name = argv[1];
    if (name == "--help" || name == "-h") return usage(stdout);
    for (const auto& subcommand : subcommands) {
        if (!subcommand.run || subcommand.name != name) continue;
        medic::engine::prepare_signals();
        return subcommand.run(std::span(argv + 1, static_cast<std::size_t>(argc - 1)));
    }
    std::fprintf(stderr, "medic-engine: no subcommand '%s'\n", argv[1]);
    return usage(stderr);
}

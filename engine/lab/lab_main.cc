// `medic-engine lab up|down|status` and `medic-engine node ACTION`.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "agent/world/real/http_client.h"
#include "engine/common/options_internal.h"
#include "engine/common/process.h"
#include "engine/common/signals.h"
#include "engine/lab/lab.h"
#include "engine/lab/processes.h"

namespace medic::engine::lab {
namespace {

constexpr Duration node_stop_grace{5'000};

int print_outcome(const Status& status) {
    if (status) return 0;
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    return status.error().code == ErrorCode::invalid ? 64 : 1;
}

std::string default_data_dir() {
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr ? home : "/tmp") + "/.local/share/streammedic/lab";
}

Status run_up(LabOptions options, const std::string& profile) {
    options.data_dir = std::filesystem::absolute(options.data_dir).lexically_normal().string();
    options.program = own_executable();
    MEDIC_TRY(options.profile, find_profile(profile));
    const StopSignal stop;
    options.interrupted = [&stop] { return stop.wait_for(Duration{0}); };
    MEDIC_CHECK(up(options, [](const std::string& line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }));
    std::printf(
        "up in %s\n  watch it:  medic diagnose --config %s/medic.yaml\n  heal it:   medic agent --config %s/medic.yaml "
        "--policy %s/policy.yaml\n  end it:    medic lab down --data %s\n",
        options.data_dir.c_str(), options.data_dir.c_str(), options.data_dir.c_str(), options.data_dir.c_str(),
        options.data_dir.c_str());
    return {};
}

Status run_status(const std::string& data_dir, bool as_json) {
    MEDIC_TRY(const LabState state, load_state(data_dir));
    if (!as_json) {
        std::fputs(render_status(state).c_str(), stdout);
        return {};
    }
    nlohmann::json nodes = nlohmann::json::array();
    for (const auto& plan : state.plan.processes) {
        auto node = nlohmann::json::parse(status_json(state, plan.name));
        node["role"] = to_string(plan.role);
        node["ports"] = plan.ports;
        nodes.push_back(std::move(node));
    }
    std::printf("%s\n", nlohmann::json({{"schema", 1}, {"nodes", nodes}}).dump(1).c_str());
    return {};
}

struct NodeOptions {
    std::string data_dir, node, connector;
    int task = 0;
    std::int64_t bytes = 0;
};

// More capacity for the broker's log directory: the broker itself grows and remembers it.
Status grow(const NodeOptions& options) {
    MEDIC_TRY(const LabState state, load_state(options.data_dir));
    const ProcessPlan* plan = state.plan.find(options.node);
    if (plan == nullptr || plan->role != Role::broker)
        return fail(ErrorCode::invalid, "{}: no broker of this lab", options.node);
    HttpClient client;
    MEDIC_TRY(const HttpReply reply, client.perform({.method = "POST",
                                                     .url = fmt::format("http://127.0.0.1:{}/log-dir-capacity?bytes={}",
                                                                        plan->ports.at("metrics"), options.bytes)}));
    if (reply.status != 200)
        return fail(ErrorCode::not_ready, "{}: HTTP {}: {}", options.node, reply.status, reply.body);
    return {};
}

Status print_status(const NodeOptions& options) {
    MEDIC_TRY(const LabState state, load_state(options.data_dir));
    if (state.plan.find(options.node) == nullptr)
        return fail(ErrorCode::invalid, "no node {} in {}", options.node, options.data_dir);
    std::printf("%s\n", status_json(state, options.node).c_str());
    return {};
}

}  // namespace

int run_lab(std::span<char*> args) {
    CLI::App app(
        "Starts and stops an embedded platform: a controller, brokers, a Connect worker, a job manager, task managers "
        "and a workload",
        "medic lab");
    app.require_subcommand(1);
    LabOptions options;
    options.data_dir = default_data_dir();
    std::string profile = "default";
    bool as_json = false, bare = false, keep = false;
    Status status;
    app.add_option("--data", options.data_dir, "Folder of all its files")->capture_default_str();
    app.fallthrough();

    auto* up_command = app.add_subcommand("up", "Start it and wait until it serves");
    up_command->add_option("--profile", profile, "Time-outs: default (the products' own) or quick")
        ->capture_default_str();
    up_command->add_flag("--bare", bare, "Without workload, job and connectors");
    up_command->add_option("--rate", options.workload.records_per_second, "Events a second")->capture_default_str();
    up_command->add_option("--capacity", options.log_dir_capacity_bytes, "Bytes that each broker's log directory holds")
        ->capture_default_str();
    up_command->callback([&] {
        options.with_workload = !bare;
        status = run_up(options, profile);
    });
    auto* down_command = app.add_subcommand("down", "Stop it and remove its files, and no others");
    down_command->add_flag("--keep", keep, "Keep the files");
    down_command->callback([&] {
        status = down(std::filesystem::absolute(options.data_dir).string(), keep ? Leave::files : Leave::nothing);
    });
    auto* status_command = app.add_subcommand("status", "Show its processes");
    status_command->add_flag_callback("--json", [&] { as_json = true; }, "As JSON");
    status_command->callback([&] { status = run_status(options.data_dir, as_json); });

    if (const auto exit_code = parse_options(app, args)) return *exit_code;
    return print_outcome(status);
}

int run_node(std::span<char*> args) {
    CLI::App app("The agent's driver for the nodes of a lab", "medic-engine node");
    app.require_subcommand(1);
    app.fallthrough();
    NodeOptions options;
    Status status;
    app.add_option("--data", options.data_dir, "The lab's folder")->required();
    app.add_option("--node", options.node, "The node's name")->required();
    const auto action = [&](const char* name, const char* help, std::function<Status()> run) {
        auto* command = app.add_subcommand(name, help);
        command->callback([&status, run = std::move(run)] { status = run(); });
        return command;
    };
    action("status", "Its process, as JSON", [&] { return print_status(options); });
    action("start", "Start it, or make a member of a warm spare",
           [&] { return start_process(options.data_dir, options.node, Standing::running); });
    action("start-spare", "Start it as a warm spare",
           [&] { return start_process(options.data_dir, options.node, Standing::spare); });
    action("stop", "SIGTERM, then SIGKILL after 5 s",
           [&] { return stop_process(options.data_dir, options.node, node_stop_grace); });
    action("kill", "SIGKILL", [&] { return kill_process(options.data_dir, options.node); });
    auto* kill_one = action("kill-task", "SIGKILL for the process of one connector task",
                            [&] { return kill_task(options.data_dir, options.node, options.connector, options.task); });
    kill_one->add_option("--connector", options.connector, "The connector")->required();
    kill_one->add_option("--task", options.task, "The task's number")->required();
    action("grow", "Give a broker's log directory more room", [&] { return grow(options); })
        ->add_option("--bytes", options.bytes, "The new capacity")
        ->required();
    if (const auto exit_code = parse_options(app, args)) return *exit_code;
    return print_outcome(status);
}

}  // namespace medic::engine::lab

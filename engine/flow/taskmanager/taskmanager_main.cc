#include "engine/flow/taskmanager/taskmanager.h"

#include <malloc.h>

#include "engine/common/log.h"
#include "engine/common/options_internal.h"
#include "engine/flow/taskmanager/taskmanager_internal.h"

namespace medic::engine::flow {
namespace {

constexpr std::string_view who = "taskmanager";

}  // namespace

int run_taskmanager(std::span<char*> args) {
    TaskManagerOptions options;
    std::vector<std::string> settings;
    CLI::App app{"A task manager of the flow engine", "medic-engine taskmanager"};
    app.add_option("--resource-id", options.resource_id, "Its name: node name in medic.yaml")->required();
    app.add_option("--jobmanager", options.jobmanager, "HOST:PORT of the job manager's RPC port");
    app.add_option("--slots", options.slots, "taskmanager.numberOfTaskSlots")->check(CLI::Range(1, 128));
    app.add_option("--data-port", options.data_port, "Port for records of other task managers (0: any)")
        ->check(CLI::Range(0, 65535));
    app.add_option("--metrics", options.metrics, "HOST:PORT for GET /metrics");
    app.add_option("--control", options.control, "HOST:PORT for POST /activate and GET /status");
    app.add_flag("--standby", options.standby, "Start as a warm spare: register only when activated");
    app.add_option("--config", settings, "KEY=VALUE of Flink's configuration; may be repeated")
        ->allow_extra_args(false);
    if (const auto code = parse_options(app, args)) return *code;
    constexpr std::string_view registration_timeout = "taskmanager.registration.timeout=";
    for (const std::string& pair : settings) {
        if (!pair.starts_with(registration_timeout)) continue;  // The job manager tells the rest.
        const auto parsed = parse_duration_ms(std::string_view(pair).substr(registration_timeout.size()));
        if (!parsed) {
            log_error(who, "--config {}: {}", pair, parsed.error().message);
            return 64;
        }
        options.registration_timeout_ms = *parsed;
    }
    mallopt(M_ARENA_MAX, 2);  // Every arena keeps its own free memory; the tasks allocate little.
    TaskManager manager(std::move(options));
    if (const auto started = manager.start(); !started) {
        log_error(who, "{}", started.error().message);
        return started.error().code == ErrorCode::invalid ? 64 : 1;
    }
    const StopSignal stop;
    manager.run(stop);
    return 0;
}

}  // namespace medic::engine::flow

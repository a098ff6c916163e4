#include "engine/lab/plan.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace medic::engine::lab {
namespace {

constexpr std::array<std::pair<Role, const char*>, 6> role_names = {{{Role::controller, "controller"},
                                                                     {Role::broker, "broker"},
                                                                     {Role::connect_worker, "connect-worker"},
                                                                     {Role::jobmanager, "jobmanager"},
                                                                     {Role::taskmanager, "taskmanager"},
                                                                     {Role::workload, "workload"}}};

std::string loopback(std::uint16_t port) { return fmt::format("127.0.0.1:{}", port); }

// Adds what the plan of one process needs from its neighbours.
class Planner {
public:
    Planner(const LabOptions& options, TakePort take_port) : take_port_(take_port) { plan_.options = options; }

    Result<LabPlan> run() {
        MEDIC_TRY(plan_.agent_port, take_port_());
        MEDIC_CHECK(add_kafka());
        MEDIC_CHECK(add_connect());
        MEDIC_CHECK(add_flink());
        if (plan_.options.with_workload) MEDIC_CHECK(add_workload());
        return std::move(plan_);
    }

private:
    // The new process has the named ports and the zone of its number.
    Result<ProcessPlan> start(std::string name, Role role, std::initializer_list<const char*> port_names, int number) {
        ProcessPlan process{
            .name = std::move(name), .role = role, .zone = fmt::format("zone-{}", (number - 1) % 3 + 1)};
        for (const char* port : port_names) {
            MEDIC_TRY(process.ports[port], take_port_());
        }
        process.argv = {plan_.options.program, to_string(role)};
        return process;
    }

    [[nodiscard]] std::string folder(const std::string& name) const { return plan_.options.data_dir + "/" + name; }

    static void add_configs(std::vector<std::string>& argv, const std::map<std::string, std::string>& configs) {
        for (const auto& [key, value] : configs) argv.insert(argv.end(), {"--config", key + "=" + value});
    }

    Status add_kafka() {
        MEDIC_TRY(auto controller, start("controller", Role::controller, {"rpc", "metrics"}, 1));
        const std::string controller_address = loopback(controller.ports["rpc"]);
        controller.argv.insert(controller.argv.end(), {"--listen", controller_address, "--data", folder("controller"),
                                                       "--metrics", loopback(controller.ports["metrics"])});
        add_configs(controller.argv, plan_.options.profile.kafka);
        plan_.processes.push_back(std::move(controller));
        for (int id = 1; id <= plan_.options.brokers; ++id) {
            MEDIC_TRY(auto broker, start(fmt::format("broker-{}", id), Role::broker, {"kafka", "metrics"}, id));
            broker.argv.insert(broker.argv.end(),
                               {"--id", std::to_string(id), "--controller", controller_address, "--listen",
                                loopback(broker.ports["kafka"]), "--data", folder(broker.name), "--metrics",
                                loopback(broker.ports["metrics"]), "--log-dir-capacity",
                                std::to_string(plan_.options.log_dir_capacity_bytes)});
            if (plan_.options.broker_start > Duration{0})
                broker.argv.insert(broker.argv.end(),
                                   {"--start-takes", std::to_string(plan_.options.broker_start.count())});
            add_configs(broker.argv, plan_.options.profile.kafka);
            plan_.processes.push_back(std::move(broker));
        }
        return {};
    }

    Status add_connect() {
        MEDIC_TRY(auto worker, start("connect-1", Role::connect_worker, {"rest", "metrics"}, 1));
        worker.argv.insert(worker.argv.end(), {"--rest-port", std::to_string(worker.ports["rest"]), "--metrics-port",
                                               std::to_string(worker.ports["metrics"]), "--bootstrap",
                                               plan_.bootstrap(), "--data", folder(worker.name)});
        for (const auto& [key, value] : plan_.options.profile.connect) {
            std::string flag = "--" + key;
            std::ranges::replace(flag, '.', '-');
            worker.argv.insert(worker.argv.end(), {flag, value});
        }
        plan_.processes.push_back(std::move(worker));
        return {};
    }

    Status add_flink() {
        MEDIC_TRY(auto manager, start("jobmanager", Role::jobmanager, {"rest", "rpc", "metrics"}, 1));
        const std::string rpc = loopback(manager.ports["rpc"]);
        manager.argv.insert(manager.argv.end(), {"--rest", loopback(manager.ports["rest"]), "--rpc", rpc, "--metrics",
                                                 loopback(manager.ports["metrics"]), "--data", folder("flink")});
        add_configs(manager.argv, plan_.options.profile.flink);
        plan_.processes.push_back(std::move(manager));
        for (int number = 1; number <= plan_.options.taskmanagers + plan_.options.spares; ++number) {
            MEDIC_TRY(auto task_manager,
                      start(fmt::format("tm-{}", number), Role::taskmanager, {"metrics", "control"}, number));
            task_manager.argv.insert(task_manager.argv.end(), {"--resource-id", task_manager.name, "--jobmanager", rpc,
                                                               "--slots", std::to_string(plan_.options.slots),
                                                               "--metrics", loopback(task_manager.ports["metrics"]),
                                                               "--control", loopback(task_manager.ports["control"])});
            add_configs(task_manager.argv, plan_.options.profile.flink);
            task_manager.spare_argv = task_manager.argv;
            task_manager.spare_argv.emplace_back("--standby");
            task_manager.spare = number > plan_.options.taskmanagers;
            plan_.processes.push_back(std::move(task_manager));
        }
        return {};
    }

    Status add_workload() {
        MEDIC_TRY(auto workload, start("workload", Role::workload, {"control", "lookup", "tickets", "confirm"}, 1));
        const WorkloadOptions& wanted = plan_.options.workload;
        workload.argv.insert(workload.argv.end(),
                             {"--bootstrap", plan_.bootstrap(), "--partitions", std::to_string(wanted.partitions),
                              "--rate", fmt::format("{}", wanted.records_per_second), "--time-scale",
                              fmt::format("{}", wanted.time_scale), "--ledger", plan_.options.data_dir + "/ledger",
                              "--lookup-latency-us", std::to_string(wanted.lookup_latency_us)});
        for (const auto& [port_name, port] : workload.ports) {
            workload.argv.push_back(port_name == "control" ? "--control" : fmt::format("--{}-port", port_name));
            workload.argv.push_back(std::to_string(port));
        }
        plan_.processes.push_back(std::move(workload));
        return {};
    }

    TakePort take_port_;
    LabPlan plan_;
};

}  // namespace

Result<Profile> find_profile(const std::string& name) {
    if (name == "default") return Profile{};
    // For tests that must see the engines' own time-outs end within seconds.
    if (name == "quick") {
        return Profile{"quick",
                       {{"broker.session.timeout.ms", "3000"}, {"broker.heartbeat.interval.ms", "500"}},
                       {{"task.shutdown.graceful.timeout.ms", "2000"}},
                       {{"heartbeat.interval", "1000"}, {"heartbeat.timeout", "10000"}}};
    }
    return fail(ErrorCode::invalid, "no profile {}: there are default and quick", name);
}

std::string describe(const Profile& profile) {
    if (profile.kafka.empty() && profile.connect.empty() && profile.flink.empty()) {
        return "the products' own defaults (broker session 9 s, heartbeat 50 s, graceful stop 5 s, restart delay 1 s)";
    }
    std::vector<std::string> parts;
    for (const auto* configs : {&profile.kafka, &profile.connect, &profile.flink}) {
        for (const auto& [key, value] : *configs) parts.push_back(key + "=" + value);
    }
    return fmt::format("{}: {}", profile.name, fmt::join(parts, ", "));
}

std::string to_string(Role role) {
    for (const auto& [known, name] : role_names) {
        if (known == role) return name;
    }
    return "unknown";
}

Result<Role> parse_role(const std::string& text) {
    for (const auto& [role, name] : role_names) {
        if (text == name) return role;
    }
    return fail(ErrorCode::invalid, "no role {}", text);
}

const ProcessPlan* LabPlan::find(const std::string& name) const {
    const auto found = std::ranges::find(processes, name, &ProcessPlan::name);
    return found == processes.end() ? nullptr : &*found;
}

const ProcessPlan& LabPlan::only(Role role) const { return *std::ranges::find(processes, role, &ProcessPlan::role); }

std::string LabPlan::bootstrap() const {
    std::vector<std::string> addresses;
    for (const auto& process : processes) {
        if (process.role == Role::broker) addresses.push_back(loopback(process.ports.at("kafka")));
    }
    return fmt::format("{}", fmt::join(addresses, ","));
}

Result<LabPlan> make_plan(const LabOptions& options, TakePort take_port) { return Planner(options, take_port).run(); }

std::vector<std::string> job_arguments(const LabPlan& plan) {
    const auto& ports = plan.only(Role::workload).ports;
    return {"--bootstrap",    plan.bootstrap(),
            "--topic",        topic_name,
            "--output",       plan.options.data_dir + "/output",
            "--lookup-port",  std::to_string(ports.at("lookup")),
            "--tickets-port", std::to_string(ports.at("tickets")),
            "--lookup-batch", std::to_string(plan.options.workload.lookup_batch)};
}

// Beside the program in a build folder; in lib/streammedic beside its bin folder once installed.
std::string job_artifact(const LabPlan& plan, const std::string& version) {
    const auto folder = std::filesystem::path(plan.options.program).parent_path();
    const std::string name = fmt::format("fleet_monitor_{}.so", version);
    std::error_code error;
    const auto installed = folder.parent_path() / "lib" / "streammedic" / "jobs" / name;
    if (!std::filesystem::exists(folder / "jobs" / name, error) && std::filesystem::exists(installed, error))
        return installed.string();
    return (folder / "jobs" / name).string();
}

}  // namespace medic::engine::lab

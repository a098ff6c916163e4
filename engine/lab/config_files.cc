// medic.yaml and policy.yaml of a lab. Flow style inside list items keeps one process on one line.
#include <fmt/ranges.h>

#include "engine/lab/plan.h"

namespace medic::engine::lab {
namespace {

constexpr double lag_max_s = 10;  // Of a healthy job: it commits its offsets once a second, with its checkpoints.

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string list(const std::vector<std::string>& items) {
    std::vector<std::string> parts;
    for (const auto& item : items) parts.push_back(quoted(item));
    return fmt::format("[{}]", fmt::join(parts, ", "));
}

std::string page_kind(Role role) {
    switch (role) {
        case Role::broker: return "kafka-broker";
        case Role::connect_worker: return "connect-worker";
        case Role::jobmanager: return "flink-jobmanager";
        case Role::taskmanager: return "flink-taskmanager";
        case Role::controller:
        case Role::workload: break;
    }
    return {};
}

std::string metrics_section(const LabPlan& plan) {
    std::string text = "    metrics:  # Local pages are cheap: every second, on purpose. The default is 60 s.\n";
    for (const auto& process : plan.processes) {
        const std::string kind = page_kind(process.role);
        if (kind.empty()) continue;
        text += fmt::format("      - {{url: \"http://127.0.0.1:{}/metrics\", kind: {}, node: {}, interval: 1s}}\n",
                            process.ports.at("metrics"), kind, process.name);
    }
    return text;
}

// One driver command: `medic-engine node ACTION --data DIR --node NAME …`.
std::string driver_command(const LabPlan& plan, const ProcessPlan& process, const std::string& action,
                           const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv = {plan.options.program,  "node",   action,      "--data",
                                     plan.options.data_dir, "--node", process.name};
    argv.insert(argv.end(), more.begin(), more.end());
    return list(argv);
}

std::string node_item(const LabPlan& plan, const ProcessPlan& process) {
    std::string text = fmt::format(
        "      - name: {}\n        role: {}\n        spare: {}\n        zone: {}\n        driver:\n          kind: "
        "command\n",
        process.name, to_string(process.role), process.spare, process.zone);
    const auto add = [&](const std::string& key, const std::string& command) {
        text += fmt::format("          {}: {}\n", key, command);
    };
    for (const char* action : {"status", "start", "stop", "kill"}) add(action, driver_command(plan, process, action));
    if (!process.spare_argv.empty()) add("start_spare", driver_command(plan, process, "start-spare"));
    if (process.role == Role::connect_worker && plan.options.kills_tasks) {
        add("kill_task",
            driver_command(plan, process, "kill-task", {"--connector", "{connector}", "--task", "{task}"}));
    }
    if (process.role == Role::broker && plan.options.grows_disks)
        add("grow", driver_command(plan, process, "grow", {"--bytes", "{bytes}"}));
    return text;
}

std::string deployments_section(const LabPlan& plan) {
    if (!plan.options.with_workload) return {};
    std::string text = fmt::format(
        "    deployments:\n      - job: {}\n        driver: {{kind: session-rest}}\n        savepoints: {}\n        "
        "parallelism_max: {}\n        gate: {{hold: 10s, within: 60s, group: fleet-monitor, lag_max: {}}}\n        "
        "versions:\n",
        job_name, quoted(plan.options.data_dir + "/savepoints"), plan.options.taskmanagers * plan.options.slots,
        static_cast<std::int64_t>(plan.options.workload.records_per_second * lag_max_s));
    for (const char* version : {"v1", "v2", "v3"}) {
        text += fmt::format("          - {{id: {}, artifact: {}, args: {}, parallelism: {}, topics: [{}]}}\n", version,
                            quoted(job_artifact(plan, version)), list(job_arguments(plan)),
                            plan.options.workload.job_parallelism, topic_name);
    }
    return text;
}

}  // namespace

std::string medic_yaml(const LabPlan& plan) {
    std::vector<std::string> bootstrap;
    for (const auto& process : plan.processes) {
        if (process.role == Role::broker)
            bootstrap.push_back(fmt::format("\"127.0.0.1:{}\"", process.ports.at("kafka")));
    }
    std::string text = fmt::format(
        "# Written by `medic lab up`: what the agent watches, and how it reaches each node.\n"
        "schema: 1\n"
        "data_dir: {0}\n"
        "api: {{listen: \"127.0.0.1:{6}\", token_file: {1}}}\n"
        "intervals: {{flink: 500ms, connect: 500ms, kafka: 1s, process: 500ms, evaluate: 500ms}}\n"
        "clusters:\n"
        "  {2}:\n"
        "    kafka: {{bootstrap: [{3}]}}\n"
        "    connect: {{urls: [\"http://127.0.0.1:{4}\"], dead_letters: \"{{connector}}-dead-letters\"}}\n"
        "    flink: [{{url: \"http://127.0.0.1:{5}\"}}]\n",
        quoted(plan.options.data_dir + "/agent"), quoted(plan.options.data_dir + "/token"), cluster_name,
        fmt::join(bootstrap, ", "), plan.only(Role::connect_worker).ports.at("rest"),
        plan.only(Role::jobmanager).ports.at("rest"), plan.agent_port);
    text += "    drills: allowed  # `medic drill --config` may break it: that is what it is for.\n";
    text += metrics_section(plan);
    text += "    nodes:\n";
    for (const auto& process : plan.processes) {
        if (process.role != Role::workload) text += node_item(plan, process);
    }
    text += deployments_section(plan);
    text +=
        "    owners: {\"job:fleet-*\": team-fleet, \"topic:fleet-*\": team-fleet, \"connector:inventory-*\": "
        "team-inventory}\n";
    return text;
}

std::string policy_yaml() {
    return "# Written by `medic lab up`: on this lab the agent may act by itself. On your clusters start without a "
           "policy (observe).\n"
           "schema: 1\n"
           "catalogue: 2\n"
           "defaults: {cooldown: 10s, attempts: 3, backoff: 2s, budget: {operations: 60, window: 10m}, blast_radius: "
           "{nodes: 10, share: 100, zones: 10}, storm: {incidents: 50}}\n"
           "policy:\n"
           "  - {remedy: kafka.cut-retention, object: \"topic:device-traces\", floor: 10s, cluster: lab, mode: auto}  "
           "# "
           "Nobody needs older ones.\n"
           "  - {remedy: kafka.cut-retention, cluster: lab, mode: ask}\n"
           "  - {remedy: kafka.abort-hanging-transaction, object: \"topic:payments\", floor: 15m, cluster: lab, mode: "
           "auto}  # Its records stay unread.\n"
           "  - {remedy: connect.skip-record, object: \"connector:inventory-sink\", cluster: lab, mode: auto}\n"
           "  - {remedy: \"*\", cause: \"*\", cluster: lab, mode: auto}\n";
}

}  // namespace medic::engine::lab

#include "tests/live/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/live/login_listener.h"

namespace medic::live {
namespace {

using engine::lab::LabPlan;
using engine::lab::ProcessPlan;
using engine::lab::Role;

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

// Who keeps the cluster's metadata: the brokers themselves, or ZooKeeper.
std::string membership(const LiveOptions& options, const LabPlan& plan, const ProcessPlan& broker) {
    const auto id_of = [](const ProcessPlan& one) { return one.name.substr(one.name.find('-') + 1); };
    if (options.pair.zookeeper)
        return fmt::format(
            "broker.id={}\n"
            "zookeeper.connect=127.0.0.1:{}\n"
            "listeners=PLAINTEXT://127.0.0.1:{},{}://127.0.0.1:{}\n"
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,{}:SASL_SSL\n",
            id_of(broker), plan.find(zookeeper_name)->ports.at("client"), broker.ports.at("kafka"), login_listener,
            broker.ports.at(login_port), login_listener);
    std::vector<std::string> voters;
    for (const auto& one : plan.processes)
        if (one.role == Role::broker)
            voters.push_back(fmt::format("{}@127.0.0.1:{}", id_of(one), one.ports.at("controller")));
    return fmt::format(
        "process.roles=broker,controller\n"
        "node.id={}\n"
        "controller.quorum.voters={}\n"
        "listeners=PLAINTEXT://127.0.0.1:{},{}://127.0.0.1:{},CONTROLLER://127.0.0.1:{}\n"
        "controller.listener.names=CONTROLLER\n"
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,{}:SASL_SSL,CONTROLLER:PLAINTEXT\n",
        id_of(broker), fmt::join(voters, ","), broker.ports.at("kafka"), login_listener, broker.ports.at(login_port),
        broker.ports.at("controller"), login_listener);
}

// The tuned profile: what a team may set that prefers a restart too many to a minute of waiting. Each is a product's
// own option, in its documentation; docs/real-clusters.md says what it costs.
constexpr const char* tuned_worker =
    "scheduled.rebalance.max.delay.ms=5000\n"
    "session.timeout.ms=6000\n"
    "heartbeat.interval.ms=2000\n"
    "task.shutdown.graceful.timeout.ms=2000\n";
constexpr const char* tuned_flink =
    "heartbeat.interval: 2 s\n"
    "heartbeat.timeout: 8 s\n"
    "task.cancellation.timeout: 20 s\n";
constexpr const char* adaptive_flink = "jobmanager.scheduler: adaptive\n";
constexpr const char* tuned_broker =
    "broker.session.timeout.ms=6000\n"
    "broker.heartbeat.interval.ms=1000\n";
constexpr const char* tuned_page_interval = ", interval: 5s";
constexpr const char* tuned_worker_page_interval = ", interval: 1s";  // The include-list keeps it small.
constexpr const char* tuned_longest_call = ", longest_call: 5s";

// Kafka's own defaults wherever a key is not about addresses, folders or there being only three brokers.
std::string broker_properties(const LiveOptions& options, const LabPlan& plan, const ProcessPlan& broker) {
    std::string more;
    for (const auto& [key, value] : options.kafka) more += fmt::format("{}={}\n", key, value);
    return membership(options, plan, broker) + login_properties(options.data_dir, broker.name) + more +
           fmt::format(
               "broker.rack={}\n"
               "log.dirs={}/data/{}\n"
               "offsets.topic.replication.factor=3\n"
               "offsets.topic.num.partitions=6\n"
               "transaction.state.log.replication.factor=3\n"
               "transaction.state.log.num.partitions=6\n"
               "transaction.state.log.min.isr=2\n"
               "default.replication.factor=3\n"
               "min.insync.replicas=2\n"
               "auto.create.topics.enable=false\n"
               "{}",
               broker.zone, options.data_dir, broker.name,
               options.tuned && !options.pair.zookeeper ? tuned_broker : "");
}

std::string zookeeper_properties(const LiveOptions& options, const ProcessPlan& server) {
    return fmt::format(
        "dataDir={}/data/{}\n"
        "clientPort={}\n"
        "clientPortAddress=127.0.0.1\n"
        "maxClientCnxns=0\n"
        "tickTime=2000\n",
        options.data_dir, server.name, server.ports.at("client"));
}

std::string worker_properties(const LiveOptions& options, const LabPlan& plan, const ProcessPlan& worker) {
    return fmt::format(
        "bootstrap.servers={}\n"
        "group.id=connect-live\n"
        "config.storage.topic=connect-configs\n"
        "offset.storage.topic=connect-offsets\n"
        "status.storage.topic=connect-status\n"
        "config.storage.replication.factor=3\n"
        "offset.storage.replication.factor=3\n"
        "offset.storage.partitions=5\n"
        "status.storage.replication.factor=3\n"
        "key.converter=org.apache.kafka.connect.json.JsonConverter\n"
        "value.converter=org.apache.kafka.connect.json.JsonConverter\n"
        "key.converter.schemas.enable=false\n"
        "value.converter.schemas.enable=false\n"
        "listeners=http://127.0.0.1:{}\n"
        "plugin.discovery=hybrid_warn\n"
        "offset.flush.interval.ms={}\n"
        "# Workers of one machine: {}\n"
        "{}",
        plan.bootstrap(), worker.ports.at("rest"), connect_commits_every.count(), options.data_dir,
        options.tuned ? tuned_worker : "");
}

// Memory is given in its parts: the task manager then starts without Flink's shell scripts. The reporter's port must be
// a string: Flink passes a YAML number over and takes 9249. The older flink-conf.yaml is no YAML: quotes are a part of
// it.
std::string flink_yaml(const LiveOptions& options, const LabPlan& plan, const std::string& cluster,
                       const ProcessPlan& manager) {
    const std::string folder = options.data_dir + "/data/flink-" + cluster;
    return fmt::format(
        "jobmanager.rpc.address: 127.0.0.1\n"
        "jobmanager.rpc.port: {}\n"
        "jobmanager.bind-host: 127.0.0.1\n"
        "blob.server.port: {}\n"
        "rest.port: {}\n"
        "rest.bind-port: {}\n"
        "rest.address: 127.0.0.1\n"
        "rest.bind-address: 127.0.0.1\n"
        "web.upload.dir: {}/upload\n"
        "web.tmpdir: {}/web\n"
        "io.tmp.dirs: {}/tmp\n"
        "taskmanager.host: 127.0.0.1\n"
        "taskmanager.bind-host: 127.0.0.1\n"
        "taskmanager.numberOfTaskSlots: {}\n"
        "taskmanager.cpu.cores: 1.0\n"
        "taskmanager.memory.framework.heap.size: 96m\n"
        "taskmanager.memory.task.heap.size: 128m\n"
        "taskmanager.memory.framework.off-heap.size: 64m\n"
        "taskmanager.memory.task.off-heap.size: 0m\n"
        "taskmanager.memory.managed.size: 32m\n"
        "taskmanager.memory.network.min: 32m\n"
        "taskmanager.memory.network.max: 32m\n"
        "taskmanager.memory.jvm-metaspace.size: 160m\n"
        "taskmanager.memory.jvm-overhead.min: 64m\n"
        "taskmanager.memory.jvm-overhead.max: 64m\n"
        // Flink's default, but for the time after which a failure is a first one again (1 h): here faults follow each
        // other in minutes, and each is to meet the delay of 1 s that it meets in production.
        "restart-strategy.type: exponential-delay\n"
        "restart-strategy.exponential-delay.reset-backoff-threshold: 20 s\n"
        "parallelism.default: {}\n"
        "execution.checkpointing.interval: 2 s\n"
        "execution.checkpointing.externalized-checkpoint-retention: RETAIN_ON_CANCELLATION\n"
        "execution.checkpointing.dir: file://{}/checkpoints\n"
        "execution.checkpointing.savepoint-dir: file://{}/savepoints\n"
        "state.checkpoints.dir: file://{}/checkpoints\n"
        "state.savepoints.dir: file://{}/savepoints\n"
        "metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory\n"
        "metrics.reporter.prom.port: {}\n"
        "{}{}",
        manager.ports.at("rpc"), manager.ports.at("blob"), manager.ports.at("rest"), manager.ports.at("rest"), folder,
        folder, folder, plan.options.slots, plan.options.slots, folder, folder, folder, folder,
        fmt::format(fmt::runtime(options.pair.flat_configuration ? "{}" : "'{}'"), manager.ports.at("metrics")),
        options.tuned ? tuned_flink : "", options.adaptive ? adaptive_flink : "");
}

// The part of a broker's and a worker's JMX that rules/canonical reads, in the exporter's own naming. A catch-all page
// costs a broker some 10,000 lines at every scrape.
constexpr const char* jmx_yaml =
    "lowercaseOutputName: true\n"
    "includeObjectNames:\n"
    "  - \"kafka.server:type=ReplicaManager,*\"\n"
    "  - \"kafka.server:type=BrokerTopicMetrics,*\"\n"
    "  - \"kafka.server:type=KafkaRequestHandlerPool,*\"\n"
    "  - \"kafka.server:type=socket-server-metrics,*\"\n"
    "  - \"kafka.log:type=LogManager,*\"\n"
    "  - \"kafka.controller:type=KafkaController,*\"\n"
    "  - \"kafka.connect:*\"\n"
    "rules:\n"
    "  - pattern: \"kafka.server<type=BrokerTopicMetrics, name=(.+)PerSec, topic=(.+)><>Count\"\n"
    "    name: kafka_server_brokertopicmetrics_$1_total\n"
    "    type: COUNTER\n"
    "    labels: {topic: \"$2\"}\n"
    "  - pattern: \"kafka.server<type=BrokerTopicMetrics, name=(.+)PerSec><>Count\"\n"
    "    name: kafka_server_brokertopicmetrics_$1_total\n"
    "    type: COUNTER\n"
    "  - pattern: \"kafka.server<type=KafkaRequestHandlerPool, name=(.+)><>OneMinuteRate\"\n"
    "    name: kafka_server_kafkarequesthandlerpool_$1_1m\n"
    "  - pattern: \"kafka.(server|log|controller)<type=(.+), name=(.+)><>Value\"\n"
    "    name: kafka_$1_$2_$3\n"
    "  - pattern: \"kafka.server<type=socket-server-metrics, listener=(.+), "
    "networkProcessor=(.+)><>connection-count\"\n"
    "    name: kafka_server_socketservermetrics_connection_count\n"
    "    labels: {listener: \"$1\", network_processor: \"$2\"}\n"
    "  - pattern: \"kafka.connect<type=(.+)-task-metrics, connector=(.+), task=(.+)><>(.+)-(total|count)\"\n"
    "    name: kafka_connect_$1_task_$4_$5\n"
    "    labels: {connector: \"$2\", task: \"$3\"}\n";

// A broker lets the level of a logger be changed only where it has been named: that of requests is.
constexpr const char* log4j_properties =
    "log4j.rootLogger=INFO, out\n"
    "log4j.logger.kafka.request.logger=INFO\n"
    "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
    "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
    "log4j.appender.out.layout.ConversionPattern=%d{yyyy-MM-dd'T'HH:mm:ss,SSSZ} %p %m (%c)%n\n";

// The same for Kafka 4, which logs with Log4j 2.
constexpr const char* log4j2_properties =
    "rootLogger.level = INFO\n"
    "rootLogger.appenderRef.out.ref = out\n"
    "logger.request.name = kafka.request.logger\n"
    "logger.request.level = INFO\n"
    "appender.out.type = Console\n"
    "appender.out.name = out\n"
    "appender.out.layout.type = PatternLayout\n"
    "appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss,SSSZ} %p %m (%c)%n\n";

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

std::string node_item(const LabPlan& plan, const ProcessPlan& process) {
    std::string text = fmt::format(
        "      - name: {}\n        role: {}\n        spare: {}\n        zone: {}\n        driver:\n          kind: "
        "command\n          timeout: 60s\n",
        process.name, to_string(process.role), process.spare, process.zone);
    if (process.role == Role::broker)
        text.insert(text.find("        driver:"),
                    fmt::format("        disks: {}\n", list({plan.options.data_dir + "/data/" + process.name})));
    for (const char* action : {"status", "start", "stop", "kill"})
        text += fmt::format(
            "          {}: {}\n", action,
            list({plan.options.program, "node", action, "--data", plan.options.data_dir, "--node", process.name}));
    // Any task manager that starts while no job misses it is a spare.
    if (process.role == Role::taskmanager)
        text += fmt::format("          start_spare: {}\n", list({plan.options.program, "node", "start-spare", "--data",
                                                                 plan.options.data_dir, "--node", process.name}));
    return text;
}

std::string deployment_item(const LabPlan& plan) {
    const ProcessPlan& manager = *plan.find("jobmanager");
    std::string text = fmt::format(
        "      - job: {}\n        driver: {{kind: session-rest, url: \"http://127.0.0.1:{}\"}}\n        savepoints: "
        "{}\n"
        "        versions:\n",
        job_name, manager.ports.at("rest"), quoted(plan.options.data_dir + "/data/flink-session/savepoints"));
    for (const char* version : job_versions)
        text += fmt::format("          - {{id: {}, artifact: {}, entry: {}, args: {}, parallelism: {}}}\n", version,
                            quoted(job_artifact(plan.options.data_dir, version)), job_entry,
                            list(job_arguments(plan, version)), plan.options.taskmanagers * plan.options.slots);
    return text;
}

std::string live_medic_yaml(const LiveOptions& options, const LabPlan& plan) {
    std::vector<std::string> bootstrap, connect, flink;
    std::string metrics, nodes;
    for (const auto& process : plan.processes) {
        if (process.role == Role::workload || process.role == Role::controller) continue;
        if (process.role == Role::broker) bootstrap.push_back(fmt::format("127.0.0.1:{}", process.ports.at("kafka")));
        if (process.role == Role::connect_worker)
            connect.push_back(fmt::format("http://127.0.0.1:{}", process.ports.at("rest")));
        if (process.role == Role::jobmanager)
            flink.push_back(fmt::format("{{url: \"http://127.0.0.1:{}\"}}", process.ports.at("rest")));
        const char* interval = !options.tuned                         ? ""
                               : process.role == Role::connect_worker ? tuned_worker_page_interval
                                                                      : tuned_page_interval;
        metrics += fmt::format("      - {{url: \"http://127.0.0.1:{}/metrics\", kind: {}, node: {}{}}}\n",
                               process.ports.at("metrics"), page_kind(process.role), process.name, interval);
        nodes += node_item(plan, process);
    }
    return fmt::format(
        "# Written by `make live-up`: the real products on this machine, at the agent's default intervals.\n"
        "schema: 1\n"
        "data_dir: {}\n"
        "api: {{listen: \"127.0.0.1:{}\", token_file: {}}}\n"
        "clusters:\n"
        "  {}:\n"
        "    kafka: {{bootstrap: {}}}\n"
        "    connect: {{urls: {}{}}}\n"
        "    flink: [{}]\n"
        "    metrics:\n{}"
        "    nodes:\n{}"
        "    deployments:\n{}"
        "    owners: {{\"job:order-*\": team-orders, \"topic:order*\": team-orders, \"connector:inventory-*\": "
        "team-inventory, \"connector:audit-*\": team-audit}}\n",
        quoted(plan.options.data_dir + "/agent"), plan.agent_port, quoted(plan.options.data_dir + "/token"),
        cluster_name, list(bootstrap), list(connect), options.tuned ? tuned_longest_call : "", fmt::join(flink, ", "),
        metrics, nodes, deployment_item(plan));
}

}  // namespace

std::map<std::string, std::string> configuration_files(const LiveOptions& options, const LabPlan& plan) {
    std::map<std::string, std::string> files = {{"conf/jmx.yaml", jmx_yaml},
                                                {"conf/log4j.properties", log4j_properties},
                                                {"conf/log4j2.properties", log4j2_properties},
                                                {"medic.yaml", live_medic_yaml(options, plan)}};
    for (const auto& process : plan.processes) {
        if (process.role == Role::broker)
            files["conf/" + process.name + ".properties"] = broker_properties(options, plan, process);
        if (process.role == Role::controller)
            files["conf/" + process.name + ".properties"] = zookeeper_properties(options, process);
        if (process.role == Role::connect_worker)
            files["conf/" + process.name + ".properties"] = worker_properties(options, plan, process);
        if (process.role != Role::jobmanager) continue;
        const std::string cluster = process.name == "jobmanager" ? "session" : "application";
        files["conf/flink-" + cluster + (options.pair.flat_configuration ? "/flink-conf.yaml" : "/config.yaml")] =
            flink_yaml(options, plan, cluster, process);
    }
    return files;
}

}  // namespace medic::live

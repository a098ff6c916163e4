#include "tests/live/plan.h"

#include <fmt/format.h>

#include "engine/common/process.h"
#include "tests/live/login_listener.h"

namespace medic::live {
namespace {

using engine::lab::LabPlan;
using engine::lab::ProcessPlan;
using engine::lab::Role;

// Small heaps, one collector thread, the quick compiler: eight JVMs share two cores and a few gigabytes.
const std::vector<std::string> jvm_flags = {"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"};

// What Flink's own start scripts export and open; 1.17 does so for no Java above 11, and runs on 17 with the same.
const std::vector<std::string> flink_opens = {"--add-exports=java.base/sun.net.util=ALL-UNNAMED",
                                              "--add-opens=java.base/java.lang=ALL-UNNAMED",
                                              "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
                                              "--add-opens=java.base/java.net=ALL-UNNAMED",
                                              "--add-opens=java.base/java.text=ALL-UNNAMED",
                                              "--add-opens=java.base/java.time=ALL-UNNAMED",
                                              "--add-opens=java.base/java.util=ALL-UNNAMED",
                                              "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
                                              "--add-opens=java.base/java.io=ALL-UNNAMED"};

class Planner {
public:
    Planner(const LiveOptions& options, const Artifacts& artifacts) : options_(options), artifacts_(artifacts) {
        plan_.options.data_dir = options.data_dir;
        plan_.options.program = options.program;
        plan_.options.workload.records_per_second = options.records_per_second;
        plan_.options.profile.kafka = options.kafka;
    }

    Result<LabPlan> run() {
        MEDIC_TRY(plan_.agent_port, engine::lasting_port());
        if (options_.pair.zookeeper) MEDIC_CHECK(zookeeper());
        for (int i = 1; i <= plan_.options.brokers; ++i) MEDIC_CHECK(broker(i));
        for (int i = 1; i <= options_.connect_workers; ++i) MEDIC_CHECK(worker(i));
        MEDIC_CHECK(jobmanager("jobmanager", "session", {}));
        for (int i = 1; i <= plan_.options.taskmanagers + plan_.options.spares; ++i)
            MEDIC_CHECK(taskmanager(i, "session", i > plan_.options.taskmanagers));
        if (options_.application_cluster) {
            MEDIC_CHECK(jobmanager("application", "application", application_arguments()));
            MEDIC_CHECK(taskmanager(plan_.options.taskmanagers + plan_.options.spares + 1, "application", false));
        }
        MEDIC_CHECK(workload());
        return std::move(plan_);
    }

private:
    Result<ProcessPlan*> add(const std::string& name, Role role, const std::vector<std::string>& ports) {
        ProcessPlan& process = plan_.processes.emplace_back();
        process.name = name;
        process.role = role;
        for (const std::string& port : ports) {
            MEDIC_TRY(process.ports[port], engine::lasting_port());
        }
        process.zone = fmt::format("zone-{}", name.empty() ? 'a' : char('a' + name.back() % 3));
        return &process;
    }

    // `env` becomes java: the pid stays.
    [[nodiscard]] std::vector<std::string> java(int heap_mb, const std::vector<std::string>& environment) const {
        std::vector<std::string> argv = {"/usr/bin/env"};
        argv.insert(argv.end(), environment.begin(), environment.end());
        argv.push_back(artifacts_.java);
        argv.push_back(fmt::format("-Xmx{}m", heap_mb));
        argv.insert(argv.end(), jvm_flags.begin(), jvm_flags.end());
        argv.push_back(fmt::format("-Dlog4j.configuration=file:{}/conf/log4j.properties", options_.data_dir));
        argv.push_back(fmt::format("-Dlog4j2.configurationFile={}/conf/log4j2.properties", options_.data_dir));
        return argv;
    }

    static void append(std::vector<std::string>& to, std::vector<std::string> more) {
        to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }

    [[nodiscard]] std::string exporter(const ProcessPlan& process) const {
        return fmt::format("-javaagent:{}=127.0.0.1:{}:{}/conf/jmx.yaml", artifacts_.jmx_exporter,
                           process.ports.at("metrics"), options_.data_dir);
    }

    // One server: the agent does not watch it, and no fault of it is tried.
    Status zookeeper() {
        MEDIC_TRY(ProcessPlan * process, add(zookeeper_name, Role::controller, {"client"}));
        process->argv = java(128, {});
        append(process->argv,
               {"-Dzookeeper.admin.enableServer=false", "-cp", artifacts_.kafka_class_path,
                "org.apache.zookeeper.server.quorum.QuorumPeerMain", options_.data_dir + "/conf/zookeeper.properties"});
        return {};
    }

    Status broker(int id) {
        std::vector<std::string> ports = {"kafka", "metrics", login_port};
        if (!options_.pair.zookeeper) ports.emplace_back("controller");
        MEDIC_TRY(ProcessPlan * process, add(fmt::format("broker-{}", id), Role::broker, ports));
        process->argv = java(256, {});
        append(process->argv, {exporter(*process), "-cp", artifacts_.kafka_class_path, "kafka.Kafka",
                               fmt::format("{}/conf/{}.properties", options_.data_dir, process->name)});
        return {};
    }

    Status worker(int id) {
        MEDIC_TRY(ProcessPlan * process, add(fmt::format("connect-{}", id), Role::connect_worker, {"rest", "metrics"}));
        process->argv = java(192, {});
        append(process->argv, {exporter(*process), "-cp", artifacts_.kafka_class_path + ":" + artifacts_.connector_jar,
                               "org.apache.kafka.connect.cli.ConnectDistributed",
                               fmt::format("{}/conf/{}.properties", options_.data_dir, process->name)});
        return {};
    }

    [[nodiscard]] std::string flink_folder(const std::string& cluster) const {
        return options_.data_dir + "/conf/flink-" + cluster;
    }
    [[nodiscard]] std::string flink_class_path(const std::string& cluster) const {
        return artifacts_.flink_class_path + (cluster == "application" ? ":" + artifacts_.job_jar : "");
    }

    [[nodiscard]] std::vector<std::string> application_arguments() const {
        return {"--job-classname",    "org.example.orders.OrdersJob", plan_.bootstrap(),
                application_job_name, options_.data_dir + "/faults",  application_job_name};
    }

    Status jobmanager(const std::string& name, const std::string& cluster, std::vector<std::string> arguments) {
        MEDIC_TRY(ProcessPlan * process, add(name, Role::jobmanager, {"rest", "rpc", "blob", "metrics"}));
        process->argv = java(256, {"FLINK_CONF_DIR=" + flink_folder(cluster)});
        append(process->argv, flink_opens);
        append(process->argv, {"-cp", flink_class_path(cluster),
                               cluster == "application"
                                   ? "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
                                   : "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
                               "--configDir", flink_folder(cluster)});
        append(process->argv, std::move(arguments));
        return {};
    }

    Status taskmanager(int id, const std::string& cluster, bool spare) {
        MEDIC_TRY(ProcessPlan * process, add(fmt::format("tm-{}", id), Role::taskmanager, {"rpc", "data", "metrics"}));
        process->spare = spare;
        process->argv = java(224, {"FLINK_CONF_DIR=" + flink_folder(cluster)});
        append(process->argv, {"-XX:MaxMetaspaceSize=160m", "-XX:MaxDirectMemorySize=192m"});
        append(process->argv, flink_opens);
        append(process->argv,
               {"-cp", flink_class_path(cluster), "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                "--configDir", flink_folder(cluster)});
        for (const auto& [key, port] : {std::pair{"taskmanager.rpc.port", "rpc"},
                                        {"taskmanager.data.port", "data"},
                                        {"metrics.reporter.prom.port", "metrics"}})
            append(process->argv, {"-D", fmt::format("{}={}", key, process->ports.at(port))});
        // A spare of Flink is a registered task manager whose slots are free.
        process->spare_argv = process->argv;
        return {};
    }

    Status workload() {
        MEDIC_TRY(ProcessPlan * process, add("workload", Role::workload, {}));
        process->argv = {options_.program, "workload",
                         "--bootstrap",    plan_.bootstrap(),
                         "--rate",         fmt::format("{}", options_.records_per_second),
                         "--file",         options_.data_dir + "/inventory.txt"};
        return {};
    }

    const LiveOptions& options_;
    const Artifacts& artifacts_;
    LabPlan plan_;
};

}  // namespace

std::string rest_url(const ProcessPlan& process, const std::string& path) {
    return fmt::format("http://127.0.0.1:{}{}", process.ports.at("rest"), path);
}

std::string job_artifact(const std::string& data_dir, const std::string& version) {
    return fmt::format("{}/jobs/{}-{}.jar", data_dir, job_name, version);
}

std::vector<std::string> job_arguments(const LabPlan& plan, const std::string& version) {
    return {plan.bootstrap(), job_name, plan.options.data_dir + "/faults", job_name, "version=" + version};
}

Result<LabPlan> make_plan(const LiveOptions& options, const Artifacts& artifacts) {
    return Planner(options, artifacts).run();
}

}  // namespace medic::live

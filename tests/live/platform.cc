#include "tests/live/platform.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <random>
#include <sstream>
#include <thread>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/kafka_client.h"
#include "agent/world/real/kafka_producer.h"
#include "engine/common/files.h"
#include "engine/common/process.h"
#include "engine/common/rest_internal.h"
#include "engine/lab/processes.h"
#include "tests/live/login_listener.h"
#include "tests/live/settings.h"
#include "tests/live/small_disk.h"

namespace medic::live {
namespace {

namespace fs = std::filesystem;
namespace lab = engine::lab;
using engine::call_json;
using engine::member;
using lab::LabPlan;
using lab::LabState;
using lab::ProcessPlan;
using lab::Role;
using lab::Standing;
using nlohmann::json;

constexpr auto ready_patience = std::chrono::minutes(4);  // Eight JVMs on two cores that others use, too.
constexpr auto ready_poll = std::chrono::milliseconds(500);
constexpr Duration down_grace{15'000};
constexpr std::array<const char*, 15> switched_faults = {
    "null-pointer",  "class-cast", "endless-loop",      "heap-exhaustion",       "connection-leak",
    "growing-state", "slow-sink",  "blocked-cancel",    "audit-dependency-down", "audit-hung",
    "hot-key",       "audit-slow", "audit-credentials", "audit-herder",          "collection-storm"};

// A process that has ended won't become ready: its log says why.
Status all_live(const std::string& data_dir) {
    MEDIC_TRY(const LabState state, lab::load_state(data_dir));
    for (const auto& [name, process] : state.processes)
        if (process.id.pid != 0 && process.standing != Standing::stopped && !engine::is_alive(process.id))
            return fail(ErrorCode::invalid, "{} has ended: see {}/logs/{}.log", name, data_dir, name);
    return {};
}

Status wait_until(const std::string& data_dir, const std::string& what, const std::function<Status()>& check) {
    const auto deadline = std::chrono::steady_clock::now() + ready_patience;
    for (;;) {
        MEDIC_CHECK(all_live(data_dir));
        const Status status = check();
        if (status) return {};
        if (std::chrono::steady_clock::now() >= deadline) return wrap(status.error(), what + " not ready");
        std::this_thread::sleep_for(ready_poll);
    }
}

std::vector<std::string> bootstrap_of(const LabPlan& plan) {
    std::vector<std::string> addresses;
    for (const auto& process : plan.processes)
        if (process.role == Role::broker) addresses.push_back(fmt::format("127.0.0.1:{}", process.ports.at("kafka")));
    return addresses;
}

Result<Artifacts> prepare(const LiveOptions& options, const Progress& progress) {
    MEDIC_TRY(const Toolchain tools, find_toolchain());
    Artifacts artifacts{.java = tools.java,
                        .kafka_class_path = {},
                        .flink_class_path = {},
                        .jmx_exporter = {},
                        .job_jar = {},
                        .connector_jar = {}};
    MEDIC_TRY(artifacts.kafka_class_path, class_path(tools, "kafka-" + options.pair.kafka, progress));
    MEDIC_TRY(artifacts.flink_class_path, class_path(tools, "flink-" + options.pair.flink, progress));
    std::istringstream jars(artifacts.kafka_class_path);
    for (std::string jar; std::getline(jars, jar, ':');)
        if (jar.find("jmx_prometheus_javaagent") != std::string::npos) artifacts.jmx_exporter = jar;
    MEDIC_TRY(artifacts.job_jar, compile(tools, {.name = "orders-flink-" + options.pair.flink,
                                                 .folder = "job",
                                                 .class_path = artifacts.flink_class_path}));
    MEDIC_TRY(artifacts.connector_jar, compile(tools, {.name = "audit-kafka-" + options.pair.kafka,
                                                       .folder = "connector",
                                                       .class_path = artifacts.kafka_class_path}));
    return artifacts;
}

std::string random_words(int count, const char* separator) {
    std::random_device random;
    std::string text;
    for (int i = 0; i < count; ++i) text += fmt::format("{}{:08x}", i == 0 ? "" : separator, random());
    return text;
}

// Kafka's cluster id: 16 bytes in URL-safe base 64 without padding.
std::string new_cluster_id() {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::random_device random;
    std::string id;
    for (int i = 0; i < 21; ++i) id += alphabet[random() % alphabet.size()];
    return id + "A";  // The last of 22 digits carries four bits.
}

Status format_storage(const LiveOptions& options, const LabPlan& plan, const Artifacts& artifacts) {
    const std::string id = new_cluster_id();
    std::vector<engine::ProcessId> children;
    for (const auto& process : plan.processes) {
        if (process.role != Role::broker) continue;
        MEDIC_TRY(children.emplace_back(),
                  engine::spawn({.argv = {artifacts.java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                                          "-cp", artifacts.kafka_class_path, "kafka.tools.StorageTool", "format", "-t",
                                          id, "-c", options.data_dir + "/conf/" + process.name + ".properties"},
                                 .log_file = options.data_dir + "/logs/format.log"}));
    }
    for (const engine::ProcessId& child : children)
        if (!engine::wait_gone(child, Duration(120'000))) {
            engine::terminate(child, Duration(1'000));
            return fail(ErrorCode::unavailable, "formatting did not end: see {}/logs/format.log", options.data_dir);
        }
    for (const auto& process : plan.processes)
        if (process.role == Role::broker &&
            !fs::exists(options.data_dir + "/data/" + process.name + "/meta.properties"))
            return fail(ErrorCode::unavailable, "{} could not be formatted: see {}/logs/format.log", process.name,
                        options.data_dir);
    return {};
}

Status write_files(const LiveOptions& options, const LabPlan& plan, const Artifacts& artifacts) {
    auto files = configuration_files(options, plan);
    files["live.json"] = json({{"schema", 1},
                               {"engines", options.engines()},
                               {"kafka", options.pair.kafka},
                               {"flink", options.pair.flink},
                               {"zookeeper", options.pair.zookeeper},
                               {"java", artifacts.java},
                               {"kafka_class_path", artifacts.kafka_class_path},
                               {"job_jar", artifacts.job_jar}})
                             .dump(1);
    files["inventory.txt"] = "";
    files["conf/tools-log4j.properties"] = "log4j.rootLogger=ERROR\n";
    files["conf/tools-log4j2.properties"] = "rootLogger.level = ERROR\n";
    std::error_code error;
    for (const char* folder : {"logs", "data", "faults", "agent", "jobs"})
        fs::create_directories(fs::path(options.data_dir) / folder, error);
    for (const auto& [name, text] : files) {
        const fs::path path = fs::path(options.data_dir) / name;
        fs::create_directories(path.parent_path(), error);
        MEDIC_CHECK(engine::write_file_whole(path, text));
    }
    for (const char* cluster : {"session", "application"})
        for (const char* folder : {"upload", "web", "tmp", "checkpoints", "savepoints"})
            fs::create_directories(fs::path(options.data_dir) / "data" / (std::string("flink-") + cluster) / folder,
                                   error);
    for (const char* version : job_versions)
        if (!error) fs::copy_file(artifacts.job_jar, job_artifact(options.data_dir, version), error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", options.data_dir, error.message());
    const std::string token = options.data_dir + "/token";
    MEDIC_CHECK(engine::write_file_whole(token, "live-operator " + random_words(4, "") + "\n"));
    fs::permissions(token, fs::perms::owner_read | fs::perms::owner_write, error);
    return {};
}

Status start_role(const LabPlan& plan, Role role, Standing wanted) {
    for (const auto& process : plan.processes)
        if (process.role == role && process.spare == (wanted == Standing::spare))
            MEDIC_CHECK(lab::start_process(plan.options.data_dir, process.name, wanted));
    return {};
}

Status brokers_are_registered(const LabPlan& plan, KafkaClient& client) {
    return wait_until(plan.options.data_dir, "brokers", [&]() -> Status {
        client.forget_metadata();
        MEDIC_TRY(const KafkaBrokers cluster, client.brokers());
        if (static_cast<int>(cluster.brokers.size()) < plan.options.brokers)
            return fail(ErrorCode::not_ready, "{} of {} brokers are registered", cluster.brokers.size(),
                        plan.options.brokers);
        return {};
    });
}

Status create_topics(const LabPlan& plan, KafkaClient& client) {
    wire::CreateTopicsRequest request;
    for (const auto& [name, partitions] :
         {std::pair{"orders", 6}, {"orders-quiet", 4}, {"order-totals", 3}, {"inventory", 3}})
        request.topics.push_back({.name = name, .partitions = partitions, .replication_factor = 3});
    return wait_until(plan.options.data_dir, "topics", [&]() -> Status {
        MEDIC_TRY(const auto created, client.call(KafkaTarget::controller(), request));
        for (const auto& topic : created.topics)
            if (topic.error != wire::KafkaError::none && topic.error != wire::KafkaError::topic_already_exists)
                return fail(ErrorCode::not_ready, "topic {}: {}", topic.name,
                            topic.error_message.value_or(to_string(topic.error)));
        return {};
    });
}

Status taskmanagers_are_registered(const LabPlan& plan, const ProcessPlan& manager, int wanted) {
    return wait_until(plan.options.data_dir, "task managers of " + manager.name, [&]() -> Status {
        MEDIC_TRY(const json body, call_json({.url = rest_url(manager, "/taskmanagers")}));
        const std::size_t registered = member(body, "taskmanagers", json::array()).size();
        if (static_cast<int>(registered) < wanted)
            return fail(ErrorCode::not_ready, "{} of {} are registered", registered, wanted);
        return {};
    });
}

// The job takes the slots that are there: spares come after it.
Status start_flink_job(const LabPlan& plan, const Progress& progress) {
    const ProcessPlan& manager = *plan.find("jobmanager");
    MEDIC_CHECK(taskmanagers_are_registered(plan, manager, plan.options.taskmanagers));
    MEDIC_TRY(const std::string job, submit_job(plan.options.data_dir));
    MEDIC_CHECK(wait_until(plan.options.data_dir, "slots of the job", [&]() -> Status {
        MEDIC_TRY(const json overview, call_json({.url = rest_url(manager, "/overview")}));
        const int available = member(overview, "slots-available", -1);
        if (available != 0) return fail(ErrorCode::not_ready, "{} slots are not taken yet", available);
        return {};
    }));
    progress(fmt::format("job {} runs as {}", job_name, job));
    MEDIC_CHECK(start_role(plan, Role::taskmanager, Standing::spare));
    return taskmanagers_are_registered(plan, manager, plan.options.taskmanagers + plan.options.spares);
}

std::map<std::string, json> connectors(const LabPlan& plan) {
    const std::string& dir = plan.options.data_dir;
    const json strings = "org.apache.kafka.connect.storage.StringConverter";
    return {{"inventory-source",
             {{"connector.class", "FileStreamSource"},
              {"tasks.max", "1"},
              {"producer.override.batch.size", "0"},  // Else so few bytes stay with one partition for minutes.
              {"file", dir + "/inventory.txt"},
              {"topic", "inventory"}}},
            {"inventory-sink",
             {{"connector.class", "FileStreamSink"},
              {"tasks.max", "1"},
              {"file", dir + "/inventory-copy.txt"},
              {"topics", "inventory"}}},
            {"audit-sink",
             {{"connector.class", "org.example.audit.AuditSink"},
              {"tasks.max", "2"},
              {"file", dir + "/audit.txt"},
              {"faults", dir + "/faults"},
              {"value.converter", strings},
              {"topics", "inventory"}}}};
}

const ProcessPlan& first(const LabPlan& plan, Role role) {
    return *std::ranges::find(plan.processes, role, &ProcessPlan::role);
}

Status create_connectors(const LabPlan& plan) {
    const ProcessPlan& worker = first(plan, Role::connect_worker);
    for (const auto& [name, config] : connectors(plan)) {
        const HttpCall put = engine::json_call("PUT", rest_url(worker, "/connectors/" + name + "/config"), config);
        MEDIC_CHECK(wait_until(plan.options.data_dir, "connector " + name, [&] { return engine::call_rest(put); }));
    }
    for (const auto& [name, config] : connectors(plan))
        MEDIC_CHECK(wait_until(plan.options.data_dir, "tasks of " + name, [&]() -> Status {
            MEDIC_TRY(const json status, call_json({.url = rest_url(worker, "/connectors/" + name + "/status")}));
            const json tasks = member(status, "tasks", json::array());
            if (tasks.empty()) return fail(ErrorCode::not_ready, "no tasks yet");
            for (const json& task : tasks)
                if (member(task, "state", std::string()) != "RUNNING")
                    return fail(ErrorCode::not_ready, "{}", task.dump());
            return {};
        }));
    return {};
}

// RUNNING says little: a completed checkpoint says that records can flow.
Status jobs_complete_checkpoints(const LabPlan& plan) {
    for (const auto& manager : plan.processes) {
        if (manager.role != Role::jobmanager) continue;
        MEDIC_CHECK(wait_until(plan.options.data_dir, "the job of " + manager.name, [&]() -> Status {
            MEDIC_TRY(const json overview, call_json({.url = rest_url(manager, "/jobs/overview")}));
            for (const json& job : member(overview, "jobs", json::array())) {
                MEDIC_TRY(const json checkpoints,
                          call_json({.url = rest_url(manager,
                                                     "/jobs/" + member(job, "jid", std::string()) + "/checkpoints")}));
                if (member(member(checkpoints, "counts", json::object()), "completed", 0) > 0) return {};
            }
            return fail(ErrorCode::not_ready, "no checkpoint has completed yet");
        }));
    }
    return {};
}

Status start_all(const LiveOptions& options, const LabPlan& plan, const Artifacts& artifacts,
                 const Progress& progress) {
    if (!options.pair.zookeeper) MEDIC_CHECK(format_storage(options, plan, artifacts));
    MEDIC_CHECK(start_role(plan, Role::controller, Standing::running));
    MEDIC_CHECK(start_role(plan, Role::broker, Standing::running));
    MEDIC_CHECK(start_role(plan, Role::jobmanager, Standing::running));
    MEDIC_CHECK(start_role(plan, Role::taskmanager, Standing::running));
    KafkaClient client({.bootstrap = bootstrap_of(plan), .client_id = "medic-live"});
    MEDIC_CHECK(brokers_are_registered(plan, client));
    progress(fmt::format("{} brokers are registered (Kafka {})", plan.options.brokers, options.pair.kafka));
    MEDIC_CHECK(create_topics(plan, client));
    MEDIC_CHECK(start_role(plan, Role::connect_worker, Standing::running));
    MEDIC_CHECK(start_role(plan, Role::workload, Standing::running));
    MEDIC_CHECK(start_flink_job(plan, progress));
    progress(fmt::format("{} task managers are registered, {} of them spare (Flink {})",
                         plan.options.taskmanagers + plan.options.spares, plan.options.spares, options.pair.flink));
    MEDIC_CHECK(create_connectors(plan));
    progress("Connect's tasks run");
    MEDIC_CHECK(jobs_complete_checkpoints(plan));
    progress("checkpoints complete");
    return {};
}

}  // namespace

Status up(const LiveOptions& options, const Progress& progress) {
    if (const auto existing = lab::load_state(options.data_dir))
        for (const auto& [name, process] : existing->processes)
            if (engine::is_alive(process.id))
                return fail(ErrorCode::not_ready, "{} runs in {} already: `make live-down` ends it", name,
                            options.data_dir);
    MEDIC_TRY(const Artifacts artifacts, prepare(options, progress));
    std::error_code error;
    (void)unmount_small_disk(small_disk_folder(options.data_dir));
    fs::remove_all(options.data_dir, error);
    MEDIC_TRY(const LabPlan plan, make_plan(options, artifacts));
    MEDIC_CHECK(write_files(options, plan, artifacts));
    MEDIC_CHECK(make_login_files(plan));
    if (options.small_disk) MEDIC_CHECK(mount_small_disk(small_disk_folder(options.data_dir), small_disk_bytes));
    MEDIC_CHECK(lab::save_new_state({.plan = plan, .processes = {}}));
    if (Status status = start_all(options, plan, artifacts, progress); !status) {
        (void)down(options.data_dir, true);
        return wrap(status.error(),
                    fmt::format("the real products did not come up (logs in {}/logs)", options.data_dir));
    }
    return {};
}

Status down(const std::string& data_dir, bool keep_files) {
    MEDIC_TRY(const LabState state, lab::load_state(data_dir));
    // Whoever reads and writes first; the brokers last and together, as one of a lost quorum can't leave in order.
    for (auto process = state.plan.processes.rbegin(); process != state.plan.processes.rend(); ++process)
        if (process->role != Role::broker && process->role != Role::controller)
            MEDIC_CHECK(lab::stop_process(data_dir, process->name, down_grace));
    for (const auto& process : state.plan.processes) {
        const auto found = state.processes.find(process.name);
        if (process.role == Role::broker && found != state.processes.end())
            (void)engine::send_signal(found->second.id, SIGTERM);
    }
    for (const Role last : {Role::broker, Role::controller})
        for (const auto& process : state.plan.processes)
            if (process.role == last) MEDIC_CHECK(lab::stop_process(data_dir, process.name, down_grace));
    if (keep_files) return {};
    (void)unmount_small_disk(small_disk_folder(data_dir));
    std::error_code error;
    fs::remove_all(data_dir, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", data_dir, error.message());
    return {};
}

Status set_fault(const std::string& data_dir, const std::string& name, bool on) {
    MEDIC_TRY(const LabState state, lab::load_state(data_dir));
    if (name == "poison-record") {
        KafkaClient client({.bootstrap = bootstrap_of(state.plan), .client_id = "medic-live"});
        KafkaProducer producer(client, {});
        const WallTime now = read_clock().wall;
        MEDIC_CHECK(producer.append({.topic = "inventory", .timestamp_ms = now.unix_ms, .value = "{\"part\": "}));
        return producer.flush();
    }
    if (std::ranges::find(switched_faults, name) == switched_faults.end())
        return fail(ErrorCode::invalid, "no fault `{}`: expected poison-record, {}", name,
                    fmt::join(switched_faults, ", "));
    const std::string file = data_dir + "/faults/" + name;
    if (on) return engine::write_file_whole(file, "");
    std::error_code error;
    fs::remove(file, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", file, error.message());
    return {};
}

}  // namespace medic::live

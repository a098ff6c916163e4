#include "tests/ranking/record/faults.h"

#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_client.h"
#include "engine/common/rest_internal.h"
#include "engine/workload/kafka_delivery.h"

namespace medic::ranking_test {
namespace {

using engine::call_json;
using engine::call_rest;
using engine::json_call;
using engine::lab::Role;
using nlohmann::json;
using Truths = Result<std::vector<Truth>>;

constexpr const char* system_side = "system";
constexpr const char* user_side = "user";

std::vector<Truth> one(std::string cause, std::string subject, const char* side) {
    return {{{std::move(cause)}, std::move(subject), side}};
}

// --- processes ---

Result<std::string> signal_worker(Stage& stage, int signal) {
    MEDIC_TRY(const std::string node, stage.lab.working_taskmanager());
    MEDIC_CHECK(stage.lab.signal(node, signal));
    return node;
}
Truths taskmanager_lost(Stage& stage) {
    MEDIC_TRY(const std::string node, signal_worker(stage, SIGKILL));
    return one("flink.taskmanager-lost", "taskmanager/" + node, system_side);
}
Truths taskmanager_frozen(Stage& stage) {
    MEDIC_TRY(const std::string node, signal_worker(stage, SIGSTOP));
    return one("flink.taskmanager-frozen", "taskmanager/" + node, system_side);
}
template <int Signal>
Truths signal_node(Stage& stage, const char* node, std::vector<Truth> truths) {
    MEDIC_CHECK(stage.lab.signal(node, Signal));
    return truths;
}
Truths broker_lost(Stage& stage) {
    return signal_node<SIGKILL>(stage, "broker-2", one("kafka.broker-lost", "broker/2", system_side));
}
Truths broker_frozen(Stage& stage) {
    return signal_node<SIGSTOP>(stage, "broker-3", one("kafka.broker-frozen", "broker/3", system_side));
}
Truths worker_lost(Stage& stage) {
    return signal_node<SIGKILL>(stage, "connect-1", one("connect.worker-lost", "", system_side));
}
Truths worker_frozen(Stage& stage) {
    return signal_node<SIGSTOP>(stage, "connect-1", one("connect.worker-frozen", "", system_side));
}
Truths jobmanager_lost(Stage& stage) {
    return signal_node<SIGKILL>(stage, "jobmanager", one("flink.jobmanager-lost", "", system_side));
}
Truths jobmanager_frozen(Stage& stage) {
    return signal_node<SIGSTOP>(stage, "jobmanager", one("flink.jobmanager-frozen", "", system_side));
}
Truths job_lost(Stage& stage) {
    MEDIC_CHECK(stage.lab.signal("jobmanager", SIGKILL));
    std::this_thread::sleep_for(std::chrono::seconds(6));
    MEDIC_CHECK(stage.lab.start("jobmanager"));
    return std::vector<Truth>{{{"flink.job-lost"}, "job/fleet-monitor", system_side},
                              {{"flink.jobmanager-lost"}, "", system_side, true}};
}
Truths two_brokers_lost(Stage& stage) {
    MEDIC_CHECK(stage.lab.signal("broker-2", SIGKILL));
    MEDIC_CHECK(stage.lab.signal("broker-3", SIGKILL));
    return std::vector<Truth>{{{"kafka.broker-lost"}, "broker/2", system_side},
                              {{"kafka.broker-lost"}, "broker/3", system_side}};
}

// A process that gets the processor for a tenth of the time only.
class Throttle {
public:
    Throttle(engine::drill::Platform& lab, std::string node)
        : thread_([&lab, node = std::move(node)](const std::stop_token& stop) {
              constexpr std::chrono::milliseconds stopped{135}, running{15};
              while (!stop.stop_requested()) {
                  (void)lab.signal(node, SIGSTOP);
                  std::this_thread::sleep_for(stopped);
                  (void)lab.signal(node, SIGCONT);
                  std::this_thread::sleep_for(running);
              }
          }) {}

private:
    std::jthread thread_;
};
Truths taskmanager_slow(Stage& stage) {
    MEDIC_TRY(const std::string node, stage.lab.working_taskmanager());
    stage.held.push_back(std::make_shared<Throttle>(stage.lab, node));
    return one("flink.subtask-slow", "taskmanager/" + node, system_side);
}

// --- what jobs and connectors depend on ---

Truths inject_drill(Stage& stage, std::string_view name, std::string subject) {
    for (const engine::drill::DrillCase& drill : engine::drill::cases::all_cases()) {
        if (drill.name != name) continue;
        MEDIC_CHECK(drill.inject(stage.lab));
        return std::vector<Truth>{{{drill.expected_cause}, std::move(subject), drill.expected_side}};
    }
    return fail(ErrorCode::invalid, "no drill {}", name);
}
Truths bad_deployment(Stage& stage) { return inject_drill(stage, "bad-deployment", "job/fleet-monitor"); }
Truths stuck_sink(Stage& stage) { return inject_drill(stage, "stuck-connector", "connector-task/inventory-sink/0"); }
// The other service does err, once: the job restarts for that, and does not come back for the sink that hangs.
Truths restart_blocked(Stage& stage) {
    MEDIC_TRY(std::vector<Truth> truths, inject_drill(stage, "stuck-flink-connector", "job/fleet-monitor"));
    truths.push_back({{"flink.dependency-unavailable"}, "job/fleet-monitor", system_side, true});
    return truths;
}
// It goes on until nothing is left: right words are its growth, then that it is late, then that it is over.
Truths disk_fills(Stage& stage) {
    MEDIC_TRY(std::vector<Truth> truths, inject_drill(stage, "disk-fill", ""));
    truths.front().causes.insert(truths.front().causes.end(), {"kafka.disk-ran-full", "kafka.disk-filling"});
    return truths;
}
Truths load_grows(Stage& stage) { return inject_drill(stage, "load-growth", "job/fleet-monitor"); }

Truths lookup_fails(Stage& stage) {
    constexpr int for_long = 1'000'000;
    MEDIC_CHECK(stage.lab.fail_next("lookup", for_long));
    return std::vector<Truth>{{{"flink.dependency-unavailable"}, "job/fleet-monitor", system_side}};
}
Truths confirm_fails(Stage& stage) {
    constexpr int for_long = 1'000'000;
    MEDIC_CHECK(stage.lab.fail_next("confirm", for_long));
    return std::vector<Truth>{
        {{"connect.task-failed", "connect.dependency-overloaded"}, "connector-task/inventory-sink/0", system_side}};
}

// The program that serves both dies: nobody listens where they were.
Truths services_down(Stage& stage) {
    MEDIC_CHECK(stage.lab.signal(stage.lab.plan().only(Role::workload).name, SIGKILL));
    return std::vector<Truth>{{{"flink.dependency-unavailable"}, "job/fleet-monitor", system_side},
                              {{"connect.task-failed"}, "connector-task/inventory-sink/0", system_side}};
}

// Another process holds the sink's database.
Truths database_locked(Stage& stage) {
    sqlite3* db = nullptr;
    if (sqlite3_open((stage.lab.data_dir() + "/inventory.db").c_str(), &db) != SQLITE_OK)
        return fail(ErrorCode::unavailable, "inventory.db can't be opened");
    stage.held.push_back(std::shared_ptr<sqlite3>(db, [](sqlite3* mine) { sqlite3_close(mine); }));
    sqlite3_busy_timeout(db, 10'000);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
        return fail(ErrorCode::unavailable, "inventory.db: {}", sqlite3_errmsg(db));
    return std::vector<Truth>{
        {{"connect.task-failed", "connect.dependency-overloaded"}, "connector-task/inventory-sink/0", system_side}};
}
Truths table_dropped(Stage& stage) {
    sqlite3* db = nullptr;
    if (sqlite3_open((stage.lab.data_dir() + "/inventory.db").c_str(), &db) != SQLITE_OK)
        return fail(ErrorCode::unavailable, "inventory.db can't be opened");
    sqlite3_busy_timeout(db, 10'000);
    const int code = sqlite3_exec(db, "DROP TABLE records", nullptr, nullptr, nullptr);
    sqlite3_close(db);
    if (code != SQLITE_OK) return fail(ErrorCode::unavailable, "inventory.db: could not drop the table");
    return one("connect.table-missing", "connector/inventory-sink", user_side);
}

// --- settings and records ---

Status set_connector(Stage& stage, const std::string& name, const json& changes) {
    const std::string url = fmt::format("http://127.0.0.1:{}/connectors/{}/config",
                                        stage.lab.plan().only(Role::connect_worker).ports.at("rest"), name);
    json config = json::object();
    if (auto present = call_json({.url = url})) config = *std::move(present);
    config.update(changes);
    return call_rest(json_call("PUT", url, config));
}
Truths sink_option_invalid(Stage& stage) {
    MEDIC_CHECK(set_connector(stage, "inventory-sink", {{"confirm.address", "confirm-service"}}));
    return one("connect.option-invalid", "connector/inventory-sink", user_side);
}
Truths sink_unreachable(Stage& stage) {
    MEDIC_CHECK(set_connector(stage, "inventory-sink", {{"confirm.address", "127.0.0.1:9"}}));
    // The service is well where it was: who changed the setting has to change it back.
    return one("connect.option-invalid", "connector/inventory-sink", user_side);
}
Truths sink_path_gone(Stage& stage) {
    MEDIC_CHECK(set_connector(stage, "inventory-sink", {{"db.path", "/mnt/absent/inventory.db"}}));
    return std::vector<Truth>{
        {{"connect.option-invalid", "connect.task-failed"}, "connector/inventory-sink", user_side}};
}
Result<std::unique_ptr<engine::workload::KafkaDelivery>> producer(Stage& stage) {
    return engine::workload::KafkaDelivery::connect(stage.lab.plan().bootstrap());
}
Truths poison_record(Stage& stage) {
    MEDIC_CHECK(
        set_connector(stage, "inventory-sink", {{"value.converter", "org.apache.kafka.connect.json.JsonConverter"}}));
    std::this_thread::sleep_for(std::chrono::seconds(5));
    MEDIC_TRY(const auto delivery, producer(stage));
    MEDIC_CHECK(delivery->deliver("inventory", {{0, "s-1", "{\"id\": 7, \"server\": \"s-1"}}));
    return one("connect.poison-record", "connector-task/inventory-sink/0", user_side);
}
Truths job_poison_record(Stage& stage) {
    MEDIC_TRY(const auto delivery, producer(stage));
    MEDIC_CHECK(delivery->deliver("fleet-events", {{0, "s-1", "\x01\x02not an event"}}));
    return one("flink.poison-record", "job/fleet-monitor", user_side);
}
std::unique_ptr<KafkaClient> admin(Stage& stage) {
    std::vector<std::string> bootstrap;
    for (const auto& process : stage.lab.plan().processes)
        if (process.role == Role::broker) bootstrap.push_back(fmt::format("127.0.0.1:{}", process.ports.at("kafka")));
    KafkaClientOptions options;
    options.bootstrap = std::move(bootstrap);
    return std::make_unique<KafkaClient>(std::move(options));
}
Status alter_topic(Stage& stage, const std::string& topic, const std::string& name, const std::string& value) {
    wire::IncrementalAlterConfigsRequest request;
    request.resources.push_back({static_cast<std::int8_t>(wire::ConfigResource::topic), topic, {{name, 0, value}}});
    MEDIC_TRY(const auto answer, admin(stage)->call(KafkaTarget::controller(), request));
    for (const auto& resource : answer.resources)
        if (resource.error != wire::KafkaError::none)
            return fail(ErrorCode::not_ready, "{}: {}", topic, resource.error_message.value_or("refused"));
    return {};
}
Truths records_too_large(Stage& stage) {
    MEDIC_CHECK(alter_topic(stage, "inventory", "max.message.bytes", "20"));
    return one("connect.record-too-large", "connector-task/inventory-source/0", user_side);
}
// One copy more than there are brokers is asked for as soon as one is gone: the producers' errors are the last thing
// seen.
Truths broker_lost_with_tight_isr(Stage& stage) {
    MEDIC_CHECK(alter_topic(stage, "inventory", "min.insync.replicas", "3"));
    std::this_thread::sleep_for(std::chrono::seconds(3));
    MEDIC_CHECK(stage.lab.signal("broker-2", SIGKILL));
    return one("kafka.broker-lost", "broker/2", system_side);
}
Truths topic_deleted(Stage& stage) {
    wire::DeleteTopicsRequest request;
    request.topics.push_back({"inventory", {}});
    request.names.emplace_back("inventory");
    MEDIC_CHECK(admin(stage)->call(KafkaTarget::controller(), request));
    // One connector writes it, the other one reads it.
    return std::vector<Truth>{{{"connect.topic-missing"}, "connector/inventory-sink", user_side},
                              {{"connect.topic-missing"}, "connector/inventory-source", user_side}};
}

// --- two at once, on different subjects ---

template <Truths (*First)(Stage&), Truths (*Second)(Stage&)>
Truths both(Stage& stage) {
    MEDIC_TRY(std::vector<Truth> truths, First(stage));
    MEDIC_TRY(const std::vector<Truth> more, Second(stage));
    truths.insert(truths.end(), more.begin(), more.end());
    return truths;
}

// On a busy machine parallelism 2 only just carries the usual load, and 4 the grown one.
const engine::drill::LabShape roomy{.slots = 8, .job_parallelism = 3};

}  // namespace

const std::vector<Fault>& all_faults() {
    using Seconds = std::chrono::seconds;
    constexpr Seconds usual{20};
    static const std::vector<Fault> faults = {
        {"taskmanager-lost", "kill -9 of a task manager", "the peers' broken connections", taskmanager_lost},
        {"taskmanager-frozen", "kill -STOP of a task manager", "the peers' and the job manager's time-outs",
         taskmanager_frozen, usual, Seconds(62)},
        {"taskmanager-slow", "a task manager gets a tenth of the processor", "", taskmanager_slow, Seconds(100),
         Seconds(90)},
        {"jobmanager-lost", "kill -9 of the job manager", "", jobmanager_lost},
        {"jobmanager-frozen", "kill -STOP of the job manager", "", jobmanager_frozen},
        {"job-lost", "the job manager dies and comes back without its job", "", job_lost},
        {"broker-lost", "kill -9 of a broker", "", broker_lost},
        {"broker-frozen", "kill -STOP of a broker", "", broker_frozen},
        {"two-brokers-lost", "kill -9 of two of three brokers", "partitions without a leader, clients' errors",
         two_brokers_lost},
        {"broker-lost-tight-isr", "kill -9 of a broker while a topic wants all three copies",
         "the source connector's refused records", broker_lost_with_tight_isr},
        {"worker-lost", "kill -9 of the Connect worker", "", worker_lost},
        {"worker-frozen", "kill -STOP of the Connect worker", "tasks that move nothing", worker_frozen, usual,
         Seconds(60)},
        {"bad-deployment", "a version that dereferences null on some records", "", bad_deployment, usual, Seconds(50)},
        {"restart-blocked", "a sink hangs and ignores its cancellation, then another service errs once",
         "the other service's exception", restart_blocked},
        {"stuck-sink", "a connector's call never returns", "", stuck_sink},
        {"disk-fills", "one topic grows to 60, 80 % of a broker's disk", "", disk_fills},
        {"load-grows", "the offered load grows five-fold", "", load_grows, usual, Seconds(50), roomy},
        {"lookup-fails", "a service that the job asks answers errors", "", lookup_fails},
        {"confirm-fails", "a service that the sink asks answers errors", "", confirm_fails},
        {"database-locked", "another program holds the sink's database", "", database_locked},
        {"table-dropped", "the sink's table is dropped", "", table_dropped},
        {"sink-option-invalid", "a sink is given an address that is none", "", sink_option_invalid},
        {"sink-unreachable", "a sink is given an address where nobody listens", "", sink_unreachable},
        {"sink-path-gone", "a sink is given a path that does not exist", "", sink_path_gone},
        {"poison-record", "half a JSON object in a connector's topic", "", poison_record},
        {"job-poison-record", "a record that is no event in the job's topic", "", job_poison_record},
        {"records-too-large", "a topic takes only small records", "", records_too_large},
        {"topic-deleted", "the connectors' topic is deleted", "", topic_deleted},
        {"two-taskmanager-and-sink", "kill -9 of a task manager, and a connector's call never returns",
         "the peers' broken connections", both<stuck_sink, taskmanager_lost>},
        {"two-broker-and-deployment", "kill -9 of a broker, and a version that dereferences null", "",
         both<bad_deployment, broker_lost>, usual, Seconds(50)},
        {"two-worker-and-broker", "kill -9 of the Connect worker, kill -STOP of a broker", "",
         both<worker_lost, broker_frozen>},
        {"services-down", "the program that serves the job's and the sink's calls dies", "", services_down},
        {"two-topic-and-taskmanager", "the connectors' topic is deleted, and kill -9 of a task manager",
         "the peers' broken connections", both<topic_deleted, taskmanager_lost>},
        {"two-disk-and-sink", "one topic fills a broker's disk, and a sink with an invalid option", "",
         both<sink_option_invalid, disk_fills>},
        {"two-lookup-and-broker", "a service that the job asks answers errors, and kill -9 of a broker", "",
         both<lookup_fails, broker_lost>},
        {"two-worker-and-jobmanager", "kill -9 of the Connect worker and of the job manager", "",
         both<worker_lost, jobmanager_lost>},
        {"two-sink-option-and-taskmanager", "a sink with an invalid option, and kill -9 of a task manager",
         "the peers' broken connections", both<sink_option_invalid, taskmanager_lost>},
    };
    return faults;
}

}  // namespace medic::ranking_test

// Kafka Connect's contract on real processes: a controller, a broker, a worker and its tasks. A task that hangs in a
// call stays RUNNING; a restart leaves it behind; killing its process fails it, and then a restart works. The sink has
// every record exactly once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "agent/world/real/http_client.h"
#include "agent/world/real/kafka_consumer.h"
#include "agent/world/real/kafka_producer.h"
#include "engine/common/process.h"
#include "engine/workload/service.h"

namespace medic {
namespace {

using namespace medic::engine;
using nlohmann::json;
using testing::HasSubstr;

constexpr std::chrono::seconds patience{60};  // Generous: no figure is measured here.

class ConnectContract : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/medic-contract-XXXXXX";
        folder_ = mkdtemp(name);
        service_ = *workload::Service::start({});
        const auto controller = fmt::format("127.0.0.1:{}", *lasting_port());
        const auto broker = bootstrap_ = fmt::format("127.0.0.1:{}", *lasting_port());
        rest_port_ = *lasting_port();
        page_port_ = *lasting_port();
        start("controller", {"controller", "--listen", controller, "--data", folder_ + "/controller"});
        start("broker",
              {"broker", "--id", "1", "--controller", controller, "--listen", broker, "--data", folder_ + "/broker",
               "--config", "offsets.topic.replication.factor=1", "--config", "offsets.topic.num.partitions=1"});
        worker_ =
            start("worker", {"connect-worker", "--bootstrap", broker, "--data", folder_ + "/connect", "--rest-port",
                             std::to_string(rest_port_), "--metrics-port", std::to_string(page_port_),
                             "--task-shutdown-graceful-timeout-ms", "1000", "--offset-flush-interval-ms", "200"});
        wait_until("the worker answers", [&] { return try_ask("GET", "/").has_value(); });
    }

    void TearDown() override {
        for (auto process = processes_.rbegin(); process != processes_.rend(); ++process)
            terminate(*process, Duration{10'000});
        if (HasFailure()) {
            for (const auto& entry : std::filesystem::directory_iterator(folder_))
                if (entry.path().extension() == ".log")
                    std::cerr << "== " << entry.path() << "\n" << std::ifstream(entry.path()).rdbuf();
        }
        std::filesystem::remove_all(folder_);
    }

    ProcessId start(const std::string& name, std::vector<std::string> arguments) {
        ProcessSpec spec;
        spec.argv = std::move(arguments);
        spec.argv.insert(spec.argv.begin(), MEDIC_BINARY_DIR "/medic-engine");
        spec.log_file = folder_ + "/" + name + ".log";
        auto process = spawn(spec);
        EXPECT_TRUE(process) << (process ? "" : process.error().message);
        processes_.push_back(*process);
        return *process;
    }

    void wait_until(const std::string& what, const std::function<bool()>& holds) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!holds()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain until " << what;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    Result<HttpReply> try_ask(const std::string& method, const std::string& target, const json& body = nullptr) {
        HttpCall call;
        call.method = method;
        call.url = fmt::format("http://127.0.0.1:{}{}", rest_port_, target);
        call.timeout = Duration{30'000};
        if (!body.is_null()) {
            call.body = body.dump();
            call.headers = {{"content-type", "application/json"}};
        }
        return client_.perform(call);
    }
    int ask(const std::string& method, const std::string& target, const json& body = nullptr) {
        const auto reply = try_ask(method, target, body);
        return reply ? reply->status : 0;
    }
    json get(const std::string& target) {
        const auto reply = try_ask("GET", target);
        return reply ? json::parse(reply->body, nullptr, false) : json();
    }
    std::string state_of(const std::string& connector) {
        return get("/connectors/" + connector + "/tasks/0/status").value("state", "");
    }

    void create_pair(const std::map<std::string, std::string>& of_the_sink = {}) {
        ASSERT_EQ(ask("PUT", "/connectors/numbers/config",
                      {{"connector.class", "GeneratorSource"},
                       {"topic", "numbers"},
                       {"rate", "500"},
                       {"fields", "n=seq"},
                       {"topic.creation.default.partitions", "2"},
                       {"topic.creation.default.replication.factor", "1"}}),
                  201);
        json sink = {{"connector.class", "SqliteSink"},
                     {"topics", "numbers"},
                     {"db.path", database()},
                     {"confirm.address", fmt::format("127.0.0.1:{}", service_->port())}};
        sink.update(json(of_the_sink));
        ASSERT_EQ(ask("PUT", "/connectors/out/config", sink), 201);
    }
    std::string database() const { return folder_ + "/out.db"; }

    // The numbers that the sink has written, as they stand there.
    std::vector<std::int64_t> written() {
        std::vector<std::int64_t> numbers;
        sqlite3* db = nullptr;
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_open_v2(database().c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK &&
            sqlite3_prepare_v2(db, "SELECT value FROM records", -1, &statement, nullptr) == SQLITE_OK) {
            while (sqlite3_step(statement) == SQLITE_ROW)
                numbers.push_back(json::parse(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)))
                                      .at("n")
                                      .get<std::int64_t>());
        }
        sqlite3_finalize(statement);
        sqlite3_close(db);
        return numbers;
    }

    std::int64_t generated() {
        const json offsets = get("/connectors/numbers/offsets");
        return offsets.contains("offsets") && !offsets["offsets"].empty()
                   ? offsets["offsets"][0]["offset"].value("seq", std::int64_t{0})
                   : 0;
    }

    // The worker's children with this connector's name in their argument lists, as an operator would look for them.
    std::vector<ProcessId> tasks_of(const std::string& connector) {
        std::vector<ProcessId> found;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string pid = entry.path().filename();
            if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
            std::ifstream file(entry.path() / "cmdline");
            const std::string arguments((std::istreambuf_iterator<char>(file)), {});
            std::ifstream stat(entry.path() / "stat");
            std::string ignored, parent;
            stat >> ignored >> ignored >> ignored >> parent;
            const std::string wanted = std::string("--connector") + '\0' + connector + '\0' + "--task" + '\0' + "0";
            if (parent == std::to_string(worker_.pid) && arguments.find(wanted) != std::string::npos) {
                if (const auto process = find_process(std::stoi(pid))) found.push_back(*process);
            }
        }
        return found;
    }
    ProcessId task_process(const std::string& connector) {
        const auto found = tasks_of(connector);
        return found.empty() ? ProcessId{} : found.front();
    }

    // The sink's task waits for a confirmation that never comes; its process.
    ProcessId hang_the_sink() {
        create_pair();
        // Rows may be there before the first confirmation is asked for: then there is no connection to forget yet.
        wait_until("records are confirmed", [&] { return service_->answered() > 0; });
        service_->forget_connection();
        wait_until("a request stays unanswered", [&] { return service_->unanswered() > 0; });
        EXPECT_NE(task_process("out").pid, 0);
        return task_process("out");
    }

    // Stops the source, lets the sink catch up and compares.
    void expect_each_number_once() {
        ASSERT_EQ(ask("PUT", "/connectors/numbers/pause"), 202);
        wait_until("the source pauses", [&] { return state_of("numbers") == "PAUSED"; });
        const auto expected = static_cast<std::size_t>(generated());
        wait_until("the sink has caught up", [&] { return written().size() >= expected; });
        const auto numbers = written();
        const std::set<std::int64_t> distinct(numbers.begin(), numbers.end());
        EXPECT_EQ(distinct.size(), numbers.size()) << "doubled";
        EXPECT_EQ(distinct.size(), expected);
        EXPECT_EQ(*distinct.rbegin(), static_cast<std::int64_t>(expected) - 1) << "lost";
    }

    // A record that is no JSON among the numbers.
    void deliver(const std::string& value) {
        KafkaClient client({.bootstrap = {bootstrap_}});
        KafkaProducer producer(client, {});
        KafkaRecord record;
        record.topic = "numbers";
        record.partition = 1;
        record.value = value;
        ASSERT_TRUE(producer.append(record));
        const Status written = producer.flush();
        ASSERT_TRUE(written) << written.error().message;
    }
    std::int64_t committed(int partition) {
        const json answer = get("/connectors/out/offsets");
        for (const auto& one : answer.value("offsets", json::array()))
            if (one["partition"]["kafka_partition"] == partition)
                return one["offset"]["kafka_offset"].get<std::int64_t>();
        return -1;
    }
    void set(const std::map<std::string, std::string>& settings) {
        json config = get("/connectors/out/config");
        for (const auto& [name, value] : settings) config[name] = value;
        ASSERT_EQ(ask("PUT", "/connectors/out/config", config), 200);
    }
    // The pair, with a sink that has failed at the record that `poison` is; its offset. The sink knows the converter
    // from its start: settings that are put later count from the next task on, and the one before may read the record
    // in its last turn.
    std::int64_t create_poisoned(const std::string& poison) {
        create_pair({{"value.converter", "org.apache.kafka.connect.json.JsonConverter"}});
        wait_until("records arrive", [&] { return !written().empty(); });
        deliver(poison);
        wait_until("the task is FAILED", [&] { return state_of("out") == "FAILED"; });
        const auto trace = get("/connectors/out/tasks/0/status").value("trace", "");
        const std::string before = "topic 'numbers' partition 1 at offset ";
        const auto at = trace.find(before);
        EXPECT_NE(at, std::string::npos) << trace;
        return at == std::string::npos ? -1 : std::stoll(trace.substr(at + before.size()));
    }

    std::string folder_, bootstrap_;
    std::uint16_t rest_port_ = 0, page_port_ = 0;
    std::unique_ptr<workload::Service> service_;
    std::vector<ProcessId> processes_;
    ProcessId worker_;
    HttpClient client_;
};

TEST_F(ConnectContract, PausesResumesAndRestartsRunningTasks) {
    create_pair();
    wait_until("records arrive", [&] { return !written().empty(); });
    EXPECT_EQ(state_of("out"), "RUNNING");
    const ProcessId before = task_process("out");
    ASSERT_NE(before.pid, 0);

    ASSERT_EQ(ask("PUT", "/connectors/out/pause"), 202);
    wait_until("the sink pauses", [&] { return state_of("out") == "PAUSED"; });
    EXPECT_EQ(get("/connectors/out/status")["connector"]["state"], "PAUSED");
    ASSERT_EQ(ask("PUT", "/connectors/out/resume"), 202);
    wait_until("the sink runs", [&] { return state_of("out") == "RUNNING"; });

    EXPECT_EQ(ask("POST", "/connectors/out/tasks/0/restart"), 204);
    wait_until("the new task runs", [&] { return state_of("out") == "RUNNING"; });
    // One that needs longer than a graceful stop may take ends beside its successor.
    wait_until("the one before has ended", [&] { return !is_alive(before); });
    EXPECT_NE(task_process("out"), before);
    expect_each_number_once();
    wait_until("the group's offsets are shown",
               [&] { return get("/connectors/out/offsets").value("offsets", json::array()).size() == 2; });
}

TEST_F(ConnectContract, AHungTaskIsLeftBehindByARestartAndTheNextOneTakesOver) {
    const ProcessId hung = hang_the_sink();
    EXPECT_EQ(ask("POST", "/connectors/out/tasks/0/restart"), 204);
    wait_until("the next task runs", [&] { return state_of("out") == "RUNNING" && tasks_of("out").size() == 2; });
    EXPECT_TRUE(is_alive(hung));
    expect_each_number_once();
    EXPECT_TRUE(is_alive(hung));

    ASSERT_EQ(ask("POST", "/connectors/out/tasks/0/restart"), 204);
    wait_until("the next but one runs", [&] { return state_of("out") == "RUNNING"; });
    wait_until("only the one that hangs is left behind", [&] { return tasks_of("out").size() == 2; });
}

TEST_F(ConnectContract, AHungTaskStaysRunningUntilItsProcessIsKilled) {
    const ProcessId hung = hang_the_sink();
    EXPECT_EQ(state_of("out"), "RUNNING");
    EXPECT_EQ(state_of("numbers"), "RUNNING");  // Its neighbour is not touched.

    ASSERT_TRUE(send_signal(hung, SIGKILL));
    wait_until("the task is FAILED", [&] { return state_of("out") == "FAILED"; });
    EXPECT_THAT(get("/connectors/out/tasks/0/status").at("trace").get<std::string>(),
                HasSubstr("killed by signal 9 (Killed)"));

    EXPECT_EQ(ask("POST", "/connectors/out/tasks/0/restart"), 204);
    wait_until("the new task runs", [&] { return state_of("out") == "RUNNING"; });
    expect_each_number_once();
}

TEST_F(ConnectContract, AConnectorsExceptionIsItsTrace) {
    ASSERT_EQ(ask("PUT", "/connectors/bad/config",
                  {{"connector.class", "FileStreamSink"},
                   {"topics", "numbers"},
                   {"file", folder_ + "/no/such/folder/out.txt"}}),
              201);
    wait_until("the task is FAILED", [&] { return state_of("bad") == "FAILED"; });
    const auto trace = get("/connectors/bad/tasks/0/status").at("trace").get<std::string>();
    EXPECT_THAT(trace, HasSubstr("org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to "
                                 "unrecoverable exception."));
    EXPECT_THAT(trace, HasSubstr("Caused by: org.apache.kafka.connect.errors.ConnectException: open "));
    EXPECT_THAT(trace, HasSubstr("\tat medic::engine::connectors::FileSinkTask::start("));
}

TEST_F(ConnectContract, APoisonRecordGoesToTheDeadLetterQueueAndTheRestFlows) {
    ASSERT_GE(create_poisoned("{no json"), 0);
    set({{"errors.tolerance", "all"},
         {"errors.deadletterqueue.topic.name", "bad"},
         {"errors.deadletterqueue.topic.replication.factor", "1"},
         {"errors.deadletterqueue.context.headers.enable", "true"}});
    wait_until("the sink runs", [&] { return state_of("out") == "RUNNING"; });
    expect_each_number_once();
    KafkaConsumerOptions options;
    options.client = {.bootstrap = {bootstrap_}};
    KafkaConsumer consumer(options);
    ASSERT_TRUE(consumer.assign({{{"bad", 0}, kFromEarliest}}));
    std::map<std::string, std::string> headers;
    std::vector<std::string> letters;
    wait_until("the letter is there", [&] {
        static_cast<void>(consumer.poll(std::chrono::milliseconds(200), [&](const ConsumedRecord& record) {
            letters.emplace_back(record.record.value.value_or(""));
            for (const auto& [name, value] : record.record.headers) headers[std::string(name)] = value.value_or("");
        }));
        return !letters.empty();
    });
    EXPECT_EQ(letters, std::vector<std::string>{"{no json"});
    EXPECT_EQ(headers["__connect.errors.topic"], "numbers");
    EXPECT_EQ(headers["__connect.errors.partition"], "1");
    EXPECT_EQ(headers["__connect.errors.connector.name"], "out");
}

// KIP-875: read record by record up to it, stop, set the group behind it, resume.
TEST_F(ConnectContract, AStoppedSinksGroupIsSetBehindOneRecord) {
    const std::int64_t poison = create_poisoned("{no json");
    ASSERT_GE(poison, 0);
    // Else thousands of records lie before it, each with a commit of its own.
    ASSERT_EQ(ask("PUT", "/connectors/numbers/pause"), 202);
    set({{"consumer.override.max.poll.records", "1"}});
    wait_until("the task has failed at the record itself",
               [&] { return state_of("out") == "FAILED" && committed(1) == poison; });
    const json behind = {{"offsets",
                          {{{"partition", {{"kafka_topic", "numbers"}, {"kafka_partition", 1}}},
                            {"offset", {{"kafka_offset", poison + 1}}}}}}};
    EXPECT_EQ(ask("PATCH", "/connectors/out/offsets", behind), 400) << "it is not stopped";
    ASSERT_EQ(ask("PUT", "/connectors/out/stop"), 204);
    EXPECT_EQ(get("/connectors/out/status")["tasks"], json::array());
    wait_until("its group is empty and set", [&] { return ask("PATCH", "/connectors/out/offsets", behind) == 200; });
    EXPECT_EQ(committed(1), poison + 1);
    ASSERT_EQ(ask("PUT", "/connectors/out/resume"), 202);
    wait_until("the sink runs", [&] { return state_of("out") == "RUNNING"; });
    set({{"consumer.override.max.poll.records", "500"}});
    wait_until("the sink runs again", [&] { return state_of("out") == "RUNNING"; });
    expect_each_number_once();
}

TEST_F(ConnectContract, TasksEndWithTheirWorker) {
    create_pair();
    wait_until("records arrive", [&] { return !written().empty(); });
    const ProcessId source = task_process("numbers"), sink = task_process("out");
    ASSERT_TRUE(send_signal(worker_, SIGKILL));
    wait_until("the tasks are gone", [&] { return !is_alive(source) && !is_alive(sink); });
}

TEST_F(ConnectContract, ThePageCarriesTheRealNames) {
    create_pair();
    wait_until("records arrive", [&] { return !written().empty(); });
    HttpCall call;
    call.url = fmt::format("http://127.0.0.1:{}/metrics", page_port_);
    wait_until("the sink has sent records", [&] {
        const auto page = client_.perform(call);
        return page && page->body.find("kafka_connect_sink_task_put_batch_avg_time_ms{connector=\"out\",task=\"0\"}") !=
                           std::string::npos;
    });
    const auto page = client_.perform(call);
    ASSERT_TRUE(page);
    for (const char* line : {"kafka_connect_connector_task_status{connector=\"out\",status=\"running\",task=\"0\"} 1\n",
                             "kafka_connect_source_task_source_record_write{connector=\"numbers\",task=\"0\"} ",
                             "kafka_connect_sink_task_sink_record_send{connector=\"out\",task=\"0\"} ",
                             "kafka_connect_worker_task_count 2\n"})
        EXPECT_THAT(page->body, HasSubstr(line));
}

}  // namespace
}  // namespace medic

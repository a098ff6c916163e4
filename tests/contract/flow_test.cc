// The flow engine's contract on real processes: one job manager, two task managers and a warm spare. Whatever is
// killed, frozen or thrown, the committed files hold every result exactly once, and REST tells what happened as Flink
// does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "agent/collectors/flink/flink_logs.h"
#include "agent/collectors/recorded_internal.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_client.h"
#include "engine/common/process.h"

namespace medic {
namespace {

namespace fs = std::filesystem;
using namespace medic::engine;
using nlohmann::json;
using testing::HasSubstr;

constexpr std::chrono::seconds patience{90};  // Generous: no figure is measured here.

class FlowContract : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/medic-contract-XXXXXX";
        folder_ = mkdtemp(name);
        rest_port_ = *free_port();
        rpc_ = fmt::format("127.0.0.1:{}", *free_port());
        page_port_ = *free_port();
        start("jobmanager",
              {"jobmanager", "--rest", fmt::format("127.0.0.1:{}", rest_port_), "--rpc", rpc_, "--metrics",
               fmt::format("127.0.0.1:{}", page_port_), "--data", folder_ + "/flink", "--config",
               "heartbeat.interval=500 ms", "--config", "heartbeat.timeout=4 s", "--config",
               "restart-strategy.fixed-delay.delay=200 ms", "--config", "execution.checkpointing.interval=200 ms"});
        for (const std::string id : {"tm-1", "tm-2", "tm-3"}) {
            control_ports_[id] = *free_port();
            std::vector<std::string> argv{"taskmanager",
                                          "--resource-id",
                                          id,
                                          "--jobmanager",
                                          rpc_,
                                          "--slots",
                                          "1",
                                          "--control",
                                          fmt::format("127.0.0.1:{}", control_ports_[id])};
            if (id == "tm-3") argv.emplace_back("--standby");
            task_managers_[id] = start(id, argv);
        }
        wait_until("two task managers are registered", [&] { return get("/overview").value("taskmanagers", 0) == 2; });
        wait_until("the spare answers", [&] { return ask("GET", control_ports_["tm-3"], "/status").has_value(); });
    }

    void TearDown() override {
        for (const ProcessId& process : processes_) {
            (void)send_signal(process, SIGCONT);
            terminate(process, Duration{10'000});
        }
        if (HasFailure()) {
            for (const auto& entry : fs::directory_iterator(folder_))
                if (entry.path().extension() == ".log")
                    std::cerr << "== " << entry.path() << "\n" << std::ifstream(entry.path()).rdbuf();
        }
        fs::remove_all(folder_);
    }

    ProcessId start(const std::string& name, std::vector<std::string> arguments) {
        ProcessSpec spec;
        spec.argv = std::move(arguments);
        spec.argv.insert(spec.argv.begin(), MEDIC_BINARY_DIR "/medic-engine");
        spec.log_file = folder_ + "/" + name + ".log";
        const auto process = spawn(spec);
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

    Result<HttpReply> ask(const std::string& method, int port, const std::string& target, const json& body = nullptr) {
        HttpCall call;
        call.method = method;
        call.url = fmt::format("http://127.0.0.1:{}{}", port, target);
        call.timeout = Duration{30'000};
        if (!body.is_null()) call.body = body.dump();
        return client_.perform(call);
    }
    json get(const std::string& target) {
        const auto reply = ask("GET", rest_port_, target);
        return reply && reply->status == 200 ? json::parse(reply->body) : json::object();
    }

    std::string upload() {
        HttpCall call;
        call.method = "POST";
        call.url = fmt::format("http://127.0.0.1:{}/jars/upload", rest_port_);
        call.uploads = {
            {"jarfile", MEDIC_BINARY_DIR "/jobs/word_count.so", "word_count.so", "application/java-archive"}};
        const auto reply = client_.perform(call);
        EXPECT_TRUE(reply && reply->status == 200);
        return fs::path(json::parse(reply->body).at("filename").get<std::string>()).filename().string();
    }
    std::string run(std::vector<std::string> arguments, json more = json::object()) {
        arguments.insert(arguments.end(), {"--output", folder_ + "/out"});
        more["programArgsList"] = arguments;
        if (!more.contains("parallelism")) more["parallelism"] = 2;
        const auto reply = ask("POST", rest_port_, "/jars/" + upload() + "/run", more);
        EXPECT_TRUE(reply && reply->status == 200) << (reply ? reply->body : reply.error().message);
        return json::parse(reply->body).at("jobid").get<std::string>();
    }
    std::string state(const std::string& job) { return get("/jobs/" + job).value("state", ""); }
    int completed(const std::string& job) {
        return get("/jobs/" + job + "/checkpoints").value("/counts/completed"_json_pointer, 0);
    }
    json oldest_exception(const std::string& job) {
        const json entries = get("/jobs/" + job + "/exceptions").at("exceptionHistory").at("entries");
        return entries.empty() ? json::object() : entries.back();
    }

    [[nodiscard]] std::multiset<std::string> committed() const {
        std::multiset<std::string> lines;
        if (!fs::exists(folder_ + "/out")) return lines;
        for (const auto& entry : fs::directory_iterator(folder_ + "/out")) {
            if (entry.path().filename().string().starts_with(".")) continue;
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);) lines.insert(line);
        }
        return lines;
    }
    // What engine/flow/examples/word_count.cc must write for so many records in each of its four partitions.
    static std::multiset<std::string> expected(std::int64_t records) {
        std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> counts;
        for (std::int64_t partition = 0; partition < 4; ++partition)
            for (std::int64_t index = 0; index < records; ++index)
                ++counts[{(index * 7 + partition) % 100, index * 10 / 1'000 * 1'000}];
        std::multiset<std::string> lines;
        for (const auto& [key, count] : counts) lines.insert(fmt::format("{} {} {}", key.first, key.second, count));
        return lines;
    }

    // Stops an endless job with a savepoint and returns its path.
    std::string stop(const std::string& job) {
        std::string trigger;
        wait_until("it can be stopped", [&] {
            const auto asked = ask("POST", rest_port_, "/jobs/" + job + "/stop",
                                   {{"targetDirectory", folder_ + "/savepoints"}, {"drain", false}});
            if (asked && asked->status == 202) trigger = json::parse(asked->body).at("request-id").get<std::string>();
            return !trigger.empty();
        });
        json answer;
        wait_until("the savepoint is complete", [&] {
            answer = get("/jobs/" + job + "/savepoints/" + trigger);
            return answer.value("/status/id"_json_pointer, "") == "COMPLETED";
        });
        EXPECT_TRUE(answer.at("operation").contains("location")) << answer;
        EXPECT_EQ(state(job), "FINISHED");
        return answer.at("operation").value("location", "");
    }
    // Goes on from the savepoint at another parallelism to a known end: all results must then be there, each once.
    void expect_exactly_once_from(const std::string& savepoint) {
        std::int64_t last_window = 0;
        for (const std::string& line : committed()) {
            std::istringstream in(line);
            std::int64_t word = 0, start = 0;
            in >> word >> start;
            last_window = std::max(last_window, start);
        }
        constexpr std::int64_t records_ahead = 50'000;  // Further than any partition can be ahead of the windows.
        const std::int64_t records = last_window / 10 + records_ahead;
        const std::string job =
            run({"--records", std::to_string(records)}, {{"savepointPath", savepoint}, {"parallelism", 1}});
        wait_until("it has finished", [&] { return state(job) == "FINISHED"; });
        EXPECT_EQ(committed(), expected(records));
    }

    std::string folder_, rpc_;
    int rest_port_ = 0, page_port_ = 0;
    std::map<std::string, int> control_ports_;
    std::map<std::string, ProcessId> task_managers_;
    std::vector<ProcessId> processes_;
    HttpClient client_;
};

TEST_F(FlowContract, AKilledTaskManagerIsReplacedByTheSpareAndNothingIsLostOrDoubled) {
    const std::string job = run({"--rate", "4000"});
    wait_until("some checkpoints are complete", [&] { return completed(job) >= 3; });
    ASSERT_TRUE(send_signal(task_managers_["tm-2"], SIGKILL));
    wait_until("the job is restarting", [&] { return state(job) == "RESTARTING"; });
    const json first = oldest_exception(job);
    EXPECT_THAT(first.at("stacktrace").get<std::string>(),
                HasSubstr("Connection unexpectedly closed by remote task manager"));
    // Its peers may tell of the loss before the job manager has struck it off.
    wait_until("it is no longer counted", [&] { return get("/overview").value("taskmanagers", 0) == 1; });
    EXPECT_EQ(state(job), "RESTARTING") << "without a second slot it must wait";
    ASSERT_TRUE(ask("POST", control_ports_["tm-3"], "/activate"));
    const int before = completed(job);
    wait_until("it makes checkpoints again", [&] { return completed(job) >= before + 3; });
    expect_exactly_once_from(stop(job));
    const json metrics = get("/jobs/" + job + "/metrics?get=numRestarts");
    EXPECT_EQ(metrics.at(0).at("value").get<std::string>(), "1");
}

TEST_F(FlowContract, AFrozenTaskManagerIsLostAfterTheHeartbeatTimeoutAndHarmlessWhenItThaws) {
    const std::string job = run({"--rate", "4000"});
    wait_until("some checkpoints are complete", [&] { return completed(job) >= 3; });
    ASSERT_TRUE(send_signal(task_managers_["tm-2"], SIGSTOP));
    ASSERT_TRUE(ask("POST", control_ports_["tm-3"], "/activate"));
    wait_until("it is given up", [&] { return !oldest_exception(job).empty(); });
    EXPECT_THAT(oldest_exception(job).at("stacktrace").get<std::string>(),
                HasSubstr("Heartbeat of TaskManager with id tm-2 timed out."));
    EXPECT_EQ(oldest_exception(job).at("taskManagerId").get<std::string>(), "tm-2");
    wait_until("the job runs again", [&] { return state(job) == "RUNNING"; });
    ASSERT_TRUE(send_signal(task_managers_["tm-2"], SIGCONT));
    wait_until("the thawed one is back, empty", [&] { return get("/taskmanagers/tm-2").value("freeSlots", 0) == 1; });
    expect_exactly_once_from(stop(job));
}

TEST_F(FlowContract, ANullDereferenceNamesTheUsersFrameAndTheRecord) {
    const std::string job = run({"--rate", "4000", "--null-at", "500"});
    wait_until("it has failed", [&] { return !oldest_exception(job).empty(); });
    const json failure = oldest_exception(job);
    EXPECT_EQ(failure.at("exceptionName").get<std::string>(), "medic::engine::flow::NullDereference");
    const std::string trace = failure.at("stacktrace").get<std::string>();
    EXPECT_THAT(trace, HasSubstr("null dereference (SIGSEGV at address 0x0) while handling a record of topic 'words' "
                                 "partition 0 offset 500\n"));
    const std::string frame =
        trace.substr(trace.find("\tat "), trace.find('\n', trace.find("\tat ")) - trace.find("\tat "));
    EXPECT_THAT(frame, HasSubstr("words::letters_of(words::Details const*)"));
    EXPECT_THAT(frame, HasSubstr("word_count.so+0x"));
    EXPECT_EQ(failure.at("taskName").get<std::string>().substr(0, 7), "Source:");
    wait_until("it has failed at the same record again",
               [&] { return get("/jobs/" + job + "/exceptions").at("exceptionHistory").at("entries").size() >= 2; });
    EXPECT_EQ(get("/overview").value("taskmanagers", 0), 2) << "the process lives on, as a JVM does";
}

TEST_F(FlowContract, LogsAreHandedOutAsFilesAndTheAgentReadsTheTraceInThem) {
    const std::string job = run({"--rate", "4000", "--null-at", "500"});
    wait_until("it has failed", [&] { return !oldest_exception(job).empty(); });
    const std::string id = oldest_exception(job).at("taskManagerId").get<std::string>();
    const json list = get("/taskmanagers/" + id + "/logs").at("logs");
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list.at(0).at("name"), id + ".log");
    EXPECT_GT(list.at(0).at("size").get<std::int64_t>(), 0);
    const auto file = ask("GET", rest_port_, "/taskmanagers/" + id + "/logs/" + id + ".log");
    ASSERT_TRUE(file);
    EXPECT_THAT(file->body, HasSubstr("switched from RUNNING to FAILED"));
    EXPECT_EQ(ask("GET", rest_port_, "/taskmanagers/" + id + "/logs/other.log")->status, 404);
    EXPECT_EQ(ask("GET", rest_port_, "/taskmanagers/none/logs")->status, 404);
    EXPECT_EQ(get("/jobmanager/logs").at("logs").at(0).at("name"), "jobmanager.log");
    EXPECT_THAT(ask("GET", rest_port_, "/jobmanager/log")->body, HasSubstr("Registering TaskManager"));

    FlinkLogCollector collector(
        {.cluster = "c", .url = fmt::format("http://127.0.0.1:{}", rest_port_), .target = "c/flink-logs"});
    const auto answer = [&](const std::string& url) -> Result<HttpAnswer> {
        const auto reply = ask("GET", rest_port_, url.substr(url.find('/', sizeof "http://")));
        if (!reply) return std::unexpected(reply.error());
        return HttpAnswer{reply->status, "", reply->body};
    };
    const Observation seen = recorded::look(collector, read_clock().wall, answer);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    const auto found = std::ranges::find_if(
        seen.events, [&](const Event& event) { return event.subject == Subject{"c", "taskmanager", id}; });
    ASSERT_NE(found, seen.events.end());
    EXPECT_THAT(found->text, HasSubstr("words::letters_of"));
}

TEST_F(FlowContract, ATaskThatIgnoresCancellationBlocksTheRestartUntilItsProcessIsKilled) {
    std::ofstream(folder_ + "/stuck").put('\n');
    const std::string job = run({"--records", "2000", "--rate", "4000", "--stubborn", folder_ + "/stuck"});
    const auto is_stuck = [&] {
        return get("/taskmanagers/tm-1/thread-dump").dump().find("medic_flow_job") != std::string::npos;
    };
    wait_until("a sink on tm-1 is stuck", is_stuck);
    ASSERT_TRUE(ask("POST", control_ports_["tm-3"], "/activate"));
    wait_until("there are slots enough without tm-2", [&] { return get("/overview").value("taskmanagers", 0) == 3; });
    ASSERT_TRUE(send_signal(task_managers_["tm-2"], SIGKILL));
    wait_until("the job wants to restart", [&] { return state(job) == "RESTARTING"; });
    std::this_thread::sleep_for(std::chrono::seconds(1));  // Five times the restart delay: more than it would need.
    EXPECT_EQ(state(job), "RESTARTING");
    EXPECT_TRUE(is_stuck());
    EXPECT_EQ(get("/jobs/" + job + "/metrics?get=numRestarts").at(0).at("value").get<std::string>(), "0");
    std::set<std::string> holders;
    const json details = get("/jobs/" + job);
    for (const json& vertex : details.at("vertices")) {
        const json shown = get("/jobs/" + job + "/vertices/" + vertex.at("id").get<std::string>());
        for (const json& subtask : shown.at("subtasks"))
            if (subtask.at("status") == "CANCELING") holders.insert(subtask.at("taskmanager-id").get<std::string>());
    }
    EXPECT_EQ(holders, std::set<std::string>{"tm-1"});

    fs::remove(folder_ + "/stuck");
    ASSERT_TRUE(send_signal(task_managers_["tm-1"], SIGKILL));
    start("tm-4", {"taskmanager", "--resource-id", "tm-4", "--jobmanager", rpc_, "--slots", "1"});
    wait_until("the job has finished", [&] { return state(job) == "FINISHED"; });
    EXPECT_EQ(committed(), expected(2'000));
    EXPECT_THAT(oldest_exception(job).at("stacktrace").get<std::string>(), HasSubstr("[ tm-2 ]"))
        << "the first failure is kept";
}

TEST_F(FlowContract, AStoppedJobGoesOnFromItsSavepointAtAnotherParallelism) {
    const std::string job = run({"--rate", "4000"});
    wait_until("some checkpoints are complete", [&] { return completed(job) >= 2; });
    const std::string path = stop(job);
    const auto refused = ask("POST", rest_port_, "/jars/" + upload() + "/run",
                             {{"programArgsList", {"--output", folder_ + "/out"}},
                              {"savepointPath", path},
                              {"flinkConfiguration", {{"pipeline.max-parallelism", "64"}}}});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 400);
    EXPECT_THAT(refused->body, HasSubstr("Max parallelism mismatch"));

    expect_exactly_once_from(path);
}

TEST_F(FlowContract, AJobWithoutSlotsFailsWithNoResourceAvailableWhenItMayNotRestart) {
    const std::string job =
        run({}, {{"parallelism", 3},
                 {"flinkConfiguration", {{"slot.request.timeout", "300 ms"}, {"restart-strategy.type", "none"}}}});
    wait_until("it has failed", [&] { return state(job) == "FAILED"; });
    EXPECT_THAT(oldest_exception(job).at("stacktrace").get<std::string>(),
                HasSubstr("NoResourceAvailableException: Could not acquire the minimum required resources."));
}

TEST_F(FlowContract, ABrokenArtifactOrArgumentIsRefusedAndHurtsNobody) {
    const std::string jar = upload();
    const auto no_output = ask("POST", rest_port_, "/jars/" + jar + "/run", json::object());
    ASSERT_TRUE(no_output);
    EXPECT_EQ(no_output->status, 400);
    EXPECT_THAT(no_output->body, HasSubstr("missing program argument --output"));
    EXPECT_EQ(ask("POST", rest_port_, "/jars/nothing/run", json::object())->status, 400);
    EXPECT_EQ(ask("GET", rest_port_, "/jobs/nothing")->status, 404);
    EXPECT_EQ(ask("POST", rest_port_, "/jars/" + jar + "/run",
                  {{"savepointPath", folder_ + "/nowhere"}, {"programArgsList", {"--output", folder_ + "/out"}}})
                  ->status,
              400);
    EXPECT_EQ(get("/overview").value("jobs-failed", -1), 0);
}

TEST_F(FlowContract, ThePagesAndAnswersHaveFlinksNames) {
    const std::string job = run({"--rate", "1000"});
    wait_until("a checkpoint is complete", [&] { return completed(job) >= 1; });
    const std::string vertex = get("/jobs/" + job).at("vertices").at(1).at("id").get<std::string>();
    wait_until("there are rates", [&] {
        return get("/jobs/" + job + "/vertices/" + vertex + "/subtasks/metrics?get=busyTimeMsPerSecond").size() == 1;
    });
    wait_until("there is a watermark",
               [&] { return get("/jobs/" + job + "/vertices/" + vertex + "/watermarks").size() == 2; });
    json pressure;
    wait_until("both subtasks are measured", [&] {
        pressure = get("/jobs/" + job + "/vertices/" + vertex + "/backpressure");
        return pressure.at("subtasks").is_array() && pressure.at("subtasks").size() == 2;
    });
    EXPECT_EQ(pressure.at("status"), "ok");
    const auto page = ask("GET", page_port_, "/metrics");
    ASSERT_TRUE(page);
    for (const char* name : {"flink_jobmanager_job_numRestarts{", "flink_jobmanager_job_lastCheckpointDuration{",
                             "flink_jobmanager_taskSlotsAvailable{"})
        EXPECT_THAT(page->body, HasSubstr(name));
    EXPECT_THAT(page->body, HasSubstr("job_name=\"word_count\""));
    EXPECT_EQ(get("/jobs/" + job + "/checkpoints/config").at("interval"), 200);
    const auto cancelled = ask("PATCH", rest_port_, "/jobs/" + job + "?mode=cancel");
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(cancelled->status, 202);
    wait_until("it is cancelled", [&] { return state(job) == "CANCELED"; });
    EXPECT_EQ(get("/overview").value("slots-available", 0), 2);
}

}  // namespace
}  // namespace medic

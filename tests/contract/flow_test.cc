// The flow engine's contract on real processes: one job manager, two task managers and a warm spare. Whatever is
// killed, frozen or thrown, the committed files hold every result exactly once, and REST tells what happened as Flink
// does.
#include <gmock/gmock.h>

#include "agent/collectors/flink/flink_logs.h"
#include "agent/collectors/recorded_internal.h"
#include "agent/world/real/clock.h"
#include "tests/contract/flow_scene.h"

namespace medic {
namespace {

using namespace medic::contract;
using testing::HasSubstr;

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

// As Flink without high availability: the job manager's process is new and knows no job, and the task managers run the
// old tasks until they miss its heartbeat.
TEST_F(FlowContract, TasksRunOnWithoutTheirJobManagerUntilItsHeartbeatTimesOutAndAreStartedFromTheNewestCheckpoint) {
    const std::string lost = run({"--rate", "4000"});
    wait_until("some checkpoints are complete", [&] { return completed(lost) >= 3; });
    const std::string before = get("/jobmanager/config").dump();
    ASSERT_TRUE(send_signal(job_manager_, SIGKILL));
    ASSERT_TRUE(wait_gone(job_manager_, Duration{10'000}));
    start_job_manager();
    wait_until("another one answers", [&] { return get("/overview").contains("taskmanagers"); });
    EXPECT_THAT(before, HasSubstr("flink-web-"));
    EXPECT_NE(get("/jobmanager/config").dump(), before) << "each process has a folder of its own name";
    EXPECT_EQ(get("/jobs/overview").at("jobs"), json::array());
    wait_until("the task managers are back", [&] { return get("/overview").value("slots-available", 0) == 2; });
    for (const char* name : {"tm-1", "tm-2"})
        EXPECT_THAT(log_of(name), HasSubstr("The heartbeat of JobManager timed out. Cancelling 1 executions"));
    EXPECT_EQ(get("/jobs/overview").at("jobs"), json::array()) << "nobody brings it back";

    const std::string job = run({"--rate", "4000"}, {{"savepointPath", newest_checkpoint(lost)}});
    wait_until("some checkpoints are complete", [&] { return completed(job) >= 3; });
    expect_exactly_once_from(stop(job));
}

TEST_F(FlowContract, AJobManagerThatIsStoppedInGoodOrderLetsItsTaskManagersGo) {
    const std::string job = run({"--rate", "4000"});
    wait_until("some checkpoints are complete", [&] { return completed(job) >= 3; });
    ASSERT_TRUE(send_signal(job_manager_, SIGTERM));
    ASSERT_TRUE(wait_gone(job_manager_, Duration{30'000}));
    start_job_manager();
    wait_until("the task managers are back", [&] { return get("/overview").value("slots-available", 0) == 2; });
    for (const char* name : {"tm-1", "tm-2"}) {
        EXPECT_THAT(log_of(name), HasSubstr("The job manager is shutting down. Cancelling 1 executions"));
        EXPECT_THAT(log_of(name), testing::Not(HasSubstr("timed out")));
    }
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
    wait_until("it is still stuck", is_stuck);  // A dump of a busy process may come without its stacks.
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

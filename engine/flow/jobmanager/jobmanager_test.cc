// The job manager over its own REST and RPC, with a task manager that only plays its part: what happens when something
// goes wrong between the messages.
#include "engine/flow/jobmanager/jobmanager_internal.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "engine/flow/jobmanager/rest_internal.h"
#include "engine/flow/runtime/socket.h"

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using json = nlohmann::json;
constexpr auto patience = 60s;  // Of a machine that is busy with other things.

// Has one slot, and one subtask in it. Obeys at once, but ends a task only when the test says so.
class FakeTaskManager {
public:
    explicit FakeTaskManager(int socket) : connection_(socket) {
        connection_.start([this](const json& order) { obey(order); }, [] {});
        connection_.send({{"type", "register"},
                          {"resource_id", "tm-1"},
                          {"host", "127.0.0.1"},
                          {"data_port", 1},
                          {"slots", 1},
                          {"hardware", json::object()}});
    }
    void acknowledge() { say("acknowledge", acknowledgement()); }
    void fail_task() {
        say("failed",
            {{"exception", "java.lang.RuntimeException"}, {"stack_trace", "java.lang.RuntimeException: x\n"}});
    }
    void finish_task() {
        say("state", {{"state", "FINISHED"}});
        say("released");
    }
    [[nodiscard]] bool was_ordered(const std::string& type) const {
        const std::lock_guard lock(mutex_);
        return orders_.contains(type);
    }
    std::atomic<bool> acknowledges = true;

private:
    void obey(const json& order) {
        const std::string type = order.at("type").get<std::string>();
        {
            const std::lock_guard lock(mutex_);
            orders_[type] = order;
        }
        if (type == "deploy") say("deployed");
        if (type == "start") say("state", {{"state", "RUNNING"}});
        if (type == "trigger" && acknowledges) acknowledge();
        if (type == "cancel") say("released");
    }
    [[nodiscard]] json acknowledgement() const {
        const std::lock_guard lock(mutex_);
        return {{"checkpoint", orders_.at("trigger").at("checkpoint")},
                {"size", 1},
                {"alignment_ms", 0},
                {"start_delay_ms", 0},
                {"sync_ms", 0},
                {"async_ms", 0}};
    }
    void say(const char* type, json message = json::object()) {
        message["type"] = type;
        message["vertex"] = message["subtask"] = 0;
        {
            const std::lock_guard lock(mutex_);
            message["job"] = orders_.at("deploy").at("job");
            message["generation"] = orders_.at("deploy").at("generation");
        }
        connection_.send(message);
    }

    mutable std::mutex mutex_;
    std::map<std::string, json> orders_;  // The newest of each type.
    RpcConnection connection_;            // Last: its threads use the rest.
};

class JobManagerTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = fs::temp_directory_path().string() + "/medic-jobmanager-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        manager_.emplace(JobManagerOptions{.rpc = "127.0.0.1:0",
                                           .rest = "127.0.0.1:0",
                                           .metrics = "",
                                           .data_dir = folder_ + "/data",
                                           .settings = {{"restart-strategy.fixed-delay.delay", "10 ms"}},
                                           .executable = describer()});
        ASSERT_TRUE(manager_->start());
        rest_.emplace(*manager_);
        const auto socket = connect_to("127.0.0.1", manager_->rpc_port());
        ASSERT_TRUE(socket);
        task_manager_.emplace(*socket);
        job_ = run();
        wait_until("the job runs", [&] { return state() == "RUNNING"; });
    }
    void TearDown() override {
        task_manager_.reset();
        manager_.reset();
        fs::remove_all(folder_);
    }

    // In the place of medic-engine: says what the artifact would be, a source on its own.
    [[nodiscard]] std::string describer() const {
        JobGraph graph;
        graph.name = "lonely";
        GraphVertex vertex;
        vertex.id = hash_id("source");
        vertex.name = "Source: source";
        vertex.operators = {{0, "source", "source", hash_id("source"), 1, true}};
        graph.vertices = {vertex};
        std::ofstream(folder_ + "/graph.json") << to_json(graph);
        const std::string script = folder_ + "/describe";
        std::ofstream(script) << "#!/bin/sh\nexec cat " << folder_ << "/graph.json >&3\n";
        fs::permissions(script, fs::perms::owner_all);
        return script;
    }

    HttpResponse ask(const std::string& method, std::vector<std::string> path, const json& body = nullptr) {
        HttpRequest request;
        request.method = method;
        request.segments = std::move(path);
        if (!body.is_null()) request.body = body.dump();
        return rest_->handle(request);
    }
    json get(std::vector<std::string> path) {
        const json answer = json::parse(ask("GET", std::move(path)).body, nullptr, false);
        return answer.is_object() ? answer : json::object();
    }
    std::string run() {
        HttpRequest upload;
        upload.method = "POST";
        upload.segments = {"jars", "upload"};
        upload.headers = {{"content-type", "multipart/form-data; boundary=b"}};
        upload.body =
            "--b\r\ncontent-disposition: form-data; name=\"jarfile\"; filename=\"job.so\"\r\n\r\nx\r\n--b--\r\n";
        const json uploaded = json::parse(rest_->handle(upload).body);
        const std::string jar = fs::path(uploaded.value("filename", "")).filename().string();
        return json::parse(ask("POST", {"jars", jar, "run"}, json::object()).body).value("jobid", "");
    }
    template <class Condition>
    void wait_until(const char* what, Condition holds) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!holds()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain until " << what;
            manager_->beat();
            std::this_thread::sleep_for(1ms);
        }
    }

    std::string state() { return get({"jobs", job_}).value("state", ""); }
    // Asks as soon as all subtasks run; returns the trigger's id.
    std::string trigger(const std::string& what, const std::string& directory) {
        const json body = {{what == "stop" ? "targetDirectory" : "target-directory", directory}};
        HttpResponse answer;
        wait_until("it takes the request",
                   [&] { return (answer = ask("POST", {"jobs", job_, what}, body)).status == 202; });
        return json::parse(answer.body).value("request-id", "");
    }
    // Of the completed operation; null while it is under way.
    json outcome(const std::string& trigger) {
        const json answer = get({"jobs", job_, "savepoints", trigger});
        return answer.value("/status/id"_json_pointer, "") == "COMPLETED" ? answer.at("operation") : json();
    }
    json outcome_in_the_end(const std::string& trigger) {
        wait_until("the operation is answered", [&] { return !outcome(trigger).is_null(); });
        return outcome(trigger);
    }
    static std::string cause(const json& outcome) {
        return outcome.value("/failure-cause/stack-trace"_json_pointer, "");
    }
    std::string exceptions() { return ask("GET", {"jobs", job_, "exceptions"}).body; }

    std::string folder_, job_;
    std::optional<JobManager> manager_;
    std::optional<Rest> rest_;
    std::optional<FakeTaskManager> task_manager_;
};

TEST_F(JobManagerTest, ASavepointThatCannotBeWrittenLeavesTheJobAlone) {
    for (const char* what : {"savepoints", "stop"}) {
        const json failed = outcome_in_the_end(trigger(what, "/proc/no"));
        EXPECT_NE(cause(failed).find("Failure to initialize checkpoint directory"), std::string::npos) << failed;
        EXPECT_EQ(state(), "RUNNING");
    }
    EXPECT_FALSE(task_manager_->was_ordered("cancel"));
    EXPECT_FALSE(task_manager_->was_ordered("trigger"));
    EXPECT_TRUE(outcome_in_the_end(trigger("savepoints", folder_)).contains("location"));
}

TEST_F(JobManagerTest, AJobThatFailsBehindItsLastSavepointSaysWhereThatIs) {
    const std::string stop = trigger("stop", folder_);
    wait_until("the tasks are told to finish", [&] { return task_manager_->was_ordered("finish"); });
    EXPECT_TRUE(outcome(stop).is_null());
    task_manager_->fail_task();
    const std::string said = cause(outcome_in_the_end(stop));
    EXPECT_NE(said.find("StopWithSavepointStoppingException: A savepoint has been created at: file:" + folder_),
              std::string::npos)
        << said;
    wait_until("the job runs again", [&] { return state() == "RUNNING"; });
    EXPECT_EQ(cause(outcome(stop)), said);
}

TEST_F(JobManagerTest, ASavepointBehindTheLastOneIsAnsweredWhenTheJobHasFinished) {
    task_manager_->acknowledges = false;
    const std::string stop = trigger("stop", folder_), late = trigger("savepoints", folder_);
    wait_until("the tasks are triggered", [&] { return task_manager_->was_ordered("trigger"); });
    task_manager_->acknowledge();
    wait_until("the tasks are told to finish", [&] { return task_manager_->was_ordered("finish"); });
    task_manager_->finish_task();
    EXPECT_TRUE(outcome_in_the_end(stop).contains("location"));
    EXPECT_EQ(state(), "FINISHED");
    EXPECT_NE(cause(outcome_in_the_end(late)).find("CheckpointCoordinator shutdown."), std::string::npos);
}

TEST_F(JobManagerTest, ACheckpointThatCannotBeReadBlocksNothing) {
    const std::string location = outcome_in_the_end(trigger("savepoints", folder_)).at("location").get<std::string>();
    const std::string metadata = checkpoint_folder(location) + "/_metadata";
    fs::rename(metadata, metadata + ".away");
    task_manager_->fail_task();
    wait_until("it could not restore", [&] { return exceptions().find("Could not restore") != std::string::npos; });
    fs::rename(metadata + ".away", metadata);
    wait_until("it runs again", [&] { return state() == "RUNNING"; });

    fs::remove(metadata);
    task_manager_->fail_task();
    wait_until("it restarts", [&] { return state() == "RESTARTING"; });
    EXPECT_EQ(ask("PATCH", {"jobs", job_}).status, 202);
    wait_until("it is cancelled", [&] { return state() == "CANCELED"; });
}

// Who is told looks for a job manager at once; who is not runs its tasks on until heartbeat.timeout.
TEST_F(JobManagerTest, ATaskManagerIsToldThatItIsGivenUpOrThatTheJobManagerEnds) {
    const auto socket = connect_to("127.0.0.1", manager_->rpc_port());
    ASSERT_TRUE(socket);
    FakeTaskManager same_id(*socket);
    wait_until("the one before it is told", [&] { return task_manager_->was_ordered("disconnect"); });
    EXPECT_FALSE(same_id.was_ordered("disconnect"));
    manager_->shut_down();
    wait_until("the present one is told", [&] { return same_id.was_ordered("disconnect"); });
}

}  // namespace
}  // namespace medic::engine::flow

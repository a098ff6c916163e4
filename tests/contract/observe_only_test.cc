// On the wire: an agent without a policy sends not one request that changes something, whatever it finds. Against fake
// endpoints on loopback that record every request, with faults that a policy would let it heal; the twin with a policy
// proves that it would.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "agent/wire/api.h"
#include "agent/world/real/http_client.h"
#include "agent/world/real/http_server.h"
#include "agent/world/real/kafka_fake_internal.h"

extern char** environ;

namespace medic {
namespace {

constexpr auto deadline = std::chrono::seconds(60);
constexpr const char* token = "0123456789abcdef0123";

// Remembers what it was asked, and answers as a Connect worker with a failed task and a Flink with a dead task manager.
class Endpoint {
public:
    explicit Endpoint(HttpHandler handler) {
        server_ = HttpServer::start({}, [this, handler](const HttpRequest& request) {
                      const std::lock_guard guard(mutex_);
                      requests_.push_back(request.method + " " + request.path);
                      return handler(request);
                  }).value();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
    [[nodiscard]] std::vector<std::string> writing() const {
        const std::lock_guard guard(mutex_);
        std::vector<std::string> found;
        for (const std::string& one : requests_)
            if (!one.starts_with("GET ")) found.push_back(one);
        return found;
    }
    [[nodiscard]] std::size_t count() const {
        const std::lock_guard guard(mutex_);
        return requests_.size();
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::unique_ptr<HttpServer> server_;
};

HttpResponse json(std::string body, int status = 200) {
    return {.status = status, .body = std::move(body), .content_type = "application/json", .headers = {}};
}

HttpResponse connect(const HttpRequest& request) {
    if (request.path == "/") return json(R"({"version":"3.9.1","commit":"x","kafka_cluster_id":"y"})");
    if (request.path != "/connectors") return json("", 204);
    return json(
        R"~({"orders":{"status":{"name":"orders","connector":{"state":"RUNNING","worker_id":"127.0.0.1:1"},"tasks":[{"id":0,"state":"FAILED","worker_id":"127.0.0.1:1",
        "trace":"org.apache.kafka.connect.errors.ConnectException: Failed to execute bulk request\n\tat io.confluent.connect.elasticsearch.ElasticsearchClient.flush(ElasticsearchClient.java:1)\nCaused by: java.net.ConnectException: Connection refused\n\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)"}],"type":"sink"},
        "info":{"name":"orders","config":{"topics":"t"},"tasks":[],"type":"sink"}}})~");
}

HttpResponse flink(const HttpRequest& request) {
    if (request.path == "/jobs/overview")
        return json(R"({"jobs":[{"jid":"a1","name":"j","start-time":1,"state":"FAILED"}]})");
    if (request.path == "/taskmanagers") return json(R"({"taskmanagers":[]})");
    if (request.path.ends_with("/exceptions"))
        return json(
            R"({"exceptionHistory":{"entries":[{"exceptionName":"org.apache.flink.runtime.jobmaster.JobMasterException","stacktrace":"org.apache.flink.runtime.jobmaster.JobMasterException: TaskManager with id tm-1 is no longer reachable.","timestamp":1700000000000}],"truncated":false}})");
    if (request.path.ends_with("/config")) return json(R"({"flink-version":"2.0.0"})");
    return json("{}");
}

struct Scene {
    std::filesystem::path folder;
    Endpoint connect_worker{connect}, job_manager{flink};
    FakeKafka kafka{1};
    std::mutex mutex;
    std::vector<std::int16_t> kafka_requests;
    pid_t agent = -1;

    Scene() {
        std::string name = (std::filesystem::temp_directory_path() / "observe-XXXXXX").string();
        folder = mkdtemp(name.data());
        kafka.on_request = [this](int, const wire::RequestHeader& header) {
            const std::lock_guard guard(mutex);
            kafka_requests.push_back(static_cast<std::int16_t>(header.api));
            return FakeKafka::Fate::answer;
        };
        write("token", std::string("ana ") + token + "\n");
        std::filesystem::permissions(folder / "token",
                                     std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        const auto driver = [&](const std::string& action) {
            return "[sh, -c, 'echo " + action + " >> " + (folder / "driver.log").string() + "; echo {}']";
        };
        write("medic.yaml",
              "schema: 1\ndata_dir: data\napi: {listen: \"127.0.0.1:0\", token_file: token}\n"
              "intervals: {flink: 200ms, connect: 200ms, kafka: 200ms, process: 200ms, evaluate: 200ms}\nclusters:\n  "
              "c:\n    kafka: {bootstrap: [\"" +
                  kafka.address(0) + "\"]}\n    connect: {urls: [\"" + connect_worker.url() +
                  "\"]}\n    flink: [{url: \"" + job_manager.url() +
                  "\"}]\n    nodes:\n      - {name: tm-1, role: taskmanager, driver: {kind: command, status: " +
                  driver("status") + ", start: " + driver("start") + ", stop: " + driver("stop") +
                  ", kill: " + driver("kill") + "}}\n");
        write("policy.yaml",
              "schema: 1\ndefaults: {cooldown: 1s, attempts: 3, backoff: 1s}\npolicy: [{remedy: \"*\", cause: \"*\", "
              "cluster: c, mode: auto}]\n");
    }
    ~Scene() {
        if (agent > 0) stop();
        std::filesystem::remove_all(folder);
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(folder / name) << text; }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream in(folder / name);
        std::stringstream text;
        text << in.rdbuf();
        return text.str();
    }

    void start(bool with_policy) {
        std::vector<std::string> arguments = {std::string(MEDIC_BINARY_DIR) + "/medic", "agent", "--config",
                                              (folder / "medic.yaml").string()};
        if (with_policy) arguments.insert(arguments.end(), {"--policy", (folder / "policy.yaml").string()});
        std::vector<char*> argv;
        for (auto& one : arguments) argv.push_back(one.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, (folder / "out.log").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        ASSERT_EQ(posix_spawn(&agent, argv[0], &actions, nullptr, argv.data(), environ), 0);
        posix_spawn_file_actions_destroy(&actions);
    }
    int stop() {
        kill(agent, SIGTERM);
        int status = -1;
        waitpid(agent, &status, 0);
        agent = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    // Asks the agent's own API; "" while it is not there yet.
    [[nodiscard]] std::string ask(const std::string& path) const {
        std::string address = read("data/api_address");
        if (address.empty()) return "";
        address.pop_back();
        HttpClient client;
        const auto reply = client.perform({.url = "http://" + address + path});
        return reply && reply->status == 200 ? reply->body : "";
    }
    template <class Condition>
    [[nodiscard]] bool wait(Condition condition) const {
        const auto until = std::chrono::steady_clock::now() + deadline;
        while (std::chrono::steady_clock::now() < until) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }
    // A cause was named, and a plan was made for it.
    [[nodiscard]] bool found_what_it_could_heal() const {
        const auto body = nlohmann::json::parse(ask("/api/v1/incidents"), nullptr, false);
        if (!body.is_object()) return false;
        return std::ranges::any_of(body["incidents"], [](const auto& one) { return !one["plan"].is_null(); });
    }
};

TEST(ObserveOnly, WithoutAPolicyNotOneWritingRequestLeaves) {
    Scene scene;
    scene.start(false);
    ASSERT_TRUE(scene.wait([&] { return scene.found_what_it_could_heal(); }))
        << scene.read("out.log") << scene.ask("/api/v1/incidents");
    const std::size_t before = scene.job_manager.count();
    ASSERT_TRUE(scene.wait([&] { return scene.job_manager.count() > before + 50; }));
    EXPECT_EQ(scene.stop(), 0);
    EXPECT_TRUE(scene.connect_worker.writing().empty()) << scene.connect_worker.writing().front();
    EXPECT_TRUE(scene.job_manager.writing().empty()) << scene.job_manager.writing().front();
    const std::string driver = scene.read("driver.log");
    EXPECT_NE(driver.find("status"), std::string::npos);
    for (const char* action : {"start", "stop", "kill"})
        EXPECT_EQ(driver.find(std::string("\n") + action + "\n"), std::string::npos) << driver;
    const std::lock_guard guard(scene.mutex);
    EXPECT_FALSE(scene.kafka_requests.empty());
    for (const std::int16_t key : scene.kafka_requests)
        EXPECT_EQ(wire::find_api(key)->effect, wire::Effect::reads) << wire::find_api(key)->name;
    EXPECT_NE(scene.read("out.log").find("may change nothing"), std::string::npos);
}

TEST(ObserveOnly, WithAPolicyTheSameSceneIsHealed) {
    Scene scene;
    scene.start(true);
    EXPECT_TRUE(scene.wait([&] {
        const auto writing = scene.connect_worker.writing();
        return std::ranges::find(writing, "POST /connectors/orders/tasks/0/restart") != writing.end();
    })) << scene.read("out.log")
        << scene.ask("/api/v1/incidents");
    EXPECT_NE(scene.read("out.log").find("may change: "), std::string::npos);
    EXPECT_EQ(scene.stop(), 0);
}

// Of Alertmanager's API v2 what the agent asks.
struct Alertmanager {
    std::mutex mutex;
    std::string silences = "[]";
    int status = 200;
    Endpoint server{[this](const HttpRequest& request) {
        const std::lock_guard guard(mutex);
        return json(request.path == "/api/v2/silences" ? silences : "[]", status);
    }};
    void say(std::string text, int with = 200) {
        const std::lock_guard guard(mutex);
        silences = std::move(text);
        status = with;
    }
};

TEST(ObserveOnly, WhatIsSilencedIsObservedAndLeftAloneUntilTheSilenceEnds) {
    Alertmanager alertmanager;
    alertmanager.say("down", 503);
    Scene scene;
    const std::string config = scene.read("medic.yaml");
    const auto at = config.find("    nodes:");
    scene.write("medic.yaml", config.substr(0, at) + "    alertmanager: {url: \"" + alertmanager.server.url() +
                                  "\"}\n" + config.substr(at));
    scene.start(true);
    const auto refused = [&](const std::string& why) {
        return scene.wait([&] { return scene.ask("/api/v1/incidents").find(why) != std::string::npos; });
    };
    EXPECT_TRUE(refused("it is not known what is silenced")) << scene.ask("/api/v1/incidents");
    alertmanager.say(
        R"([{"id":"s1","status":{"state":"active"},"createdBy":"ana","comment":"new disks","startsAt":"2026-01-01T00:00:00.000Z","endsAt":"2099-01-01T00:00:00.000Z","matchers":[{"name":"cluster","value":"c","isRegex":false,"isEqual":true}]}])");
    EXPECT_TRUE(refused("silenced by ana until 2099-01-01 00:00 UTC: new disks")) << scene.ask("/api/v1/incidents");
    EXPECT_NE(scene.ask("/api/v1/diagnosis").find("silenced by ana"), std::string::npos);
    EXPECT_TRUE(scene.connect_worker.writing().empty()) << scene.connect_worker.writing().front();
    alertmanager.say("[]");
    EXPECT_TRUE(scene.wait([&] { return !scene.connect_worker.writing().empty(); })) << scene.ask("/api/v1/incidents");
    EXPECT_TRUE(alertmanager.server.writing().empty());
    EXPECT_EQ(scene.stop(), 0);
}

TEST(ObserveOnly, APauseFileStopsEverything) {
    Scene scene;
    std::filesystem::create_directories(scene.folder / "data");
    scene.write("data/PAUSE", "");
    scene.start(true);
    ASSERT_TRUE(scene.wait([&] { return scene.found_what_it_could_heal(); })) << scene.read("out.log");
    const std::size_t before = scene.job_manager.count();
    ASSERT_TRUE(scene.wait([&] { return scene.job_manager.count() > before + 50; }));
    EXPECT_TRUE(scene.connect_worker.writing().empty());
    std::filesystem::remove(scene.folder / "data/PAUSE");
    EXPECT_TRUE(scene.wait([&] { return !scene.connect_worker.writing().empty(); })) << scene.ask("/api/v1/incidents");
}

}  // namespace
}  // namespace medic

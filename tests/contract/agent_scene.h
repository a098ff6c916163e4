// A medic process against fake endpoints on loopback: its folder, its start and stop, and waiting for what it does.
// For contract tests; deadlines only end a broken test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/world/real/http_client.h"
#include "agent/world/real/http_server.h"

extern char** environ;

namespace medic::contract {

// Answers with its handler and remembers what it was asked.
class Recorder {
public:
    explicit Recorder(HttpHandler handler) {
        server_ = HttpServer::start({}, [this, handler](const HttpRequest& request) {
                      {
                          const std::lock_guard guard(mutex_);
                          requests_.push_back(request);
                      }
                      return handler(request);
                  }).value();
    }
    [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(server_->port()); }
    [[nodiscard]] std::vector<HttpRequest> requests() const {
        const std::lock_guard guard(mutex_);
        return requests_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<HttpRequest> requests_;
    std::unique_ptr<HttpServer> server_;
};

class AgentScene {
public:
    AgentScene() {
        std::string name = (std::filesystem::temp_directory_path() / "scene-XXXXXX").string();
        folder = mkdtemp(name.data());
    }
    AgentScene(const AgentScene&) = delete;
    AgentScene& operator=(const AgentScene&) = delete;
    ~AgentScene() {
        if (agent > 0) stop(SIGKILL);
        std::filesystem::remove_all(folder);
    }

    std::filesystem::path folder;
    pid_t agent = -1;

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name) << text;
        std::filesystem::permissions(folder / name,
                                     std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    [[nodiscard]] std::string read(const std::filesystem::path& path) const {
        std::ifstream in(path.is_absolute() ? path : folder / path, std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        return text.str();
    }

    void start() { agent = spawn({"agent", "--config", (folder / "medic.yaml").string()}, "out.log"); }
    void start_acting() {
        agent = spawn(
            {"agent", "--config", (folder / "medic.yaml").string(), "--policy", (folder / "policy.yaml").string()},
            "out.log");
    }
    // It has not ended by itself; one that has stays there for stop() to tell how.
    [[nodiscard]] bool running() const {
        siginfo_t ended{};
        return waitid(P_PID, static_cast<id_t>(agent), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
    }
    int stop(int signal = SIGTERM) {
        kill(agent, signal);
        return finish(std::exchange(agent, -1));
    }
    // Another medic command to its end; what it printed is appended to `log`.
    int run(const std::vector<std::string>& arguments, const std::string& log) const {
        return finish(spawn(arguments, log));
    }

    // Asks the agent's own API; status 0 while it is not there.
    [[nodiscard]] HttpReply ask(const std::string& path, const std::string& method = "GET",
                                const std::string& token = "", const std::string& body = "") const {
        std::string address = read("data/api_address");
        if (address.empty()) return {};
        address.pop_back();
        HttpCall call{.method = method, .url = "http://" + address + path, .headers = {}, .body = body};
        if (!token.empty()) call.headers.emplace_back("Authorization", "Bearer " + token);
        HttpClient client;
        auto reply = client.perform(call);
        return reply ? *std::move(reply) : HttpReply{};
    }
    template <class Condition>
    [[nodiscard]] static bool wait(Condition condition) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(90);
        while (std::chrono::steady_clock::now() < until) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return false;
    }

private:
    [[nodiscard]] pid_t spawn(std::vector<std::string> arguments, const std::string& log) const {
        arguments.insert(arguments.begin(), std::string(MEDIC_BINARY_DIR) + "/medic");
        std::vector<char*> argv;
        for (auto& one : arguments) argv.push_back(one.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, (folder / log).c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        pid_t pid = -1;
        EXPECT_EQ(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        return pid;
    }
    static int finish(pid_t pid) {
        int status = -1;
        waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
};

}  // namespace medic::contract

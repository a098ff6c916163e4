// For contract tests: a controller and brokers of medic-engine as real processes on free loopback ports, and programs
// run by argument list. Everything is stopped and deleted at the end of the test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_client.h"
#include "engine/common/process.h"

namespace medic::contract {

// How long anything may take on a busy machine before a test gives up.
inline constexpr std::chrono::seconds kPatience{60};

template <class Condition>
bool wait_until(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// A child with its standard streams on files. Killed when this process dies, or at the latest by the destructor.
class Child {
public:
    struct Streams {
        std::string in = "/dev/null", out = "/dev/null", err = "/dev/null";
    };

    Child(const std::vector<std::string>& argv, const Streams& streams) {
        std::vector<char*> arguments;
        for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(::open(streams.in.c_str(), O_RDONLY), 0);
        ::dup2(::open(streams.out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
        ::dup2(::open(streams.err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    Child& operator=(Child&&) = delete;
    ~Child() {
        if (pid_ > 0) stop(SIGKILL);
    }

    void signal(int number) const { ::kill(pid_, number); }
    [[nodiscard]] pid_t pid() const { return pid_; }

    int stop(int number) {
        signal(number);
        return wait();
    }

    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t pid_;
};

class KafkaCluster {
public:
    // `config` are key=value settings of all processes, `broker_arguments` further options of single brokers.
    explicit KafkaCluster(int brokers = 3, std::vector<std::string> config = {},
                          std::map<int, std::vector<std::string>> broker_arguments = {})
        : config_(std::move(config)), broker_arguments_(std::move(broker_arguments)) {
        std::string folder = std::filesystem::temp_directory_path() / "medic-contract-XXXXXX";
        folder_ = ::mkdtemp(folder.data());
        controller_ = *engine::lasting_port();
        start_controller();
        for (int id = 1; id <= brokers; ++id) {
            ports_[id] = *engine::lasting_port();
            start_broker(id);
        }
        KafkaClient client({.bootstrap = bootstrap()});
        const bool up = wait_until([&] {
            client.forget_metadata();
            const auto known = client.brokers();
            return known && known->brokers.size() == static_cast<std::size_t>(brokers);
        });
        EXPECT_TRUE(up) << "the cluster did not come up: " << logs();
    }
    ~KafkaCluster() {
        for (auto& [name, process] : processes_) process.signal(SIGTERM);
        for (auto& [name, process] : processes_) process.stop(SIGKILL);
        if (::testing::Test::HasFailure()) std::cerr << logs();
        std::filesystem::remove_all(folder_);
    }

    void start_broker(int id) {
        std::vector<std::string> arguments = {
            "broker",       "--id",          std::to_string(id), "--listen",           at(ports_.at(id)),
            "--controller", at(controller_), "--data",           folder_ / name_of(id)};
        const auto further = broker_arguments_.find(id);
        if (further != broker_arguments_.end())
            arguments.insert(arguments.end(), further->second.begin(), further->second.end());
        start(name_of(id), arguments);
    }
    void kill_broker(int id) { processes_.extract(name_of(id)).mapped().stop(SIGKILL); }
    int stop_broker(int id) { return processes_.extract(name_of(id)).mapped().stop(SIGTERM); }  // Its exit code.
    [[nodiscard]] pid_t broker_pid(int id) const { return processes_.at(name_of(id)).pid(); }
    void start_controller() {
        start("controller", {"controller", "--listen", at(controller_), "--data", folder_ / "controller"});
    }
    void kill_controller() { processes_.extract("controller").mapped().stop(SIGKILL); }
    [[nodiscard]] std::filesystem::path log_dir(int id) const { return folder_ / name_of(id); }
    [[nodiscard]] std::vector<std::string> bootstrap() const {
        std::vector<std::string> addresses;
        for (const auto& [id, port] : ports_) addresses.push_back(at(port));
        return addresses;
    }
    [[nodiscard]] std::string bootstrap_list() const {
        std::string list;
        for (const std::string& address : bootstrap()) list += (list.empty() ? "" : ",") + address;
        return list;
    }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

    void create_topic(const std::string& name, std::int32_t partitions, std::int16_t replicas) const {
        KafkaClient client({.bootstrap = bootstrap()});
        wire::CreateTopicsRequest request;
        request.topics.push_back({.name = name, .partitions = partitions, .replication_factor = replicas});
        const auto created = client.call(KafkaTarget::controller(), request);
        ASSERT_TRUE(created) << created.error().message;
        ASSERT_EQ(created->topics.at(0).error, wire::KafkaError::none)
            << created->topics.at(0).error_message.value_or("");
        const bool led = wait_until([&] {
            const auto metadata = client.metadata(std::vector<std::string>{name});
            if (!metadata || metadata->topics.at(0).partitions.size() != static_cast<std::size_t>(partitions))
                return false;
            for (const auto& partition : metadata->topics[0].partitions)
                if (partition.leader_id < 0) return false;
            return true;
        });
        ASSERT_TRUE(led) << "topic " << name << " got no leaders";
    }

    struct Output {
        int exit_code = -1;
        std::string out, err;
    };

    // Runs kcat with the cluster's addresses to its end.
    [[nodiscard]] Output kcat(std::vector<std::string> arguments, const std::string& input = {}) {
        const auto base = (folder_ / ("kcat-" + std::to_string(++runs_))).string();
        std::ofstream(base + ".in", std::ios::binary) << input;
        arguments.insert(arguments.begin(),
                         {"timeout", std::to_string(kPatience.count()), "kcat", "-b", bootstrap_list()});
        Child child(arguments, {.in = base + ".in", .out = base + ".out", .err = base + ".err"});
        const int exit_code = child.wait();
        return {exit_code, read_file(base + ".out"), read_file(base + ".err")};
    }

private:
    static std::string name_of(int id) { return "broker-" + std::to_string(id); }
    static std::string at(int port) { return "127.0.0.1:" + std::to_string(port); }

    void start(const std::string& name, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), MEDIC_BINARY_DIR "/medic-engine");
        for (const std::string& setting : config_) arguments.insert(arguments.end(), {"--config", setting});
        const std::string log = folder_ / (name + ".log");
        processes_.emplace(name, Child(arguments, {.out = log, .err = log}));
    }

    [[nodiscard]] std::string logs() const {
        std::string text;
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            if (entry.path().extension() == ".log")
                text += "--- " + entry.path().filename().string() + "\n" + read_file(entry.path());
        return text;
    }

    std::vector<std::string> config_;
    std::map<int, std::vector<std::string>> broker_arguments_;
    std::filesystem::path folder_;
    int controller_ = 0, runs_ = 0;
    std::map<int, int> ports_;
    std::map<std::string, Child> processes_;
};

}  // namespace medic::contract

// One job manager, two task managers of one slot each and a warm spare, as real processes; and a job whose committed
// files show whether every result is there exactly once. Contract tests only.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "agent/world/real/http_client.h"
#include "engine/common/process.h"

namespace medic::contract {

namespace fs = std::filesystem;
using namespace medic::engine;
using nlohmann::json;

inline constexpr std::chrono::seconds patience{90};  // Generous: no figure is measured here.

class FlowContract : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/medic-contract-XXXXXX";
        folder_ = mkdtemp(name);
        rest_port_ = *lasting_port();
        rpc_ = fmt::format("127.0.0.1:{}", *lasting_port());
        page_port_ = *lasting_port();
        start_job_manager();
        for (const std::string id : {"tm-1", "tm-2", "tm-3"}) {
            control_ports_[id] = *lasting_port();
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

    void start_job_manager() {
        job_manager_ =
            start("jobmanager",
                  {"jobmanager", "--rest", fmt::format("127.0.0.1:{}", rest_port_), "--rpc", rpc_, "--metrics",
                   fmt::format("127.0.0.1:{}", page_port_), "--data", folder_ + "/flink", "--config",
                   "heartbeat.interval=500 ms", "--config", "heartbeat.timeout=4 s", "--config",
                   "restart-strategy.fixed-delay.delay=200 ms", "--config", "execution.checkpointing.interval=200 ms",
                   "--config", "jobmanager.scheduler=" + scheduler_});
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

    // As the checkpoints' folder has it: what a job manager that died last told may be older.
    [[nodiscard]] std::string newest_checkpoint(const std::string& job) const {
        std::string newest;
        int newest_number = -1;
        for (const auto& entry : fs::recursive_directory_iterator(folder_ + "/flink")) {
            if (entry.path().filename() != "_metadata") continue;
            const fs::path checkpoint = entry.path().parent_path();
            if (checkpoint.parent_path().filename() != job) continue;
            const int number = std::atoi(checkpoint.filename().string().substr(std::string("chk-").size()).c_str());
            if (number <= newest_number) continue;
            newest_number = number;
            newest = checkpoint.string();
        }
        return newest;
    }
    [[nodiscard]] std::string log_of(const std::string& name) const {
        std::stringstream text;
        text << std::ifstream(folder_ + "/" + name + ".log").rdbuf();
        return text.str();
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

    std::string folder_, rpc_, scheduler_ = "default";
    int rest_port_ = 0, page_port_ = 0;
    std::map<std::string, int> control_ports_;
    ProcessId job_manager_;
    std::map<std::string, ProcessId> task_managers_;
    std::vector<ProcessId> processes_;
    HttpClient client_;
};

}  // namespace medic::contract

// The job manager: how a task manager finds it, registers, and does what it orders.
#include <unistd.h>

#include <fstream>
#include <thread>

#include "engine/common/log.h"
#include "engine/flow/runtime/socket.h"
#include "engine/flow/taskmanager/taskmanager_internal.h"

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;
constexpr std::string_view who = "taskmanager";

json hardware() {
    const auto pages = static_cast<double>(sysconf(_SC_PHYS_PAGES)),
               free_pages = static_cast<double>(sysconf(_SC_AVPHYS_PAGES)),
               page = static_cast<double>(sysconf(_SC_PAGESIZE));
    return {{"cpuCores", std::thread::hardware_concurrency()},
            {"physicalMemory", static_cast<std::int64_t>(pages * page)},
            {"freeMemory", static_cast<std::int64_t>(free_pages * page)},
            {"managedMemory", 0}};
}

// As the JVM calls it, from the kernel's view of the thread.
std::string_view thread_state(int thread_id) {
    std::ifstream stat(fmt::format("/proc/self/task/{}/stat", thread_id));
    const std::string line{std::istreambuf_iterator<char>(stat), {}};
    const std::size_t close = line.rfind(')');
    if (close == std::string::npos || close + 2 >= line.size()) return "TERMINATED";
    return line[close + 2] == 'R' ? "RUNNABLE" : line[close + 2] == 'D' ? "BLOCKED" : "WAITING";
}

}  // namespace

void TaskManager::connect_when_due(std::int64_t now) {
    if (!active_) return;
    if (!is_let_go(now)) return;
    {
        const std::lock_guard lock(mutex_);
        if (!executions_.empty()) return;  // Slots are offered again only when they are truly free.
    }
    if (current_connection()) {
        if (!lost_) return;  // Its reader has not ended.
        drop_connection();
    }
    if (now - last_attempt_ms_ < 500) return;
    last_attempt_ms_ = now;
    const auto socket = connect_to(jobmanager_.host, jobmanager_.port);
    if (!socket) {
        if (disconnected_since_ms_ == 0) disconnected_since_ms_ = now;
        if (now - disconnected_since_ms_ >= options_.registration_timeout_ms)
            die(
                fmt::format("Could not register at the ResourceManager within the specified maximum registration "
                            "duration {} s.",
                            options_.registration_timeout_ms / 1000));
        return;
    }
    disconnected_since_ms_ = 0;
    const auto connection = std::make_shared<RpcConnection>(*socket);
    {
        const std::lock_guard lock(sending_);
        connection_ = connection;
        lost_ = let_go_ = false;
        last_heartbeat_ms_ = now;
    }
    connection->start([this](const json& message) { on_message(message); }, [this] { on_lost(); });
    connection->send({{"type", "register"},
                      {"resource_id", options_.resource_id},
                      {"host", "127.0.0.1"},
                      {"data_port", data_server_->port()},
                      {"slots", options_.slots},
                      {"log_file", log_file_of_this_process()},
                      {"hardware", hardware()}});
}

// Whether there is no job manager any more, so that another one may be looked for. One that only gives no sign, or
// whose process has gone without a word, is waited for: its tasks run on until heartbeat.timeout, as with Flink.
bool TaskManager::is_let_go(std::int64_t now) {
    const auto connection = current_connection();
    if (!connection || let_go_) return true;
    if (now - last_heartbeat_ms_ < heartbeat_timeout_ms_) return false;
    let_go("The heartbeat of JobManager timed out.");
    return true;
}

void TaskManager::send(const json& message) {
    if (const auto connection = current_connection()) connection->send(message);
}

std::shared_ptr<RpcConnection> TaskManager::current_connection() {
    const std::lock_guard lock(sending_);
    return connection_;
}

void TaskManager::drop_connection() {
    std::shared_ptr<RpcConnection> old;
    {
        const std::lock_guard lock(sending_);
        old = std::move(connection_);
    }
}

void TaskManager::on_lost() {
    const bool was_registered = registered_.exchange(false);
    lost_ = true;
    if (!was_registered) let_go_ = true;  // Nothing of it runs here.
    if (!let_go_) log_warn(who, "connection to the job manager lost: its heartbeat is waited for");
}

void TaskManager::let_go(const std::string& why) {
    registered_ = false;
    let_go_ = true;
    if (const auto connection = current_connection()) connection->close();
    const std::lock_guard lock(mutex_);
    log_warn(who, "job manager let go of: {} Cancelling {} executions", why, executions_.size());
    for (const auto& execution : executions_) execution->cancel();
}

void TaskManager::on_message(const json& message) {
    const std::string type = message.at("type").get<std::string>();
    last_heartbeat_ms_ = steady_ns() / 1'000'000;
    if (type == "heartbeat") return send({{"type", "heartbeat"}});
    if (type == "registered") {
        registered_ = true;
        heartbeat_timeout_ms_ = message.at("heartbeat_timeout_ms").get<std::int64_t>();
        log_info(who, "registered at the job manager");
        return;
    }
    if (type == "disconnect") return let_go(message.at("reason").get<std::string>());
    if (type == "refused")
        return die("the job manager refused the registration: " + message.at("reason").get<std::string>());
    if (type == "thread_dump") return thread_dump(message);
    if (type == "deploy") return deploy(message);
    const std::lock_guard lock(mutex_);
    for (const auto& execution : executions_) {
        if (execution->job_id() != message.at("job").get<std::string>() ||
            execution->generation() != message.at("generation").get<std::int64_t>())
            continue;
        if (type == "start") {
            if (const auto started = execution->start(message); !started)
                report_failure(*execution, started.error().message);
        } else if (type == "cancel") {
            execution->cancel();
        } else {
            execution->mail(message);
        }
    }
}

void TaskManager::deploy(const json& message) {
    auto execution = std::make_shared<Execution>(
        ExecutionEnvironment{options_.resource_id, *data_server_, [this](const json& out) { send(out); },
                             [this](std::function<void()> work) { later_.run(std::move(work)); },
                             [this](const std::string& why) { die(why); }});
    const auto deployed = execution->deploy(message);
    json answer = {{"type", "deployed"}, {"job", message.at("job")}, {"generation", message.at("generation")}};
    if (!deployed) answer["error"] = deployed.error().message;
    {
        const std::lock_guard lock(mutex_);
        executions_.push_back(execution);
        if (!deployed) execution->cancel();
    }
    send(answer);
}

void TaskManager::report_failure(const Execution& execution, const std::string& why) {
    send({{"type", "failed"},
          {"job", execution.job_id()},
          {"generation", execution.generation()},
          {"vertex", -1},
          {"subtask", -1},
          {"exception", "org.apache.flink.runtime.execution.SetupException"},
          {"stack_trace", "org.apache.flink.runtime.execution.SetupException: " + why + "\n"}});
}

void TaskManager::thread_dump(const json& message) {
    std::vector<std::shared_ptr<Execution>> executions;
    {
        const std::lock_guard lock(mutex_);
        executions = executions_;
    }
    json threads = json::array();
    for (const auto& execution : executions) {
        for (const auto& task : execution->tasks()) {
            if (task->ended()) continue;
            std::string text =
                fmt::format("\"{}\" Id={} {}", task->thread_name(), task->thread_id(), thread_state(task->thread_id()));
            for (const std::string& frame : task->stack()) text += "\n\tat " + frame;
            threads.push_back({{"threadName", task->thread_name()}, {"stringifiedThreadInfo", text + "\n\n"}});
        }
    }
    send({{"type", "thread_dump"}, {"request", message.at("request")}, {"threads", threads}});
}

}  // namespace medic::engine::flow

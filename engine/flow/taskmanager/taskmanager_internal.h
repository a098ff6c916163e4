// A task manager at work: what its threads share, and who may touch what. Only for run_taskmanager().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/world/real/http_server.h"
#include "engine/common/signals.h"
#include "engine/flow/runtime/rpc_internal.h"
#include "engine/flow/taskmanager/later.h"
#include "engine/flow/taskmanager/task_metrics_internal.h"

namespace medic::engine::flow {

struct TaskManagerOptions {
    std::string resource_id, jobmanager = "127.0.0.1:6123", control, metrics;
    int slots = 1, data_port = 0;
    bool standby = false;
    std::int64_t registration_timeout_ms = 300'000;  // taskmanager.registration.timeout
};

struct HostPort {
    std::string host;
    int port = 0;
};

class TaskManager {
public:
    explicit TaskManager(TaskManagerOptions options) : options_(std::move(options)), active_(!options_.standby) {}

    [[nodiscard]] Status start();      // Opens its ports. Errors: invalid (an address), or the port's own.
    void run(const StopSignal& stop);  // Until the signal; ends the process.

private:
    using json = nlohmann::json;

    // ---- the life of the process (taskmanager.cc)
    HttpResponse control(const HttpRequest& request);
    void tick_executions(std::int64_t now);
    // A task that cannot be unwound or cancelled: the process tells why, and ends.
    void last_words(const std::string& report);
    [[noreturn]] void die(const std::string& why);
    void shut_down();

    // ---- the job manager: connection and orders (taskmanager_orders.cc)
    void connect_when_due(std::int64_t now);
    void send(const json& message);
    std::shared_ptr<RpcConnection> current_connection();
    void drop_connection();
    void on_lost();
    void let_go(const std::string& why);
    [[nodiscard]] bool is_let_go(std::int64_t now);
    void on_message(const json& message);
    void deploy(const json& message);
    void report_failure(const Execution& execution, const std::string& why);
    void thread_dump(const json& message);

    // ---- what it measures (taskmanager_reports.cc)
    void report_metrics();
    std::string metrics_page();

    TaskManagerOptions options_;
    HostPort jobmanager_;
    std::atomic<bool> active_, registered_ = false, lost_ = false;
    std::atomic<bool> let_go_ = false;  // Lost for good: by the job manager's word, or after heartbeat.timeout.
    std::unique_ptr<DataServer> data_server_;
    LaterThread later_;
    std::mutex mutex_;    // executions_
    std::mutex sending_;  // connection_; taken last.
    std::shared_ptr<RpcConnection> connection_;
    std::vector<std::shared_ptr<Execution>> executions_;
    std::atomic<std::int64_t> last_heartbeat_ms_ = 0,
                              heartbeat_timeout_ms_ = 50'000;  // heartbeat.timeout, until the job manager says its own.
    std::int64_t last_attempt_ms_ = 0, disconnected_since_ms_ = 0;
    TaskSampler sampler_;
    ProcessSampler process_sampler_;
    std::mutex page_mutex_;
    std::vector<TaskValues> last_values_;
    MetricValues last_process_;
    std::unique_ptr<HttpServer> metrics_server_, control_server_;
};

}  // namespace medic::engine::flow

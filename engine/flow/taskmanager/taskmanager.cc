#include <unistd.h>

#include <algorithm>
#include <thread>

#include "engine/common/log.h"
#include "engine/flow/runtime/socket.h"
#include "engine/flow/taskmanager/taskmanager_internal.h"

namespace medic::engine::flow {
namespace {

using std::chrono::milliseconds;
constexpr std::string_view who = "taskmanager";

Result<HostPort> parse_host_port(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    try {
        if (colon != std::string::npos) return HostPort{text.substr(0, colon), std::stoi(text.substr(colon + 1))};
    } catch (const std::exception&) {
    }
    return fail(ErrorCode::invalid, "'{}': expected HOST:PORT", text);
}

Result<std::unique_ptr<HttpServer>> serve(const std::string& at, HttpHandler handler) {
    MEDIC_TRY(const HostPort where, parse_host_port(at));
    HttpServerOptions options;
    options.host = where.host == "localhost" ? "127.0.0.1" : where.host;
    options.port = static_cast<std::uint16_t>(where.port);
    options.connections_max = 16;
    return HttpServer::start(std::move(options), std::move(handler));
}

}  // namespace

Status TaskManager::start() {
    MEDIC_TRY(jobmanager_, parse_host_port(options_.jobmanager));
    MEDIC_TRY(data_server_, DataServer::listen(options_.data_port));
    if (!options_.metrics.empty()) {
        MEDIC_TRY(metrics_server_, serve(options_.metrics, [this](const HttpRequest& request) {
                      if (request.path != "/metrics" && request.path != "/")
                          return HttpResponse{404, "not found\n", "text/plain", {}};
                      return HttpResponse{200, metrics_page(), std::string(MetricsPage::content_type), {}};
                  }));
    }
    if (!options_.control.empty()) {
        MEDIC_TRY(control_server_,
                  serve(options_.control, [this](const HttpRequest& request) { return control(request); }));
    }
    install_fault_handlers([this](const std::string& report) { last_words(report); });
    log_info(who, "task manager {} is {}, data port {}", options_.resource_id, active_ ? "starting" : "standing by",
             data_server_->port());
    return {};
}

void TaskManager::run(const StopSignal& stop) {
    constexpr milliseconds beat{100};
    std::int64_t last_sample_ms = 0;
    while (!stop.wait_for(beat)) {
        const std::int64_t now = steady_ns() / 1'000'000;
        connect_when_due(now);
        tick_executions(now);
        if (now - last_sample_ms >= 1'000) {
            last_sample_ms = now;
            report_metrics();
        }
    }
    log_info(who, "RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.");
    shut_down();
}

HttpResponse TaskManager::control(const HttpRequest& request) {
    if (request.path == "/activate" && request.method == "POST") {
        if (!active_.exchange(true)) log_info(who, "task manager {} activated", options_.resource_id);
    } else if (request.path != "/status" || request.method != "GET") {
        return {404, R"({"errors":["not found: POST /activate, GET /status"]})", "application/json", {}};
    }
    const char* state = registered_ ? "registered" : active_ ? "active" : "standby";
    return {200, json{{"resource_id", options_.resource_id}, {"state", state}}.dump(), "application/json", {}};
}

void TaskManager::tick_executions(std::int64_t now) {
    std::vector<std::shared_ptr<Execution>> released;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& execution : executions_) execution->tick(now);
        const auto ended = std::stable_partition(executions_.begin(), executions_.end(),
                                                 [](const auto& execution) { return !execution->releasable(); });
        released.assign(ended, executions_.end());
        executions_.erase(ended, executions_.end());
    }
    for (auto& execution : released) {
        const json message = {
            {"type", "released"}, {"job", execution->job_id()}, {"generation", execution->generation()}};
        execution.reset();
        send(message);
    }
}

void TaskManager::last_words(const std::string& report) {
    const std::size_t colon = report.find(':');
    log_error(who, "FATAL: {}", report);
    const auto connection = current_connection();
    if (!connection) return;
    connection->send({{"type", "fatal"}, {"exception", report.substr(0, colon)}, {"stack_trace", report + "\n"}});
    connection->flush(milliseconds(500));
}

void TaskManager::die(const std::string& why) {
    last_words("org.apache.flink.util.FlinkRuntimeException: " + why);
    ::_exit(fatal_exit_code);
}

void TaskManager::shut_down() {
    const auto connection = current_connection();
    {
        const std::lock_guard lock(mutex_);
        for (const auto& execution : executions_) execution->cancel();
    }
    metrics_server_.reset();
    control_server_.reset();
    if (connection) {
        connection->send({{"type", "bye"}});
        connection->flush(milliseconds(200));
    }
    constexpr int patience_ms = 2'000;  // Within a graceful stop's 5 s; a stubborn task does not hold up the process.
    for (int waited = 0; waited < patience_ms; waited += 20) {
        tick_executions(steady_ns() / 1'000'000);
        {
            const std::lock_guard lock(mutex_);
            if (executions_.empty()) break;
        }
        std::this_thread::sleep_for(milliseconds(20));
    }
    ::_exit(0);  // Detached readers and stubborn tasks end with the process.
}

}  // namespace medic::engine::flow

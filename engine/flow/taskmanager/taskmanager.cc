#include "engine/flow/taskmanager/taskmanager.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "agent/world/real/http_server.h"
#include "engine/common/log.h"
#include "engine/common/options_internal.h"
#include "engine/common/signals.h"
#include "engine/flow/runtime/rpc_internal.h"
#include "engine/flow/runtime/socket.h"
#include "engine/flow/taskmanager/later.h"
#include "engine/flow/taskmanager/task_metrics_internal.h"

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;
using std::chrono::milliseconds;
constexpr std::string_view who = "taskmanager";

struct Options {
    std::string resource_id, jobmanager = "127.0.0.1:6123", control, metrics;
    int slots = 1, data_port = 0;
    bool standby = false;
    std::int64_t registration_timeout_ms = 300'000;  // taskmanager.registration.timeout
};

struct HostPort {
    std::string host;
    int port = 0;
};

Result<HostPort> parse_host_port(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    try {
        if (colon != std::string::npos) return HostPort{text.substr(0, colon), std::stoi(text.substr(colon + 1))};
    } catch (const std::exception&) {
    }
    return fail(ErrorCode::invalid, "'{}': expected HOST:PORT", text);
}

class TaskManager {
public:
    explicit TaskManager(Options options) : options_(std::move(options)), active_(!options_.standby) {}

    Status start() {
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

    void run(const StopSignal& stop) {
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

private:
    static Result<std::unique_ptr<HttpServer>> serve(const std::string& at, HttpHandler handler) {
        MEDIC_TRY(const HostPort where, parse_host_port(at));
        HttpServerOptions options;
        options.host = where.host == "localhost" ? "127.0.0.1" : where.host;
        options.port = static_cast<std::uint16_t>(where.port);
        options.connections_max = 16;
        return HttpServer::start(std::move(options), std::move(handler));
    }

    HttpResponse control(const HttpRequest& request) {
        if (request.path == "/activate" && request.method == "POST") {
            if (!active_.exchange(true)) log_info(who, "task manager {} activated", options_.resource_id);
        } else if (request.path != "/status" || request.method != "GET") {
            return {404, R"({"errors":["not found: POST /activate, GET /status"]})", "application/json", {}};
        }
        const char* state = registered_ ? "registered" : active_ ? "active" : "standby";
        return {200, json{{"resource_id", options_.resource_id}, {"state", state}}.dump(), "application/json", {}};
    }

    void connect_when_due(std::int64_t now) {
        if (!active_) return;
        {
            const auto connection = current_connection();
            if (connection && !lost_) {
                if (now - last_heartbeat_ms_ < heartbeat_timeout_ms_) return;
                log_warn(who, "The heartbeat of JobManager timed out.");
                connection->close();
                return;
            }
            const std::lock_guard lock(mutex_);
            if (!executions_.empty()) return;  // Slots are offered again only when they are truly free.
        }
        if (lost_) drop_connection();
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
            lost_ = false;
            last_heartbeat_ms_ = now;
        }
        connection->start([this](const json& message) { on_message(message); }, [this] { on_lost(); });
        connection->send({{"type", "register"},
                          {"resource_id", options_.resource_id},
                          {"host", "127.0.0.1"},
                          {"data_port", data_server_->port()},
                          {"slots", options_.slots},
                          {"hardware", hardware()}});
    }

    static json hardware() {
        const auto pages = static_cast<double>(sysconf(_SC_PHYS_PAGES)),
                   free_pages = static_cast<double>(sysconf(_SC_AVPHYS_PAGES)),
                   page = static_cast<double>(sysconf(_SC_PAGESIZE));
        return {{"cpuCores", std::thread::hardware_concurrency()},
                {"physicalMemory", static_cast<std::int64_t>(pages * page)},
                {"freeMemory", static_cast<std::int64_t>(free_pages * page)},
                {"managedMemory", 0}};
    }

    void drop_connection() {
        std::shared_ptr<RpcConnection> old;
        {
            const std::lock_guard lock(sending_);
            old = std::move(connection_);
        }
    }

    void on_lost() {
        registered_ = false;
        const std::lock_guard lock(mutex_);
        lost_ = true;
        if (!executions_.empty())
            log_warn(who, "connection to the job manager lost: cancelling {} executions", executions_.size());
        for (const auto& execution : executions_) execution->cancel();
    }

    void send(const json& message) {
        if (const auto connection = current_connection()) connection->send(message);
    }
    std::shared_ptr<RpcConnection> current_connection() {
        const std::lock_guard lock(sending_);
        return connection_;
    }

    void on_message(const json& message) {
        const std::string type = message.at("type").get<std::string>();
        last_heartbeat_ms_ = steady_ns() / 1'000'000;
        if (type == "heartbeat") return send({{"type", "heartbeat"}});
        if (type == "registered") {
            registered_ = true;
            heartbeat_timeout_ms_ = message.at("heartbeat_timeout_ms").get<std::int64_t>();
            log_info(who, "registered at the job manager");
            return;
        }
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

    void report_failure(const Execution& execution, const std::string& why) {
        send({{"type", "failed"},
              {"job", execution.job_id()},
              {"generation", execution.generation()},
              {"vertex", -1},
              {"subtask", -1},
              {"exception", "org.apache.flink.runtime.execution.SetupException"},
              {"stack_trace", "org.apache.flink.runtime.execution.SetupException: " + why + "\n"}});
    }

    void deploy(const json& message) {
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

    void thread_dump(const json& message) {
        std::vector<std::shared_ptr<Execution>> executions;
        {
            const std::lock_guard lock(mutex_);
            executions = executions_;
        }
        json threads = json::array();
        for (const auto& execution : executions) {
            for (const auto& task : execution->tasks()) {
                if (task->ended()) continue;
                std::string text = fmt::format("\"{}\" Id={} {}", task->thread_name(), task->thread_id(),
                                               thread_state(task->thread_id()));
                for (const std::string& frame : task->stack()) text += "\n\tat " + frame;
                threads.push_back({{"threadName", task->thread_name()}, {"stringifiedThreadInfo", text + "\n\n"}});
            }
        }
        send({{"type", "thread_dump"}, {"request", message.at("request")}, {"threads", threads}});
    }

    // As the JVM calls it, from the kernel's view of the thread.
    static std::string_view thread_state(int thread_id) {
        std::ifstream stat(fmt::format("/proc/self/task/{}/stat", thread_id));
        const std::string line{std::istreambuf_iterator<char>(stat), {}};
        const std::size_t close = line.rfind(')');
        if (close == std::string::npos || close + 2 >= line.size()) return "TERMINATED";
        return line[close + 2] == 'R' ? "RUNNABLE" : line[close + 2] == 'D' ? "BLOCKED" : "WAITING";
    }

    void tick_executions(std::int64_t now) {
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

    void report_metrics() {
        std::vector<std::shared_ptr<Execution>> executions;
        {
            const std::lock_guard lock(mutex_);
            executions = executions_;
        }
        auto values = sampler_.sample(executions);
        const MetricValues process = process_sampler_.sample();
        json tasks = json::array();
        for (const TaskValues& task : values) {
            json flat = task.values;
            for (const OperatorValues& op : task.operators)
                for (const auto& [name, value] : op.values) flat[sanitize_label(op.name) + "." + name] = value;
            tasks.push_back({{"job", task.job_id},
                             {"generation", task.generation},
                             {"vertex", task.vertex},
                             {"subtask", task.subtask},
                             {"values", std::move(flat)}});
        }
        {
            const std::lock_guard lock(page_mutex_);
            last_values_ = std::move(values);
            last_process_ = process;
        }
        if (registered_) send({{"type", "metrics"}, {"tasks", std::move(tasks)}, {"process", process}});
    }

    std::string metrics_page() {
        MetricsPage page;
        const std::lock_guard lock(page_mutex_);
        const std::string tm_id = sanitize_label(options_.resource_id);
        for (const auto& [name, value] : last_process_)
            page.add("flink_taskmanager_" + sanitize_label(name), {{"host", "127_0_0_1"}, {"tm_id", tm_id}}, value,
                     MetricsPage::Type::gauge);
        for (const TaskValues& task : last_values_) add_task(page, task, options_.resource_id);
        page.add_process();
        return page.render();
    }

    // A task that cannot be unwound or cancelled: the process tells why, and ends.
    void last_words(const std::string& report) {
        const std::size_t colon = report.find(':');
        log_error(who, "FATAL: {}", report);
        const auto connection = current_connection();
        if (!connection) return;
        connection->send({{"type", "fatal"}, {"exception", report.substr(0, colon)}, {"stack_trace", report + "\n"}});
        connection->flush(milliseconds(500));
    }

    [[noreturn]] void die(const std::string& why) {
        last_words("org.apache.flink.util.FlinkRuntimeException: " + why);
        ::_exit(fatal_exit_code);
    }

    void shut_down() {
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
        constexpr int patience_ms =
            2'000;  // Within a graceful stop's 5 s; a stubborn task does not hold up the process.
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

    Options options_;
    HostPort jobmanager_;
    std::atomic<bool> active_, registered_ = false, lost_ = false;
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

}  // namespace

int run_taskmanager(std::span<char*> args) {
    Options options;
    std::vector<std::string> settings;
    CLI::App app{"A task manager of the flow engine", "medic-engine taskmanager"};
    app.add_option("--resource-id", options.resource_id, "Its name: node name in medic.yaml")->required();
    app.add_option("--jobmanager", options.jobmanager, "HOST:PORT of the job manager's RPC port");
    app.add_option("--slots", options.slots, "taskmanager.numberOfTaskSlots")->check(CLI::Range(1, 128));
    app.add_option("--data-port", options.data_port, "Port for records of other task managers (0: any)")
        ->check(CLI::Range(0, 65535));
    app.add_option("--metrics", options.metrics, "HOST:PORT for GET /metrics");
    app.add_option("--control", options.control, "HOST:PORT for POST /activate and GET /status");
    app.add_flag("--standby", options.standby, "Start as a warm spare: register only when activated");
    app.add_option("--config", settings, "KEY=VALUE of Flink's configuration; may be repeated")
        ->allow_extra_args(false);
    if (const auto code = parse_options(app, args)) return *code;
    constexpr std::string_view registration_timeout = "taskmanager.registration.timeout=";
    for (const std::string& pair : settings) {
        if (!pair.starts_with(registration_timeout)) continue;  // The job manager tells the rest.
        const auto parsed = parse_duration_ms(std::string_view(pair).substr(registration_timeout.size()));
        if (!parsed) {
            log_error(who, "--config {}: {}", pair, parsed.error().message);
            return 64;
        }
        options.registration_timeout_ms = *parsed;
    }
    mallopt(M_ARENA_MAX, 2);  // Every arena keeps its own free memory; the tasks allocate little.
    TaskManager manager(std::move(options));
    if (const auto started = manager.start(); !started) {
        log_error(who, "{}", started.error().message);
        return started.error().code == ErrorCode::invalid ? 64 : 1;
    }
    const StopSignal stop;
    manager.run(stop);
    return 0;
}

}  // namespace medic::engine::flow

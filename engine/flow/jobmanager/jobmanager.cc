#include "engine/flow/jobmanager/jobmanager.h"

#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <random>

#include "engine/common/log.h"
#include "engine/common/metrics_page.h"
#include "engine/common/options_internal.h"
#include "engine/common/process.h"
#include "engine/common/signals.h"
#include "engine/flow/jobmanager/jobmanager_internal.h"
#include "engine/flow/jobmanager/rest_internal.h"
#include "engine/flow/runtime/socket.h"

namespace medic::engine::flow {
namespace {

constexpr std::string_view who = "jobmanager";
constexpr std::int64_t operations_kept_ms = 300'000;  // rest.async.store-duration
constexpr std::chrono::milliseconds goodbye_patience{200};
constexpr std::size_t ended_jobs_max = 50;  // jobstore.max-capacity, here small

Result<HttpServerOptions> server_options(const std::string& at) {
    HttpServerOptions options;
    const std::size_t colon = at.rfind(':');
    try {
        if (colon == std::string::npos) throw std::invalid_argument(at);
        options.host = at.substr(0, colon) == "localhost" ? "127.0.0.1" : at.substr(0, colon);
        options.port = static_cast<std::uint16_t>(std::stoi(at.substr(colon + 1)));
    } catch (const std::exception&) {
        return fail(ErrorCode::invalid, "'{}': expected HOST:PORT", at);
    }
    return options;
}

std::string random_name() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

JobManager::JobManager(JobManagerOptions options)
    : options_(std::move(options)), web_folder_(setting("web.tmpdir", "/tmp") + "/flink-web-" + random_name()) {}

JobManager::~JobManager() { shut_down(); }

std::string JobManager::setting(const std::string& key, std::string fallback) const {
    const auto found = options_.settings.find(key);
    if (found == options_.settings.end()) return fallback;
    return found->second;
}

Status JobManager::start() {
    MEDIC_TRY(heartbeat_interval_ms_, parse_duration_ms(setting("heartbeat.interval", "10 s")));
    MEDIC_TRY(heartbeat_timeout_ms_, parse_duration_ms(setting("heartbeat.timeout", "50 s")));
    MEDIC_TRY(const JobSettings checked, read_settings({}));
    (void)checked;
    std::error_code error;
    std::filesystem::create_directories(options_.data_dir + "/jars", error);
    std::filesystem::remove_all(options_.data_dir + "/blobs", error);  // Of jobs that ended with the former process.
    if (error) return fail(ErrorCode::invalid, "{}: {}", options_.data_dir, error.message());
    MEDIC_TRY(const HttpServerOptions rpc, server_options(options_.rpc));
    MEDIC_TRY(rpc_socket_, listen_on(rpc.port, rpc_port_));
    MEDIC_TRY(HttpServerOptions rest, server_options(options_.rest));
    rest.handler_threads = 2;  // A thread dump or the description of an artifact takes its time.
    rest.upload_path = "/jars/upload";
    rest.upload_bytes_max = 256 << 20;
    auto handler = std::make_shared<Rest>(*this);
    MEDIC_TRY(rest_server_, HttpServer::start(std::move(rest), [handler](const HttpRequest& request) {
                  return handler->handle(request);
              }));
    if (!options_.metrics.empty()) {
        MEDIC_TRY(HttpServerOptions metrics, server_options(options_.metrics));
        MEDIC_TRY(metrics_server_, HttpServer::start(std::move(metrics), [this](const HttpRequest&) {
                      return HttpResponse{200, metrics_page(), std::string(MetricsPage::content_type), {}};
                  }));
    }
    acceptor_ = std::thread([this] { accept_loop(); });
    log_info(who, "job manager: REST {}, RPC port {}", options_.rest, rpc_port_);
    return {};
}

void JobManager::accept_loop() {
    for (;;) {
        const int socket = ::accept4(rpc_socket_, nullptr, nullptr, SOCK_CLOEXEC);
        if (stopping_) {
            if (socket >= 0) ::close(socket);
            return;
        }
        if (socket < 0) {
            pause_accepting(errno);
            continue;
        }
        auto connection = std::make_shared<RpcConnection>(socket);
        {
            const std::lock_guard lock(connections_mutex_);
            connections_.push_back(connection);
        }
        const std::weak_ptr<RpcConnection> weak = connection;
        connection->start(
            [this, weak](const json& message) {
                if (const auto self = weak.lock()) on_message(self, message);
            },
            [this, weak, raw = connection.get()] {
                if (const auto self = weak.lock()) on_closed(self);
                const std::lock_guard lock(connections_mutex_);
                closed_.insert(raw);
            });
    }
}

void JobManager::on_message(const std::shared_ptr<RpcConnection>& connection, const json& message) {
    const std::string type = message.at("type").get<std::string>();
    const Lock lock(mutex_);
    if (type == "register") return register_task_manager(connection, message);
    const auto from = std::find_if(task_managers_.begin(), task_managers_.end(),
                                   [&](const auto& entry) { return entry.second.connection == connection; });
    if (from == task_managers_.end()) return;  // Counted as lost meanwhile.
    RegisteredTaskManager& manager = from->second;
    manager.last_heartbeat_ms = unix_ms_now();
    manager.last_heartbeat_steady_ms = steady_ms();
    if (type == "heartbeat") return;
    if (type == "bye")
        return lose_task_manager(manager.id, "org.apache.flink.util.FlinkException",
                                 "The TaskExecutor is shutting down.");
    if (type == "fatal") {
        return lose_task_manager(manager.id, message.at("exception").get<std::string>(),
                                 message.at("stack_trace").get<std::string>());
    }
    if (type == "thread_dump") {
        if (const auto request = dumps_.find(message.at("request").get<std::int64_t>()); request != dumps_.end())
            request->second = {true, message.at("threads")};
        dump_answered_.notify_all();
        return;
    }
    if (type == "metrics") {
        manager.process_metrics = message.at("process").get<std::map<std::string, double>>();
        for (const json& task : message.at("tasks")) {
            const auto job = jobs_.find(task.at("job").get<std::string>());
            if (job == jobs_.end() || job->second->generation != task.at("generation").get<std::int64_t>()) continue;
            Subtask& subtask = job->second->subtasks.at(task.at("vertex").get<std::size_t>())
                                   .at(task.at("subtask").get<std::size_t>());
            subtask.metrics.clear();
            for (const auto& [name, value] : task.at("values").items())
                if (value.is_number()) subtask.metrics[name] = value.get<double>();
        }
        return;
    }
    from_task(manager, type, message);
}

void JobManager::register_task_manager(const std::shared_ptr<RpcConnection>& connection, const json& message) {
    const std::string id = message.at("resource_id").get<std::string>();
    if (task_managers_.contains(id))
        lose_task_manager(id, "org.apache.flink.util.FlinkException",
                          "TaskManager with id " + id + " registered again: its former process is gone.");
    RegisteredTaskManager manager;
    manager.id = id;
    manager.host = message.at("host").get<std::string>();
    manager.log_file = message.value("log_file", "");
    manager.data_port = message.at("data_port").get<int>();
    manager.slots = message.at("slots").get<int>();
    manager.hardware = message.at("hardware");
    manager.connection = connection;
    manager.last_heartbeat_ms = unix_ms_now();
    manager.last_heartbeat_steady_ms = steady_ms();
    task_managers_[id] = std::move(manager);
    connection->send({{"type", "registered"}, {"heartbeat_timeout_ms", heartbeat_timeout_ms_}});
    log_info(who, "Registering TaskManager with ResourceID {} ({} slots)", id, task_managers_[id].slots);
    for (const auto& [job_id, job] : jobs_) beat_job(*job, unix_ms_now());
}

void JobManager::on_closed(const std::shared_ptr<RpcConnection>& connection) {
    const Lock lock(mutex_);
    for (const auto& [id, manager] : task_managers_) {
        if (manager.connection != connection) continue;
        const std::string address = fmt::format("{}/{}:{} [ {} ] ", manager.host, manager.host, manager.data_port, id);
        lose_task_manager(std::string(id),
                          "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException",
                          "Connection unexpectedly closed by remote task manager '" + address +
                              "'. This might indicate that the remote task manager was lost.");
        return;
    }
}

void JobManager::lose_task_manager(const std::string& id, const std::string& exception, const std::string& why) {
    const auto found = task_managers_.find(id);
    if (found == task_managers_.end()) return;
    log_warn(who, "TaskManager {} is lost: {}", id, why);
    const std::string endpoint = fmt::format("{}:{}", found->second.host, found->second.data_port);
    found->second.connection->close_after({{"type", "disconnect"}, {"reason", why}});
    task_managers_.erase(found);
    for (const auto& [job_id, job] : jobs_) {
        if (!job->holding.contains(id)) continue;
        job->each_subtask([&](int, int, Subtask& subtask) {
            if (subtask.resource_id == id)
                subtask.enter(job->phase == Phase::release ? SubtaskState::canceled : SubtaskState::failed,
                              unix_ms_now());
        });
        job->holding.erase(id);
        ExceptionEntry cause;
        cause.exception_name = exception;
        cause.stacktrace = why.starts_with(exception) ? why : exception + ": " + why + "\n";
        cause.at_ms = unix_ms_now();
        cause.endpoint = endpoint;
        cause.resource_id = id;
        for (std::size_t v = 0; v < job->subtasks.size() && cause.task_name.empty(); ++v)
            for (std::size_t s = 0; s < job->subtasks[v].size() && cause.task_name.empty(); ++s)
                if (job->subtasks[v][s].resource_id == id)
                    cause.task_name =
                        fmt::format("{} ({}/{})", job->graph.vertices[v].name, s + 1, job->subtasks[v].size());
        if (job->phase == Phase::release)
            released(*job, id);
        else
            fail_job(*job, std::move(cause));
    }
}

void JobManager::from_task(const RegisteredTaskManager& from, const std::string& type, const json& message) {
    const auto found = jobs_.find(message.at("job").get<std::string>());
    if (found == jobs_.end() || found->second->generation != message.at("generation").get<std::int64_t>()) return;
    Job& job = *found->second;
    const std::int64_t now = unix_ms_now();
    if (type == "released") return released(job, from.id);
    if (type == "deployed") {
        job.deploying.erase(from.id);
        if (message.contains("error")) {
            ExceptionEntry cause;
            cause.exception_name = "org.apache.flink.runtime.execution.SetupException";
            cause.stacktrace = cause.exception_name + ": " + message.at("error").get<std::string>() + "\n";
            cause.at_ms = now;
            cause.resource_id = from.id;
            return fail_job(job, std::move(cause));
        }
        if (job.phase == Phase::deployment && job.deploying.empty()) start_tasks(job, now);
        return;
    }
    const int vertex = message.at("vertex").get<int>(), index = message.at("subtask").get<int>();
    Subtask* subtask =
        vertex < 0 ? nullptr : &job.subtasks.at(static_cast<std::size_t>(vertex)).at(static_cast<std::size_t>(index));
    if (type == "failed") {
        if (job.finishing && !subtask) return;  // A peer that finished first closes its connections.
        ExceptionEntry cause;
        cause.exception_name = message.at("exception").get<std::string>();
        cause.stacktrace = message.at("stack_trace").get<std::string>();
        cause.at_ms = now;
        cause.resource_id = from.id;
        cause.endpoint = fmt::format("{}:{}", from.host, from.data_port);
        if (subtask) {
            subtask->enter(SubtaskState::failed, now);
            cause.task_name = fmt::format("{} ({}/{})", job.graph.vertices[static_cast<std::size_t>(vertex)].name,
                                          index + 1, job.subtasks[static_cast<std::size_t>(vertex)].size());
        }
        return fail_job(job, std::move(cause));
    }
    if (!subtask) return;
    if (type == "exhausted") subtask->exhausted = true;
    if (type == "acknowledge") return acknowledge(job, vertex, index, message);
    if (type != "state") return;
    const std::string state = message.at("state").get<std::string>();
    if (state == "RUNNING" && subtask->state == SubtaskState::initializing) subtask->enter(SubtaskState::running, now);
    if (state == "FINISHED") subtask->enter(SubtaskState::finished, now);
    if (state == "CANCELED") subtask->enter(SubtaskState::canceled, now);
}

void JobManager::check_heartbeats(std::int64_t now_ms) {
    if (now_ms - last_heartbeat_sent_ms_ >= heartbeat_interval_ms_) {
        last_heartbeat_sent_ms_ = now_ms;
        for (const auto& [id, manager] : task_managers_) manager.connection->send({{"type", "heartbeat"}});
    }
    std::vector<std::string> silent;
    for (const auto& [id, manager] : task_managers_)
        if (now_ms - manager.last_heartbeat_steady_ms >= heartbeat_timeout_ms_) silent.push_back(id);
    for (const std::string& id : silent)
        lose_task_manager(id, "java.util.concurrent.TimeoutException",
                          "Heartbeat of TaskManager with id " + id + " timed out.");
}

void JobManager::beat() {
    std::vector<std::shared_ptr<RpcConnection>> reaped;
    {
        const std::lock_guard lock(connections_mutex_);
        const auto gone = std::stable_partition(connections_.begin(), connections_.end(),
                                                [this](const auto& c) { return !closed_.contains(c.get()); });
        for (auto at = gone; at != connections_.end(); ++at) closed_.erase(at->get());
        reaped.assign(gone, connections_.end());
        connections_.erase(gone, connections_.end());
    }
    reaped.clear();
    const Lock lock(mutex_);
    check_heartbeats(steady_ms());
    const std::int64_t now = unix_ms_now();
    std::size_t ended = 0;
    for (const auto& [id, job] : jobs_) {
        beat_job(*job, now);
        if (job->phase != Phase::ended) continue;
        ++ended;
        if (job->program.artifact.empty()) continue;
        std::error_code ignored;
        std::filesystem::remove_all(std::filesystem::path(options_.data_dir) / "blobs" / id, ignored);
        job->program.artifact.clear();
    }
    std::erase_if(operations_, [&](const auto& operation) {
        return operation.second.completed && steady_ms() - operation.second.completed_ms > operations_kept_ms;
    });
    while (ended > ended_jobs_max) {
        const auto oldest = std::min_element(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) {
            const auto key = [](const Job& job) {
                return job.phase == Phase::ended ? job.ended_ms : std::numeric_limits<std::int64_t>::max();
            };
            return key(*a.second) < key(*b.second);
        });
        jobs_.erase(oldest);
        --ended;
    }
}

void JobManager::shut_down() {
    if (stopping_.exchange(true)) return;
    rest_server_.reset();
    metrics_server_.reset();
    ::shutdown(rpc_socket_, SHUT_RDWR);
    if (acceptor_.joinable()) acceptor_.join();
    if (rpc_socket_ >= 0) ::close(rpc_socket_);
    say_goodbye();
    std::vector<std::shared_ptr<RpcConnection>> connections;
    {
        const std::lock_guard lock(connections_mutex_);
        connections.swap(connections_);
    }
    // A reader may hold its connection for the length of a message: it ends first, or it would be the last to let go.
    for (const auto& connection : connections) connection->stop();
}

void JobManager::say_goodbye() {
    std::vector<std::shared_ptr<RpcConnection>> told;
    {
        const Lock lock(mutex_);
        for (const auto& [id, manager] : task_managers_) {
            manager.connection->close_after({{"type", "disconnect"}, {"reason", "The job manager is shutting down."}});
            told.push_back(manager.connection);
        }
        jobs_.clear();
        task_managers_.clear();
    }
    for (const auto& connection : told) connection->flush(goodbye_patience);
}

int run_jobmanager(std::span<char*> args) {
    JobManagerOptions options;
    std::string description;
    std::vector<std::string> settings;
    CLI::App app{"The job manager of the flow engine", "medic-engine jobmanager"};
    app.add_option("--rest", options.rest, "HOST:PORT of the REST API");
    app.add_option("--rpc", options.rpc, "HOST:PORT that task managers register at (jobmanager.rpc.address, .port)");
    app.add_option("--metrics", options.metrics, "HOST:PORT for GET /metrics");
    app.add_option("--data", options.data_dir, "Where uploaded artifacts and, by default, checkpoints are kept");
    app.add_option("--config", settings, "KEY=VALUE of Flink's configuration; may be repeated")
        ->allow_extra_args(false);
    app.add_option("--describe", description,
                   "Print the graph of an artifact to descriptor 3 (used by the job manager itself)");
    if (const auto code = parse_options(app, args)) return *code;
    if (!description.empty()) return run_describe(description);
    if (options.data_dir.empty()) {
        log_error(who, "--data is missing");
        return 64;
    }
    options.data_dir = std::filesystem::absolute(options.data_dir).string();
    for (const std::string& pair : settings) {
        const std::size_t equals = pair.find('=');
        if (equals == std::string::npos) {
            log_error(who, "--config {}: expected KEY=VALUE", pair);
            return 64;
        }
        options.settings[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    options.executable = own_executable();
    mallopt(M_ARENA_MAX, 2);
    JobManager manager(std::move(options));
    if (const auto started = manager.start(); !started) {
        log_error(who, "{}", started.error().message);
        return started.error().code == ErrorCode::invalid ? 64 : 1;
    }
    const StopSignal stop;
    constexpr Duration beat{50};
    while (!stop.wait_for(beat)) manager.beat();
    log_info(who, "RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.");
    manager.shut_down();
    return 0;
}

}  // namespace medic::engine::flow

// The job manager's heart: task managers, slots, jobs, their checkpoints. Everything under one mutex; connections have
// threads of their own, a beat drives what is due. REST (rest_*.cc) and the metrics page read from it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/world/real/http_server.h"
#include "engine/flow/jobmanager/job_internal.h"
#include "engine/flow/runtime/rpc_internal.h"

namespace medic::engine::flow {

struct JobManagerOptions {
    std::string rpc = "127.0.0.1:6123", rest = "127.0.0.1:8081", metrics;
    std::string data_dir;  // Uploaded artifacts; checkpoints where the configuration names no place.
    std::map<std::string, std::string> settings;  // --config KEY=VALUE, Flink's keys.
    std::string executable;                       // medic-engine, to describe artifacts with.
};

struct RegisteredTaskManager {
    std::string id, host, log_file;
    int data_port = 0, slots = 0;
    std::shared_ptr<RpcConnection> connection;
    std::int64_t last_heartbeat_ms = 0;  // Wall clock, as REST shows it.
    std::int64_t last_heartbeat_steady_ms = 0;
    nlohmann::json hardware;
    std::map<std::string, double> process_metrics;
};

struct RunRequest {
    std::string artifact, entry_class, savepoint_path, job_id;
    std::vector<std::string> arguments;
    int parallelism = 0;
    NonRestored non_restored = NonRestored::refuse;
    std::map<std::string, std::string> settings;
};

class JobManager {
public:
    explicit JobManager(JobManagerOptions options);
    ~JobManager();
    [[nodiscard]] Status start();
    void beat();  // Some times a second.
    void shut_down();
    [[nodiscard]] int rpc_port() const { return rpc_port_; }
    [[nodiscard]] int rest_port() const { return rest_server_->port(); }

private:
    friend class Rest;
    using json = nlohmann::json;
    using Lock = std::lock_guard<std::recursive_mutex>;

    // Connections.
    void accept_loop();
    void on_message(const std::shared_ptr<RpcConnection>& connection, const json& message);
    void register_task_manager(const std::shared_ptr<RpcConnection>& connection, const json& message);
    void on_closed(const std::shared_ptr<RpcConnection>& connection);
    void lose_task_manager(const std::string& id, const std::string& exception, const std::string& why);
    void from_task(const RegisteredTaskManager& from, const std::string& type, const json& message);
    void check_heartbeats(std::int64_t now_ms);
    void say_goodbye();

    // Scheduling (scheduling.cc).
    [[nodiscard]] Result<std::string> run_job(const RunRequest& request);
    [[nodiscard]] Result<JobGraph> describe_job(const RunRequest& request) const;
    [[nodiscard]] JobProgram program_of(const RunRequest& request) const;
    [[nodiscard]] Result<JobSettings> read_settings(const std::map<std::string, std::string>& settings) const;
    [[nodiscard]] Status keep_artifact(Job& job) const;
    void beat_job(Job& job, std::int64_t now_ms);
    [[nodiscard]] bool place(Job& job);
    void deploy(Job& job, std::int64_t now_ms);
    void start_tasks(Job& job, std::int64_t now_ms);
    void fail_job(Job& job, ExceptionEntry cause);
    void cancel_job(Job& job);
    void cancel_tasks(Job& job);
    void released(Job& job, const std::string& resource_id);
    void after_release(Job& job, std::int64_t now_ms);
    void reset_subtasks(Job& job, SubtaskState to, std::int64_t now_ms);
    [[nodiscard]] int used_slots(const std::string& resource_id) const;
    void to_holders(const Job& job, const json& message);

    // Another parallelism for a job that goes on (rescaling.cc).
    [[nodiscard]] bool schedules_adaptively() const;
    [[nodiscard]] Status require(Job& job, const std::map<std::string, int>& parallelism);  // By vertex id.
    [[nodiscard]] bool may_rescale(const Job& job) const;
    void rescale_if_wanted(Job& job, std::int64_t now_ms);
    void take_wanted_parallelism(Job& job);

    // Checkpoints (checkpointing.cc).
    void beat_checkpoints(Job& job, std::int64_t now_ms);
    void trigger_checkpoint(Job& job, const SavepointRequest* request, CheckpointMode mode, std::int64_t now_ms);
    void acknowledge(Job& job, int vertex, int subtask, const json& message);
    void complete_checkpoint(Job& job, std::int64_t now_ms);
    enum class FailedAt : std::uint8_t { job_manager, task };
    void fail_checkpoint(Job& job, const std::string& why, std::int64_t now_ms, FailedAt at = FailedAt::job_manager);
    void abort_checkpoints(Job& job, const std::string& why);
    void retain(Job& job);
    void finish_tasks(Job& job);
    void complete_operation(const std::string& trigger_id, std::string location, std::string failure);
    [[nodiscard]] std::string checkpoint_base(const Job& job) const;

    [[nodiscard]] std::string setting(const std::string& key, std::string fallback) const;
    [[nodiscard]] std::string metrics_page();

    JobManagerOptions options_;
    // web.tmpdir: as with Flink, each process adds a name of its own.
    const std::string web_folder_;
    std::int64_t heartbeat_interval_ms_ = 10'000;  // heartbeat.interval
    std::int64_t heartbeat_timeout_ms_ = 50'000;   // heartbeat.timeout
    std::int64_t last_heartbeat_sent_ms_ = 0;

    std::recursive_mutex mutex_;
    std::map<std::string, RegisteredTaskManager> task_managers_;
    std::map<std::string, std::shared_ptr<Job>> jobs_;
    std::map<std::string, AsyncOperation> operations_;
    std::map<std::string, JobManager::json> jars_;  // By jar id: name, path, uploaded.
    std::int64_t next_number_ = 1;

    std::mutex connections_mutex_;
    std::vector<std::shared_ptr<RpcConnection>> connections_;  // Alive or waiting to be reaped by the beat.
    std::set<RpcConnection*> closed_;

    struct DumpRequest {
        bool answered = false;
        json threads;
    };
    std::map<std::int64_t, DumpRequest> dumps_;
    std::condition_variable_any dump_answered_;

    int rpc_socket_ = -1, rpc_port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::thread acceptor_;
    std::unique_ptr<HttpServer> rest_server_, metrics_server_;
};

}  // namespace medic::engine::flow

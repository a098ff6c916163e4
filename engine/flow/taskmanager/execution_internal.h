// The tasks of one execution (deployment) of one job on this task manager, with their gates and connections.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/flow/runtime/network.h"
#include "engine/flow/runtime/task.h"

namespace medic::engine::flow {

struct ExecutionEnvironment {
    std::string resource_id;
    DataServer& server;
    std::function<void(nlohmann::json)> send;                // To the job manager.
    std::function<void(std::function<void()>)> store_later;  // Runs it on the snapshot writer's thread.
    std::function<void(const std::string& why)> die;         // Ends the process with fatal_exit_code.
};

// deploy() → start() → … → cancel() or finish by mail → ended(). Owned and called by the task manager's control thread;
// the TaskHost side comes from the tasks' threads.
class Execution final : public TaskHost {
public:
    explicit Execution(ExecutionEnvironment environment) : environment_(std::move(environment)) {}
    ~Execution() override;

    // Loads the artifact, builds gates, and accepts connections for them. `order`: the job manager's deploy message.
    [[nodiscard]] Status deploy(const nlohmann::json& order);
    // Connects to the peers and starts the threads. `order`: the start message.
    [[nodiscard]] Status start(const nlohmann::json& order);
    void mail(const nlohmann::json& order);  // trigger, complete, finish.
    void cancel();
    void tick(std::int64_t now_ms);  // Cancellation: interrupts again, in the end kills the process.
    [[nodiscard]] bool all_ended() const;
    [[nodiscard]] bool releasable() const {
        return (cancelled_ || *expect_loss_) && all_ended();
    }  // Cancelled or finished.

    [[nodiscard]] const std::vector<std::unique_ptr<Task>>& tasks() const { return tasks_; }
    [[nodiscard]] const std::string& job_id() const { return job_id_; }
    [[nodiscard]] const std::string& job_name() const { return library_->graph().name; }
    [[nodiscard]] std::int64_t generation() const { return generation_; }

    void task_changed(Task& task, TaskState state, const TaskFailure* failure) override;
    void task_snapshot(Task& task, SnapshotReport report) override;
    void task_exhausted(Task& task) override;

private:
    struct Placement {
        std::string resource_id, host;
        int data_port = 0;
    };
    struct Ordered {
        int vertex = 0, subtask = 0;
    };
    [[nodiscard]] nlohmann::json about(const Task& task, const char* type) const;
    [[nodiscard]] Status read_order(const nlohmann::json& order);
    void create_gates();
    [[nodiscard]] Result<std::vector<std::vector<std::unique_ptr<FrameTarget>>>> targets_of(int vertex, int subtask);
    [[nodiscard]] Result<std::shared_ptr<DataSender>> sender_to(const Placement& peer);
    [[nodiscard]] std::string execution_key() const;

    ExecutionEnvironment environment_;
    std::shared_ptr<JobLibrary> library_;
    std::string job_id_;
    std::int64_t generation_ = 0;
    int attempt_ = 0;
    int frames_per_channel_ = 4;
    bool restore_ = false;
    std::vector<std::string> snapshot_files_;
    std::vector<std::vector<Placement>> placements_;  // By vertex and subtask.
    std::vector<Ordered> ordered_;                    // Those that run here.
    std::map<std::pair<int, int>, std::shared_ptr<InputGate>> gates_;
    std::shared_ptr<JobInputs> inputs_;
    std::map<std::string, std::shared_ptr<DataSender>> senders_;
    std::vector<std::unique_ptr<Task>> tasks_;
    bool cancelled_ = false;
    // Shared with the connections' threads, which may outlive this: a lost connection is expected from now on.
    std::shared_ptr<std::atomic<bool>> expect_loss_ = std::make_shared<std::atomic<bool>>(false);
    std::int64_t cancel_began_ms_ = 0, last_interrupt_ms_ = 0;
    std::int64_t cancellation_interval_ms_ = 30'000;  // task.cancellation.interval
    std::int64_t cancellation_timeout_ms_ = 180'000;  // task.cancellation.timeout
};

}  // namespace medic::engine::flow

// One subtask: a chain of operators on one thread, between its input gate (or partitions) and its outgoing edges.
// Knows nothing of slots, connections or the job manager: a TaskHost hears of it.
#pragma once

#include <pthread.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/flow/runtime/crash.h"
#include "engine/flow/runtime/exchange.h"
#include "engine/flow/runtime/job_library.h"
#include "engine/flow/runtime/snapshot.h"

namespace medic::engine::flow {

// Flink's execution states, as far as a subtask itself goes through them.
enum class TaskState : std::uint8_t { initializing, running, finished, canceled, failed };
[[nodiscard]] std::string_view to_string(TaskState state);

struct TaskFailure {
    std::string exception;    // Type name.
    std::string stack_trace;  // "Type: message\n\tat frame(object+offset)\n…"
    bool process_must_end = false;
};

struct SnapshotReport {
    std::int64_t checkpoint_id = 0;
    std::int64_t trigger_unix_ms = 0;
    std::string folder;
    std::string bytes;
    std::int64_t alignment_ms = 0, start_delay_ms = 0, sync_ms = 0;
};

class Task;
// Called from the task's thread.
class TaskHost {
public:
    virtual ~TaskHost() = default;
    virtual void task_changed(Task& task, TaskState state, const TaskFailure* failure) = 0;
    virtual void task_snapshot(Task& task, SnapshotReport report) = 0;  // To be stored and acknowledged.
    virtual void task_exhausted(Task& task) = 0;                        // A source that has emitted its last record.
};

struct TaskPlan {
    std::shared_ptr<JobLibrary> library;
    int vertex = 0;
    int subtask = 0;
    int attempt = 0;
    std::string job_id;
    std::int64_t generation = 0;
    std::shared_ptr<InputGate> gate;                                 // Without channels for a source.
    std::vector<std::vector<std::unique_ptr<FrameTarget>>> targets;  // One list per outgoing edge of the vertex.
    bool restore = false;
    std::vector<std::string> snapshot_files;  // Every file that may hold state of this vertex.
};

class Task {
public:
    Task(TaskPlan plan, TaskHost& host);
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task();  // Waits for the thread: cancel first.

    void start();
    void cancel();  // Sets the flag, interrupts channels and the blocked system call. A stubborn task just goes on.
    void interrupt_again();
    [[nodiscard]] InputGate& gate() { return *plan_.gate; }

    [[nodiscard]] const TaskPlan& plan() const { return plan_; }
    [[nodiscard]] const GraphVertex& vertex() const;
    [[nodiscard]] TaskState state() const { return state_.load(); }
    [[nodiscard]] bool ended() const { return ended_.load(); }
    [[nodiscard]] const TaskMetrics& metrics() const { return metrics_; }
    [[nodiscard]] double output_usage() const;
    [[nodiscard]] std::string thread_name() const;
    [[nodiscard]] int thread_id() const { return thread_id_; }  // 0: not running.
    [[nodiscard]] std::vector<std::string> stack() const;       // Where its thread is now.

private:
    friend class TaskBody;
    void run();

    TaskPlan plan_;
    TaskHost& host_;
    TaskMetrics metrics_;
    RecordOrigin origin_;
    std::string work_;  // What it is at where there is no record; the task's thread only.
    std::atomic<bool> cancelled_ = false;
    std::atomic<TaskState> state_ = TaskState::initializing;
    std::atomic<bool> started_ = false, ended_ = false;
    std::vector<std::unique_ptr<ExchangeOutput>> exchanges_;
    std::atomic<pthread_t> handle_ = 0;
    std::atomic<int> thread_id_ = 0;
    std::thread thread_;
};

}  // namespace medic::engine::flow

// One job as the job manager sees it. Plain data; the rules are in scheduling.cc and checkpointing.cc. Guarded by the
// job manager's mutex.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/flow/jobmanager/checkpoint_metadata.h"
#include "engine/flow/runtime/gate.h"
#include "engine/flow/runtime/job_library.h"

namespace medic::engine::flow {

// Flink's job states, those that occur here.
enum class JobState : std::uint8_t {
    initializing,
    created,
    running,
    failing,
    failed,
    cancelling,
    canceled,
    finished,
    restarting,
    suspended,
    reconciling
};
inline constexpr std::array<std::string_view, 11> job_state_names{
    "INITIALIZING", "CREATED",  "RUNNING",    "FAILING",   "FAILED",     "CANCELLING",
    "CANCELED",     "FINISHED", "RESTARTING", "SUSPENDED", "RECONCILING"};
[[nodiscard]] inline std::string_view to_string(JobState state) {
    return job_state_names[static_cast<std::size_t>(state)];
}
[[nodiscard]] inline bool is_terminal(JobState state) {
    return state == JobState::failed || state == JobState::canceled || state == JobState::finished;
}

// Flink's execution states.
enum class SubtaskState : std::uint8_t {
    created,
    scheduled,
    deploying,
    initializing,
    running,
    finished,
    canceling,
    canceled,
    failed,
    reconciling
};
inline constexpr std::array<std::string_view, 10> subtask_state_names{
    "CREATED",  "SCHEDULED", "DEPLOYING", "INITIALIZING", "RUNNING",
    "FINISHED", "CANCELING", "CANCELED",  "FAILED",       "RECONCILING"};
[[nodiscard]] inline std::string_view to_string(SubtaskState state) {
    return subtask_state_names[static_cast<std::size_t>(state)];
}

struct Subtask {
    SubtaskState state = SubtaskState::created;
    std::string resource_id;                                          // "" before it was placed.
    std::string endpoint;                                             // "127.0.0.1:DATAPORT" of that task manager.
    std::array<std::int64_t, subtask_state_names.size()> since_ms{};  // Of this attempt; 0: never.
    std::map<std::string, double> metrics;                            // As last reported; empty: nothing yet.
    bool exhausted = false;

    void enter(SubtaskState to, std::int64_t now_ms) {
        state = to;
        since_ms[static_cast<std::size_t>(to)] = now_ms;
    }
};

struct ExceptionEntry {
    std::string exception_name, stacktrace;
    std::int64_t at_ms = 0;
    std::string task_name, endpoint, resource_id;  // "" where no task failed.
    std::map<std::string, std::string> labels;
    std::vector<ExceptionEntry> concurrent;
};

struct AcknowledgedSubtask {
    std::int64_t at_ms = 0, size = 0, alignment_ms = 0, start_delay_ms = 0, sync_ms = 0, async_ms = 0;
};

enum class CheckpointStatus : std::uint8_t { in_progress, completed, failed };

struct Checkpoint {
    std::int64_t id = 0;
    CheckpointStatus status = CheckpointStatus::in_progress;
    bool is_savepoint = false;
    CheckpointMode mode = CheckpointMode::resume;
    std::string folder;
    std::int64_t triggered_ms = 0, last_ack_ms = 0, failed_ms = 0;
    std::int64_t triggered_steady_ms = 0;
    bool reached_tasks = false;  // They were told of it: in another mode than resume, the sources have stopped.
    std::string failure;
    int subtasks = 0;
    bool discarded = false;
    std::map<std::pair<int, int>, AcknowledgedSubtask> acknowledged;  // By vertex and subtask.
    std::string trigger_id;  // Of the request that asked for it; "" for a periodic one.

    [[nodiscard]] std::int64_t size() const {
        std::int64_t sum = 0;
        for (const auto& [who, ack] : acknowledged) sum += ack.size;
        return sum;
    }
    [[nodiscard]] std::int64_t duration_ms() const { return last_ack_ms - triggered_ms; }
};

struct SavepointRequest {
    std::string trigger_id, folder;
    CheckpointMode mode = CheckpointMode::resume;
    bool cancel_job = false;
};

// The answer to an asynchronous request, kept for rest.async.store-duration (5 min).
struct AsyncOperation {
    bool completed = false;
    std::string location, failure;  // One of both, once completed.
    std::int64_t completed_ms = 0;  // Steady clock.
};

struct JobSettings {
    std::int64_t checkpoint_interval_ms = 0;         // execution.checkpointing.interval; 0: none
    std::int64_t checkpoint_timeout_ms = 600'000;    // execution.checkpointing.timeout
    std::int64_t checkpoint_min_pause_ms = 0;        // execution.checkpointing.min-pause
    int tolerable_failed_checkpoints = 0;            // execution.checkpointing.tolerable-failed-checkpoints
    int checkpoints_retained = 1;                    // execution.checkpointing.num-retained
    bool delete_on_cancellation = false;             // execution.checkpointing.externalized-checkpoint-retention
    std::int64_t restart_delay_ms = 1'000;           // restart-strategy.fixed-delay.delay
    std::int64_t restart_attempts = -1;              // restart-strategy.fixed-delay.attempts; -1: without end
    std::int64_t slot_request_timeout_ms = 300'000;  // slot.request.timeout
};

// What a job is waiting for, under the state that REST shows.
enum class Phase : std::uint8_t { slots, deployment, running, release, delay, ended };

struct Job {
    std::string id;
    JobProgram program;
    JobGraph graph;
    JobSettings settings;
    JobState state = JobState::initializing;
    Phase phase = Phase::slots;
    std::array<std::int64_t, job_state_names.size()> since_ms{};
    std::int64_t started_ms = 0, ended_ms = -1, modified_ms = 0;

    int attempt = -1;  // Of the present deployment; numRestarts is what Flink counts.
    std::int64_t restarts = 0, failures = 0;
    std::int64_t generation = 0;
    // Steady clock. Slots: when they are given up. Delay: when it goes on. Deployment: too late.
    std::int64_t phase_deadline_ms = 0;
    std::vector<std::string> slot_holders;       // Task manager of slot i; empty while it has none.
    std::set<std::string> holding;               // Task managers that have tasks of it, until they say "released".
    std::set<std::string> deploying;             // Those whose "deployed" is awaited.
    std::vector<std::vector<Subtask>> subtasks;  // By vertex.
    std::map<std::string, int> wanted;           // Parallelism by vertex id, not taken yet; empty: as it runs.

    std::deque<ExceptionEntry> exceptions;  // Newest first, 16 at most (web.exception-history-size).
    bool exceptions_truncated = false;

    std::string initial_restore;  // Given at submission.
    std::int64_t next_checkpoint_id = 1;
    std::int64_t next_checkpoint_ms = 0;  // Steady clock.
    std::optional<Checkpoint> pending;
    std::deque<Checkpoint> history;  // Newest first, 10 at most (web.checkpoints.history).
    std::optional<Checkpoint> latest_completed, latest_savepoint, latest_failed;
    struct Restored {
        std::int64_t id = 0, at_ms = 0;
        bool is_savepoint = false;
        std::string path;
    };
    std::optional<Restored> restored;
    std::vector<std::pair<std::int64_t, std::string>>
        retained;  // Completed periodic ones: id and folder, oldest first.
    std::int64_t completed_count = 0, failed_count = 0, restored_count = 0, consecutive_failures = 0;
    std::deque<SavepointRequest> savepoint_requests;
    bool finishing = false;    // Its last checkpoint is complete: the tasks were told to finish.
    std::string stop_trigger;  // The stop-with-savepoint request to answer when it has finished.

    void enter(JobState to, std::int64_t now_ms) {
        state = to;
        since_ms[static_cast<std::size_t>(to)] = now_ms;
        modified_ms = now_ms;
        if (is_terminal(to)) ended_ms = now_ms;
    }
    template <class Visit>
    void each_subtask(Visit visit) {
        for (std::size_t v = 0; v < subtasks.size(); ++v)
            for (std::size_t s = 0; s < subtasks[v].size(); ++s)
                visit(static_cast<int>(v), static_cast<int>(s), subtasks[v][s]);
    }
    [[nodiscard]] bool all_running() const {
        for (const auto& vertex : subtasks)
            for (const Subtask& subtask : vertex)
                if (subtask.state != SubtaskState::running) return false;
        return true;
    }
};

}  // namespace medic::engine::flow

// The checkpoint coordinator: triggers, collects acknowledgements, makes checkpoints complete, keeps the newest.
#include <algorithm>
#include <filesystem>

#include "engine/common/log.h"
#include "engine/flow/jobmanager/jobmanager_internal.h"
#include "engine/flow/runtime/snapshot.h"

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view who = "jobmanager";
constexpr std::size_t history_max = 10;  // web.checkpoints.history

}  // namespace

std::string JobManager::checkpoint_base(const Job& job) const {
    for (const char* key : {"execution.checkpointing.dir", "state.checkpoints.dir"})
        if (const auto found = job.graph.settings.find(key); found != job.graph.settings.end())
            return checkpoint_folder(found->second);
    return options_.data_dir + "/checkpoints";
}

void JobManager::beat_checkpoints(Job& job, std::int64_t now_ms) {
    if (job.pending && steady_ms() - job.pending->triggered_steady_ms >= job.settings.checkpoint_timeout_ms) {
        fail_checkpoint(job, "Checkpoint expired before completing.", now_ms);
        return;
    }
    if (job.pending || job.finishing || job.phase != Phase::running || !job.all_running()) return;
    if (!job.savepoint_requests.empty()) {
        const SavepointRequest request = std::move(job.savepoint_requests.front());
        job.savepoint_requests.pop_front();
        trigger_checkpoint(job, &request, request.mode, now_ms);
        return;
    }
    bool exhausted = true;
    job.each_subtask([&](int vertex, int, const Subtask& subtask) {
        if (job.graph.vertices[static_cast<std::size_t>(vertex)].in_edge < 0)
            exhausted = exhausted && subtask.exhausted;
    });
    if (exhausted) {
        trigger_checkpoint(job, nullptr, CheckpointMode::stop, now_ms);  // Commits what the sinks still hold.
    } else if (job.settings.checkpoint_interval_ms > 0 && steady_ms() >= job.next_checkpoint_ms) {
        trigger_checkpoint(job, nullptr, CheckpointMode::resume, now_ms);
        job.next_checkpoint_ms = steady_ms() + job.settings.checkpoint_interval_ms;
    }
}

void JobManager::trigger_checkpoint(Job& job, const SavepointRequest* request, CheckpointMode mode,
                                    std::int64_t now_ms) {
    Checkpoint checkpoint;
    checkpoint.id = job.next_checkpoint_id++;
    checkpoint.triggered_ms = now_ms;
    checkpoint.triggered_steady_ms = steady_ms();
    checkpoint.mode = mode;
    checkpoint.subtasks = job.graph.subtasks();
    checkpoint.is_savepoint = request != nullptr;
    checkpoint.folder =
        request ? request->folder : fmt::format("{}/{}/chk-{}", checkpoint_base(job), job.id, checkpoint.id);
    if (request) checkpoint.trigger_id = request->trigger_id;
    if (request && request->cancel_job) job.stop_trigger = request->trigger_id;
    std::error_code error;
    fs::create_directories(checkpoint.folder, error);
    job.pending = checkpoint;
    if (error) {
        fail_checkpoint(
            job, fmt::format("Failure to initialize checkpoint directory {}: {}", checkpoint.folder, error.message()),
            now_ms);
        return;
    }
    job.pending->reached_tasks = true;
    to_holders(job, {{"type", "trigger"},
                     {"job", job.id},
                     {"generation", job.generation},
                     {"checkpoint", checkpoint.id},
                     {"trigger_unix_ms", now_ms},
                     {"mode", static_cast<int>(mode)},
                     {"folder", checkpoint.folder}});
}

void JobManager::acknowledge(Job& job, int vertex, int subtask, const json& message) {
    if (!job.pending || job.pending->id != message.at("checkpoint").get<std::int64_t>()) return;  // Expired meanwhile.
    const std::int64_t now = unix_ms_now();
    if (message.contains("declined")) {
        fail_checkpoint(job, "Asynchronous task checkpoint failed. " + message.at("declined").get<std::string>(), now,
                        FailedAt::task);
        return;
    }
    AcknowledgedSubtask ack;
    ack.at_ms = now;
    ack.size = message.at("size").get<std::int64_t>();
    ack.alignment_ms = message.at("alignment_ms").get<std::int64_t>();
    ack.start_delay_ms = message.at("start_delay_ms").get<std::int64_t>();
    ack.sync_ms = message.at("sync_ms").get<std::int64_t>();
    ack.async_ms = message.at("async_ms").get<std::int64_t>();
    job.pending->acknowledged[{vertex, subtask}] = ack;
    job.pending->last_ack_ms = now;
    if (static_cast<int>(job.pending->acknowledged.size()) == job.pending->subtasks) complete_checkpoint(job, now);
}

void JobManager::complete_checkpoint(Job& job, std::int64_t now_ms) {
    Checkpoint& checkpoint = *job.pending;
    CheckpointMetadata metadata{
        checkpoint.id, now_ms, checkpoint.is_savepoint, job.id, job.graph.name, job.graph.max_parallelism, {}, {}};
    for (const GraphVertex& vertex : job.graph.vertices) {
        std::set<std::string> uids;
        for (const GraphOperator& op : vertex.operators) {
            metadata.operators.push_back({op.uid, op.name, op.state_version, op.stateful});
            if (op.stateful) uids.insert(op.uid);
        }
        for (int subtask = 0; subtask < vertex.parallelism; ++subtask)
            metadata.files.push_back({fmt::format("{}-{}", vertex.id, subtask), uids});
    }
    if (const auto written = write_metadata(checkpoint.folder, metadata); !written) {
        fail_checkpoint(job, "Could not finalize the pending checkpoint: " + written.error().message, now_ms);
        return;
    }
    checkpoint.status = CheckpointStatus::completed;
    ++job.completed_count;
    job.consecutive_failures = 0;
    job.latest_completed = checkpoint;
    if (checkpoint.is_savepoint)
        job.latest_savepoint = checkpoint;
    else
        job.retained.emplace_back(checkpoint.id, checkpoint.folder);
    job.history.push_front(checkpoint);
    if (job.history.size() > history_max) job.history.pop_back();
    const Checkpoint done = std::move(checkpoint);
    job.pending.reset();
    job.next_checkpoint_ms = std::max(job.next_checkpoint_ms, steady_ms() + job.settings.checkpoint_min_pause_ms);
    to_holders(job, {{"type", "complete"}, {"job", job.id}, {"generation", job.generation}, {"checkpoint", done.id}});
    retain(job);
    log_info(who, "Completed {} {} for job {} ({} bytes, {} ms)", done.is_savepoint ? "savepoint" : "checkpoint",
             done.id, job.id, done.size(), done.duration_ms());
    if (done.mode != CheckpointMode::resume)
        finish_tasks(job);
    else if (!done.trigger_id.empty())
        complete_operation(done.trigger_id, "file:" + done.folder, "");
    if (done.is_savepoint && done.trigger_id == job.stop_trigger && done.mode == CheckpointMode::resume &&
        !job.stop_trigger.empty()) {
        job.stop_trigger.clear();
        cancel_job(job);
    }
    rescale_if_wanted(job, now_ms);
}

void JobManager::finish_tasks(Job& job) {
    job.finishing = true;
    to_holders(job, {{"type", "finish"}, {"job", job.id}, {"generation", job.generation}});
}

void JobManager::retain(Job& job) {
    while (job.retained.size() > static_cast<std::size_t>(job.settings.checkpoints_retained)) {
        const auto [id, folder] = job.retained.front();
        job.retained.erase(job.retained.begin());
        std::error_code ignored;
        fs::remove_all(folder, ignored);
        for (Checkpoint& old : job.history)
            if (old.id == id) old.discarded = true;
    }
}

// As Flink's CheckpointFailureManager, a savepoint that the job manager itself can't make is no sign of a sick job.
void JobManager::fail_checkpoint(Job& job, const std::string& why, std::int64_t now_ms, FailedAt at) {
    Checkpoint failed = std::move(*job.pending);
    job.pending.reset();
    failed.status = CheckpointStatus::failed;
    failed.failed_ms = now_ms;
    failed.failure = why;
    const bool stopped_sources =
        failed.mode != CheckpointMode::resume && (failed.reached_tasks || !failed.is_savepoint);
    const bool tolerated = failed.is_savepoint && at == FailedAt::job_manager && !stopped_sources;
    ++job.failed_count;
    if (!tolerated) ++job.consecutive_failures;
    job.latest_failed = failed;
    job.history.push_front(failed);
    if (job.history.size() > history_max) job.history.pop_back();
    if (!failed.trigger_id.empty())
        complete_operation(failed.trigger_id, "", "org.apache.flink.runtime.checkpoint.CheckpointException: " + why);
    if (failed.trigger_id == job.stop_trigger) job.stop_trigger.clear();
    log_warn(who, "Checkpoint {} of job {} failed: {}", failed.id, job.id, why);
    std::error_code ignored;
    fs::remove_all(failed.folder, ignored);
    if (job.phase != Phase::running || tolerated) return;
    if (job.consecutive_failures <= job.settings.tolerable_failed_checkpoints && !stopped_sources) return;
    ExceptionEntry cause;
    cause.exception_name = "org.apache.flink.util.FlinkRuntimeException";
    cause.stacktrace =
        cause.exception_name +
        ": Exceeded checkpoint tolerable failure threshold. The latest checkpoint failed due to " + why +
        ", view the Checkpoint History tab or the Job Manager log to find out why continuous checkpoints failed.\n";
    cause.at_ms = now_ms;
    fail_job(job, std::move(cause));
}

// The job is going down: what was under way will not complete.
void JobManager::abort_checkpoints(Job& job, const std::string& why) {
    for (const SavepointRequest& request : job.savepoint_requests)
        complete_operation(request.trigger_id, "", "org.apache.flink.runtime.checkpoint.CheckpointException: " + why);
    job.savepoint_requests.clear();
    if (!job.pending) return;
    const Phase phase = std::exchange(job.phase, Phase::release);  // Not a failure of its own.
    const std::int64_t consecutive = job.consecutive_failures;
    fail_checkpoint(job, why, unix_ms_now());
    job.consecutive_failures = consecutive;
    job.phase = phase;
}

void JobManager::complete_operation(const std::string& trigger_id, std::string location, std::string failure) {
    if (trigger_id.empty()) return;
    operations_[trigger_id] = {true, std::move(location), std::move(failure), steady_ms()};
}

}  // namespace medic::engine::flow

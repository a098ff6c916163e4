// What REST and the metrics page say about checkpoints and the job manager itself.
#include <algorithm>
#include <cmath>

#include "engine/flow/jobmanager/rest_internal.h"
#include "engine/flow/taskmanager/task_metrics_internal.h"

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;

constexpr std::string_view status_name(CheckpointStatus status) {
    return status == CheckpointStatus::completed ? "COMPLETED"
           : status == CheckpointStatus::failed  ? "FAILED"
                                                 : "IN_PROGRESS";
}

// Flink's summary of one quantity over the completed checkpoints in the history. Without any: zeros, as Flink has it.
json summary(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto quantile = [&](double q) {
        if (values.empty()) return 0.0;
        const double at = q * static_cast<double>(values.size() - 1);
        const auto low = static_cast<std::size_t>(std::floor(at)), high = static_cast<std::size_t>(std::ceil(at));
        return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
    };
    double sum = 0;
    for (const double value : values) sum += value;
    const auto whole = [](double value) { return static_cast<std::int64_t>(value); };
    return {{"min", values.empty() ? 0 : whole(values.front())},
            {"max", values.empty() ? 0 : whole(values.back())},
            {"avg", values.empty() ? 0 : whole(sum / static_cast<double>(values.size()))},
            {"p50", quantile(0.5)},
            {"p90", quantile(0.9)},
            {"p95", quantile(0.95)},
            {"p99", quantile(0.99)},
            {"p999", quantile(0.999)}};
}

json details(const Job& job, const Checkpoint& checkpoint) {
    json out = checkpoint_json(checkpoint);
    json& tasks = out["tasks"] = json::object();
    for (std::size_t v = 0; v < job.graph.vertices.size(); ++v) {
        std::int64_t acknowledged = 0, size = 0, latest = -1;
        for (const auto& [who, ack] : checkpoint.acknowledged) {
            if (who.first != static_cast<int>(v)) continue;
            ++acknowledged;
            size += ack.size;
            latest = std::max(latest, ack.at_ms);
        }
        tasks[job.graph.vertices[v].id] = {
            {"id", checkpoint.id},
            {"status",
             acknowledged == job.graph.vertices[v].parallelism ? "COMPLETED" : status_name(checkpoint.status)},
            {"latest_ack_timestamp", latest},
            {"checkpointed_size", size},
            {"state_size", size},
            {"end_to_end_duration", latest < 0 ? -1 : latest - checkpoint.triggered_ms},
            {"num_subtasks", job.graph.vertices[v].parallelism},
            {"num_acknowledged_subtasks", acknowledged}};
    }
    return out;
}

json subtask_details(const Job& job, const Checkpoint& checkpoint, std::size_t vertex) {
    json subtasks = json::array();
    for (int s = 0; s < job.graph.vertices[vertex].parallelism; ++s) {
        const auto found = checkpoint.acknowledged.find({static_cast<int>(vertex), s});
        if (found == checkpoint.acknowledged.end()) {
            subtasks.push_back({{"index", s}, {"status", "pending_or_failed"}});
            continue;
        }
        const AcknowledgedSubtask& ack = found->second;
        subtasks.push_back(
            {{"index", s},
             {"status", "completed"},
             {"ack_timestamp", ack.at_ms},
             {"end_to_end_duration", ack.at_ms - checkpoint.triggered_ms},
             {"checkpointed_size", ack.size},
             {"state_size", ack.size},
             {"checkpoint", {{"sync", ack.sync_ms}, {"async", ack.async_ms}}},
             {"alignment", {{"buffered", 0}, {"processed", 0}, {"persisted", 0}, {"duration", ack.alignment_ms}}},
             {"start_delay", ack.start_delay_ms},
             {"unaligned_checkpoint", false},
             {"aborted", false}});
    }
    return {{"id", checkpoint.id},
            {"status", status_name(checkpoint.status)},
            {"num_subtasks", job.graph.vertices[vertex].parallelism},
            {"subtasks", subtasks}};
}

}  // namespace

json checkpoint_json(const Checkpoint& checkpoint) {
    const bool failed = checkpoint.status == CheckpointStatus::failed;
    json out = {{"className", failed                                             ? "failed"
                              : checkpoint.status == CheckpointStatus::completed ? "completed"
                                                                                 : "in_progress"},
                {"id", checkpoint.id},
                {"status", status_name(checkpoint.status)},
                {"is_savepoint", checkpoint.is_savepoint},
                {"savepointFormat", checkpoint.is_savepoint ? json("CANONICAL") : json(nullptr)},
                {"trigger_timestamp", checkpoint.triggered_ms},
                {"latest_ack_timestamp", checkpoint.last_ack_ms == 0 ? -1 : checkpoint.last_ack_ms},
                {"checkpointed_size", checkpoint.size()},
                {"state_size", checkpoint.size()},
                {"end_to_end_duration", failed                        ? checkpoint.failed_ms - checkpoint.triggered_ms
                                        : checkpoint.last_ack_ms == 0 ? -1
                                                                      : checkpoint.duration_ms()},
                {"alignment_buffered", 0},
                {"processed_data", 0},
                {"persisted_data", 0},
                {"num_subtasks", checkpoint.subtasks},
                {"num_acknowledged_subtasks", checkpoint.acknowledged.size()},
                {"checkpoint_type", checkpoint.is_savepoint ? "SAVEPOINT" : "CHECKPOINT"},
                {"tasks", json::object()}};
    if (checkpoint.status == CheckpointStatus::completed) {
        out["external_path"] = "file:" + checkpoint.folder;
        out["discarded"] = checkpoint.discarded;
    }
    if (failed) {
        out["failure_timestamp"] = checkpoint.failed_ms;
        out["failure_message"] = checkpoint.failure;
    }
    return out;
}

json Rest::get_checkpoints(const HttpRequest& request, const Job& job) {
    const auto& path = request.segments;
    const JobSettings& settings = job.settings;
    if (path.size() == 4 && path[3] == "config")
        return {{"mode", "exactly_once"},
                {"interval", settings.checkpoint_interval_ms > 0 ? settings.checkpoint_interval_ms
                                                                 : std::numeric_limits<std::int64_t>::max()},
                {"timeout", settings.checkpoint_timeout_ms},
                {"min_pause", settings.checkpoint_min_pause_ms},
                {"max_concurrent", 1},
                {"externalization",
                 {{"enabled", !settings.delete_on_cancellation},
                  {"delete_on_cancellation", settings.delete_on_cancellation}}},
                {"state_backend", "HashMapStateBackend"},
                {"checkpoint_storage", "FileSystemCheckpointStorage"},
                {"unaligned_checkpoints", false},
                {"tolerable_failed_checkpoints", settings.tolerable_failed_checkpoints},
                {"aligned_checkpoint_timeout", 0},
                {"checkpoints_after_tasks_finish", true},
                {"state_changelog_enabled", false}};
    if (path.size() >= 5 && path[3] == "details") {
        const std::int64_t id = std::stoll(path[4]);
        const Checkpoint* found = job.pending && job.pending->id == id ? &*job.pending : nullptr;
        for (const Checkpoint& checkpoint : job.history)
            if (checkpoint.id == id) found = &checkpoint;
        if (!found) throw Refusal{404, fmt::format("Could not find checkpointing statistics for checkpoint {}.", id)};
        if (path.size() == 5) return details(job, *found);
        if (path.size() == 7 && path[5] == "subtasks")
            for (std::size_t v = 0; v < job.graph.vertices.size(); ++v)
                if (job.graph.vertices[v].id == path[6]) return subtask_details(job, *found, v);
    }
    if (path.size() != 3 || path[2] != "checkpoints") throw Refusal{404, "Not found: " + request.path};
    json history = json::array();
    if (job.pending) history.push_back(checkpoint_json(*job.pending));
    std::vector<double> sizes, durations;
    for (const Checkpoint& checkpoint : job.history) {
        history.push_back(checkpoint_json(checkpoint));
        if (checkpoint.status != CheckpointStatus::completed) continue;
        sizes.push_back(static_cast<double>(checkpoint.size()));
        durations.push_back(static_cast<double>(checkpoint.duration_ms()));
    }
    const auto latest = [](const std::optional<Checkpoint>& checkpoint) {
        return checkpoint ? checkpoint_json(*checkpoint) : json(nullptr);
    };
    json restored = nullptr;
    if (job.restored)
        restored = {{"id", job.restored->id},
                    {"restore_timestamp", job.restored->at_ms},
                    {"is_savepoint", job.restored->is_savepoint},
                    {"external_path", "file:" + job.restored->path}};
    const bool latest_is_savepoint = job.latest_completed && job.latest_completed->is_savepoint;
    std::optional<Checkpoint> completed = job.latest_completed;
    if (latest_is_savepoint)
        for (auto at = job.history.rbegin(); at != job.history.rend(); ++at)
            if (at->status == CheckpointStatus::completed && !at->is_savepoint) completed = *at;
    return {{"counts",
             {{"restored", job.restored_count},
              {"total", job.completed_count + job.failed_count + (job.pending ? 1 : 0)},
              {"in_progress", job.pending ? 1 : 0},
              {"completed", job.completed_count},
              {"failed", job.failed_count}}},
            {"summary",
             {{"checkpointed_size", summary(sizes)},
              {"state_size", summary(sizes)},
              {"end_to_end_duration", summary(durations)}}},
            {"latest",
             {{"completed", latest(completed)},
              {"savepoint", latest(job.latest_savepoint)},
              {"failed", latest(job.latest_failed)},
              {"restored", restored}}},
            {"history", history}};
}

std::map<std::string, double> job_metrics(const Job& job, std::int64_t now_ms) {
    const auto number = [](std::int64_t value) { return static_cast<double>(value); };
    std::map<std::string, double> out{
        {"numRestarts", number(job.restarts)},
        {"totalNumberOfCheckpoints", number(job.completed_count + job.failed_count + (job.pending ? 1 : 0))},
        {"numberOfCompletedCheckpoints", number(job.completed_count)},
        {"numberOfFailedCheckpoints", number(job.failed_count)},
        {"numberOfInProgressCheckpoints", job.pending ? 1 : 0}};
    // How long it has been in this state; 0 while in another.
    for (const auto& [state, name] :
         {std::pair{JobState::initializing, "initializingTime"}, std::pair{JobState::created, "createdTime"},
          std::pair{JobState::running, "runningTime"}, std::pair{JobState::failing, "failingTime"},
          std::pair{JobState::cancelling, "cancellingTime"}, std::pair{JobState::restarting, "restartingTime"}})
        out[name] = job.state == state ? number(now_ms - job.since_ms[static_cast<std::size_t>(state)]) : 0;
    out["uptime"] = job.state == JobState::running ? out["runningTime"] : 0;
    out["downtime"] =
        job.state == JobState::restarting || job.state == JobState::failing ? number(now_ms - job.modified_ms) : 0;
    if (job.latest_completed) {
        out["lastCheckpointDuration"] = number(job.latest_completed->duration_ms());
        out["lastCheckpointSize"] = out["lastCheckpointFullSize"] = number(job.latest_completed->size());
        out["lastCompletedCheckpointId"] = number(job.latest_completed->id);
        out["lastCheckpointCompletedTimestamp"] = number(job.latest_completed->last_ack_ms);
    }
    if (job.restored) out["lastCheckpointRestoreTimestamp"] = number(job.restored->at_ms);
    return out;
}

std::string JobManager::metrics_page() {
    MetricsPage page;
    static ProcessSampler sampler;
    const Lock lock(mutex_);
    int slots = 0, used = 0, running = 0;
    for (const auto& [id, manager] : task_managers_) {
        slots += manager.slots;
        used += used_slots(id);
    }
    const std::int64_t now = unix_ms_now();
    const auto gauge = MetricsPage::Type::gauge;
    for (const auto& [id, job] : jobs_) {
        if (!is_terminal(job->state))
            ++running;
        else
            continue;  // Flink drops a job's metrics at its end.
        const std::string name = sanitize_label(job->graph.name);
        for (const auto& [metric, value] : job_metrics(*job, now))
            page.add("flink_jobmanager_job_" + metric, {{"job_id", id}, {"host", "127_0_0_1"}, {"job_name", name}},
                     value, gauge);
    }
    const MetricsPage::LabelList host{{"host", "127_0_0_1"}};
    page.add("flink_jobmanager_numRegisteredTaskManagers", host, static_cast<double>(task_managers_.size()), gauge);
    page.add("flink_jobmanager_numRunningJobs", host, running, gauge);
    page.add("flink_jobmanager_taskSlotsTotal", host, slots, gauge);
    page.add("flink_jobmanager_taskSlotsAvailable", host, slots - used, gauge);
    for (const auto& [metric, value] : sampler.sample())
        page.add("flink_jobmanager_" + sanitize_label(metric), host, value, gauge);
    page.add_process();
    return page.render();
}

}  // namespace medic::engine::flow

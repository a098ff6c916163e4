// A job's way through its states: slots, deployment, failure, restart, cancellation.
#include <algorithm>
#include <filesystem>
#include <random>

#include "engine/common/log.h"
#include "engine/flow/jobmanager/jobmanager_internal.h"

namespace medic::engine::flow {
namespace {

constexpr std::string_view who = "jobmanager";
constexpr std::size_t exceptions_max = 16;  // web.exception-history-size
constexpr std::size_t concurrent_exceptions_max = 16;
constexpr std::int64_t deployment_patience_ms = 60'000;  // Loading an artifact on a busy machine.

std::string new_job_id() {
    std::random_device random;
    std::string id;
    for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
    return id;
}

ExceptionEntry entry(std::string name, std::string message) {
    ExceptionEntry out;
    out.stacktrace = name + ": " + message + "\n";
    out.exception_name = std::move(name);
    out.at_ms = unix_ms_now();
    return out;
}

}  // namespace

Result<JobSettings> JobManager::read_settings(const std::map<std::string, std::string>& given) const {
    JobSettings out;
    const auto text = [&](const std::string& key, const std::string& older_key = "") -> std::string {
        for (const std::string& name : {key, older_key}) {
            if (name.empty()) continue;
            if (const auto found = given.find(name); found != given.end()) return found->second;
            if (const auto found = options_.settings.find(name); found != options_.settings.end()) return found->second;
        }
        return {};
    };
    const auto duration = [&](std::int64_t& into, const std::string& key) -> Status {
        if (const std::string value = text(key); !value.empty()) {
            MEDIC_TRY(into, parse_duration_ms(value));
        }
        return {};
    };
    const auto count = [&](auto& into, const std::string& key, const std::string& older_key = "") -> Status {
        const std::string value = text(key, older_key);
        if (value.empty()) return {};
        try {
            into = static_cast<std::remove_reference_t<decltype(into)>>(std::stoll(value));
        } catch (const std::exception&) {
            return fail(ErrorCode::invalid, "{}: expected a number, got '{}'", key, value);
        }
        return {};
    };
    MEDIC_CHECK(duration(out.checkpoint_interval_ms, "execution.checkpointing.interval"));
    MEDIC_CHECK(duration(out.checkpoint_timeout_ms, "execution.checkpointing.timeout"));
    MEDIC_CHECK(duration(out.checkpoint_min_pause_ms, "execution.checkpointing.min-pause"));
    MEDIC_CHECK(duration(out.restart_delay_ms, "restart-strategy.fixed-delay.delay"));
    MEDIC_CHECK(duration(out.slot_request_timeout_ms, "slot.request.timeout"));
    MEDIC_CHECK(count(out.tolerable_failed_checkpoints, "execution.checkpointing.tolerable-failed-checkpoints"));
    MEDIC_CHECK(
        count(out.checkpoints_retained, "execution.checkpointing.num-retained", "state.checkpoints.num-retained"));
    MEDIC_CHECK(count(out.restart_attempts, "restart-strategy.fixed-delay.attempts"));
    const std::string strategy = text("restart-strategy.type", "restart-strategy");
    if (strategy == "none" || strategy == "disable" || strategy == "off")
        out.restart_attempts = 0;
    else if (!strategy.empty() && strategy != "fixed-delay" && strategy != "fixeddelay")
        return fail(ErrorCode::invalid, "restart-strategy.type: '{}' is not offered here: fixed-delay or none",
                    strategy);
    out.checkpoints_retained = std::max(1, out.checkpoints_retained);
    const std::string retention = text("execution.checkpointing.externalized-checkpoint-retention");
    out.delete_on_cancellation = retention == "DELETE_ON_CANCELLATION" || retention == "NO_EXTERNALIZED_CHECKPOINTS";
    return out;
}

JobProgram JobManager::program_of(const RunRequest& request) const {
    JobProgram program{
        request.artifact, request.entry_class, request.arguments, {request.parallelism, options_.settings}};
    for (const auto& [key, value] : request.settings) program.options.settings[key] = value;
    return program;
}

Result<JobGraph> JobManager::describe_job(const RunRequest& request) const {
    return describe(program_of(request), options_.executable);
}

Result<std::string> JobManager::run_job(const RunRequest& request) {
    auto job = std::make_shared<Job>();
    const std::int64_t now = unix_ms_now();
    job->program = program_of(request);
    MEDIC_TRY(job->graph, describe(job->program, options_.executable));
    MEDIC_TRY(job->settings, read_settings(job->graph.settings));
    job->program.options.settings = job->graph.settings;
    if (!request.savepoint_path.empty()) {
        MEDIC_TRY(const CheckpointMetadata metadata, read_metadata(request.savepoint_path));
        MEDIC_CHECK(check_restorable(metadata, request.savepoint_path, job->graph, request.non_restored));
        job->initial_restore = checkpoint_folder(request.savepoint_path);
        job->next_checkpoint_id = metadata.checkpoint_id + 1;
    }
    const Lock lock(mutex_);
    job->id = request.job_id.empty() ? new_job_id() : request.job_id;
    if (jobs_.contains(job->id)) return fail(ErrorCode::invalid, "Job {} has already been submitted.", job->id);
    MEDIC_CHECK(keep_artifact(*job));
    job->started_ms = now;
    job->enter(JobState::initializing, now);
    for (const GraphVertex& vertex : job->graph.vertices)
        job->subtasks.emplace_back(static_cast<std::size_t>(vertex.parallelism));
    reset_subtasks(*job, SubtaskState::created, now);
    job->enter(JobState::created, unix_ms_now());
    reset_subtasks(*job, SubtaskState::scheduled, unix_ms_now());
    job->phase_deadline_ms = steady_ms() + job->settings.slot_request_timeout_ms;
    jobs_[job->id] = job;
    log_info(who, "Job '{}' ({}) submitted, needs {} slots", job->graph.name, job->id, job->graph.slots());
    beat_job(*job, unix_ms_now());
    return job->id;
}

// A copy of the artifact for as long as the job lives: the uploaded one may be deleted while the job restarts. A file
// of its own is also loaded on its own, apart from other jobs of the same artifact.
Status JobManager::keep_artifact(Job& job) const {
    namespace fs = std::filesystem;
    const fs::path uploaded(job.program.artifact);
    std::string name = uploaded.filename().string();
    constexpr std::size_t id_digits = 32;  // Of the upload, in front of the name.
    if (name.size() > id_digits + 1 && name[id_digits] == '_') name.erase(0, id_digits + 1);
    const fs::path folder = fs::path(options_.data_dir) / "blobs" / job.id;
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error) fs::copy_file(uploaded, folder / name, fs::copy_options::overwrite_existing, error);
    if (error) return fail(ErrorCode::unavailable, "keep the artifact {}: {}", uploaded.string(), error.message());
    job.program.artifact = (folder / name).string();
    return {};
}

void JobManager::reset_subtasks(Job& job, SubtaskState to, std::int64_t now_ms) {
    job.each_subtask([&](int, int, Subtask& subtask) {
        if (to == SubtaskState::created) subtask = {};
        subtask.enter(to, now_ms);
    });
}

int JobManager::used_slots(const std::string& resource_id) const {
    int used = 0;
    for (const auto& [id, job] : jobs_) {
        if (!job->holding.contains(resource_id)) continue;
        used += static_cast<int>(std::count(job->slot_holders.begin(), job->slot_holders.end(), resource_id));
    }
    return used;
}

// Spreads the slots over the task managers with most free ones.
bool JobManager::place(Job& job) {
    std::map<std::string, int> free;
    int all = 0;
    for (const auto& [id, manager] : task_managers_) all += free[id] = manager.slots - used_slots(id);
    const int needed = job.graph.slots();
    if (all < needed) return false;
    job.slot_holders.clear();
    for (int i = 0; i < needed; ++i) {
        const auto most = std::max_element(free.begin(), free.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        --most->second;
        job.slot_holders.push_back(most->first);
    }
    std::sort(job.slot_holders.begin(), job.slot_holders.end());
    return true;
}

void JobManager::to_holders(const Job& job, const json& message) {
    for (const std::string& id : job.holding)
        if (const auto found = task_managers_.find(id); found != task_managers_.end())
            found->second.connection->send(message);
}

void JobManager::deploy(Job& job, std::int64_t now_ms) {
    job.attempt += 1;
    job.generation = std::max(job.generation + 1, now_ms);  // Also grows from one job manager to the next.
    job.finishing = false;

    std::string restore = job.initial_restore;
    if (job.latest_completed) restore = job.latest_completed->folder;
    json files = json::array();
    if (!restore.empty()) {
        const auto metadata = read_metadata(restore);
        if (!metadata) {
            fail_job(job, entry("org.apache.flink.util.FlinkException",
                                "Could not restore from " + restore + ": " + metadata.error().message));
            return;
        }
        for (const SavedFile& file : metadata->files) files.push_back(restore + "/" + file.name);
        job.restored = Job::Restored{metadata->checkpoint_id, now_ms, metadata->is_savepoint, restore};
        ++job.restored_count;
        log_info(who, "Restoring job {} from checkpoint {} located at {}", job.id, metadata->checkpoint_id, restore);
    }
    // Not before: whoever was never told to deploy never says "released".
    job.holding = {job.slot_holders.begin(), job.slot_holders.end()};
    job.deploying = job.holding;
    job.phase = Phase::deployment;
    job.phase_deadline_ms = steady_ms() + deployment_patience_ms;
    json placements = json::array();
    job.each_subtask([&](int vertex, int subtask, Subtask& state) {
        const std::string& id = job.slot_holders[static_cast<std::size_t>(subtask)];
        const RegisteredTaskManager& manager = task_managers_.at(id);
        if (subtask == 0) placements.push_back(json::array());
        placements[static_cast<std::size_t>(vertex)].push_back(
            {{"resource_id", id}, {"host", manager.host}, {"data_port", manager.data_port}});
        state.resource_id = id;
        state.endpoint = fmt::format("{}:{}", manager.host, manager.data_port);
        state.enter(SubtaskState::deploying, now_ms);
    });
    to_holders(job, {{"type", "deploy"},
                     {"job", job.id},
                     {"generation", job.generation},
                     {"attempt", job.attempt},
                     {"artifact", job.program.artifact},
                     {"entry_class", job.program.entry_class},
                     {"arguments", job.program.arguments},
                     {"parallelism", job.program.options.parallelism},
                     {"settings", job.program.options.settings},
                     {"restore", !restore.empty()},
                     {"snapshot_files", files},
                     {"placements", placements}});
}

void JobManager::start_tasks(Job& job, std::int64_t now_ms) {
    job.phase = Phase::running;
    job.next_checkpoint_ms = steady_ms() + job.settings.checkpoint_interval_ms;
    job.enter(JobState::running, now_ms);
    job.each_subtask([&](int, int, Subtask& subtask) { subtask.enter(SubtaskState::initializing, now_ms); });
    to_holders(job, {{"type", "start"}, {"job", job.id}, {"generation", job.generation}});
    log_info(who, "Job {} ({}) switched to state RUNNING, attempt {}", job.graph.name, job.id, job.attempt);
}

void JobManager::beat_job(Job& job, std::int64_t now_ms) {
    switch (job.phase) {
        case Phase::slots:
            if (place(job)) {
                deploy(job, now_ms);
            } else if (steady_ms() >= job.phase_deadline_ms) {
                fail_job(job, entry("org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException",
                                    "Could not acquire the minimum required resources."));
            }
            break;
        case Phase::deployment:
            if (steady_ms() >= job.phase_deadline_ms)
                fail_job(job,
                         entry("java.util.concurrent.TimeoutException", "deployment was not acknowledged within 60 s"));
            break;
        case Phase::running: beat_checkpoints(job, now_ms); break;
        case Phase::delay:
            if (steady_ms() < job.phase_deadline_ms) break;
            ++job.restarts;
            take_wanted_parallelism(job);
            reset_subtasks(job, SubtaskState::created, now_ms);
            reset_subtasks(job, SubtaskState::scheduled, now_ms);
            job.phase = Phase::slots;
            job.phase_deadline_ms = steady_ms() + job.settings.slot_request_timeout_ms;
            beat_job(job, now_ms);
            break;
        case Phase::release:
        case Phase::ended: break;
    }
}

void JobManager::fail_job(Job& job, ExceptionEntry cause) {
    const std::int64_t now = unix_ms_now();
    const bool active = job.phase == Phase::slots || job.phase == Phase::deployment || job.phase == Phase::running;
    if (!active || job.state == JobState::cancelling) {
        // What fails while the job is already going down belongs to the failure that brought it down.
        if (job.phase == Phase::release && job.state != JobState::cancelling && !job.exceptions.empty() &&
            job.exceptions.front().concurrent.size() < concurrent_exceptions_max)
            job.exceptions.front().concurrent.push_back(std::move(cause));
        return;
    }
    log_warn(who, "Job {} ({}) failed: {}", job.graph.name, job.id, cause.stacktrace);
    job.exceptions.push_front(std::move(cause));
    if (job.exceptions.size() > exceptions_max) {
        job.exceptions.pop_back();
        job.exceptions_truncated = true;
    }
    abort_checkpoints(
        job,
        "The checkpoint was aborted due to exception of other subtasks sharing the ChannelState file or job failure.");
    if (!job.stop_trigger.empty()) {  // Only a savepoint that is complete has left it: the job fails on its last steps.
        complete_operation(
            job.stop_trigger, "",
            fmt::format("org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException: A "
                        "savepoint has been created at: file:{}, but the corresponding job {} failed during stopping. "
                        "The savepoint is consistent, but might have uncommitted transactions. If you want to commit "
                        "the transaction please restart a job from this savepoint.",
                        job.latest_savepoint ? job.latest_savepoint->folder : "", job.id));
        job.stop_trigger.clear();
    }
    ++job.failures;
    const bool may_restart = job.settings.restart_attempts < 0 || job.failures <= job.settings.restart_attempts;
    if (!may_restart) {
        ExceptionEntry& root = job.exceptions.front();
        root.stacktrace = fmt::format(
            "org.apache.flink.runtime.JobException: Recovery is suppressed by "
            "FixedDelayRestartBackoffTimeStrategy(maxNumberRestartAttempts={}, backoffTimeMS={})\nCaused by: {}",
            job.settings.restart_attempts, job.settings.restart_delay_ms, root.stacktrace);
        root.exception_name = "org.apache.flink.runtime.JobException";
    }
    job.enter(may_restart ? JobState::restarting : JobState::failing, now);
    job.phase_deadline_ms = steady_ms() + job.settings.restart_delay_ms;
    cancel_tasks(job);
}

void JobManager::cancel_job(Job& job) {
    if (is_terminal(job.state) || job.state == JobState::cancelling) return;
    log_info(who, "Job {} ({}) is being cancelled", job.graph.name, job.id);
    job.enter(JobState::cancelling, unix_ms_now());
    abort_checkpoints(job, "The job was cancelled.");
    if (job.phase == Phase::release) return;
    cancel_tasks(job);
}

// Whatever holds tasks of the job must say "released" before anything else happens: a task that ignores this blocks the
// job.
void JobManager::cancel_tasks(Job& job) {
    const std::int64_t now = unix_ms_now();
    job.phase = Phase::release;
    job.deploying.clear();
    job.each_subtask([&](int, int, Subtask& subtask) {
        if (subtask.state == SubtaskState::finished || subtask.state == SubtaskState::failed ||
            subtask.state == SubtaskState::canceled)
            return;
        const bool placed = job.holding.contains(subtask.resource_id);
        subtask.enter(placed ? SubtaskState::canceling : SubtaskState::canceled, now);
    });
    to_holders(job, {{"type", "cancel"}, {"job", job.id}, {"generation", job.generation}});
    if (job.holding.empty()) after_release(job, now);
}

void JobManager::released(Job& job, const std::string& resource_id) {
    job.holding.erase(resource_id);
    if (!job.holding.empty()) return;
    const std::int64_t now = unix_ms_now();
    if (job.finishing && job.phase == Phase::running) {
        job.each_subtask([&](int, int, Subtask& subtask) {
            if (subtask.state != SubtaskState::finished) subtask.enter(SubtaskState::finished, now);
        });
        job.phase = Phase::ended;
        job.enter(JobState::finished, now);
        abort_checkpoints(job, "CheckpointCoordinator shutdown.");  // Savepoints asked for behind the last one.
        if (!job.stop_trigger.empty())
            complete_operation(job.stop_trigger, "file:" + (job.latest_savepoint ? job.latest_savepoint->folder : ""),
                               "");
        log_info(who, "Job {} ({}) switched to state FINISHED", job.graph.name, job.id);
        return;
    }
    if (job.phase != Phase::release) return;
    after_release(job, now);
    if (job.phase == Phase::delay) beat_job(job, now);
}

void JobManager::after_release(Job& job, std::int64_t now_ms) {
    job.each_subtask([&](int, int, Subtask& subtask) {
        if (subtask.state == SubtaskState::canceling) subtask.enter(SubtaskState::canceled, now_ms);
    });
    job.slot_holders.clear();
    if (job.state == JobState::restarting) {
        job.phase = Phase::delay;  // Left by a beat: what can't even be deployed must not try again from in here.
        return;
    }
    const bool cancelled = job.state == JobState::cancelling;
    job.phase = Phase::ended;
    job.enter(cancelled ? JobState::canceled : JobState::failed, now_ms);
    log_info(who, "Job {} ({}) switched to state {}", job.graph.name, job.id, to_string(job.state));
    if (!job.stop_trigger.empty()) complete_operation(job.stop_trigger, "", "the job ended before it was stopped");
    if (cancelled && job.settings.delete_on_cancellation) {
        std::error_code ignored;
        for (const auto& [id, folder] : job.retained) std::filesystem::remove_all(folder, ignored);
        job.retained.clear();
    }
}

}  // namespace medic::engine::flow

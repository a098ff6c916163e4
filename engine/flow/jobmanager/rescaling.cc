// A job gets more or fewer subtasks and goes on under its id, as under Flink's adaptive scheduler (FLIP-291): from the
// next complete checkpoint, so that as little as possible is processed twice. Until there are slots enough it runs on
// as it is.
#include <algorithm>
#include <cctype>

#include "engine/common/log.h"
#include "engine/flow/jobmanager/jobmanager_internal.h"

namespace medic::engine::flow {

bool JobManager::schedules_adaptively() const {
    std::string scheduler = setting("jobmanager.scheduler", "default");
    std::ranges::transform(scheduler, scheduler.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return scheduler == "adaptive";
}

Status JobManager::require(Job& job, const std::map<std::string, int>& parallelism) {
    JobGraph graph = job.graph;
    MEDIC_CHECK(override_parallelism(graph, parallelism));
    const auto width = &GraphVertex::parallelism;
    const bool as_it_is = std::ranges::equal(graph.vertices, job.graph.vertices, {}, width, width);
    job.wanted = as_it_is ? std::map<std::string, int>{} : parallelism;
    job.next_checkpoint_ms = std::min(job.next_checkpoint_ms, steady_ms());
    const bool has_checkpoints = job.settings.checkpoint_interval_ms > 0;
    if (!has_checkpoints && job.phase == Phase::running) rescale_if_wanted(job, unix_ms_now());
    return {};
}

bool JobManager::may_rescale(const Job& job) const {
    if (job.wanted.empty()) return false;
    JobGraph graph = job.graph;
    if (!override_parallelism(graph, job.wanted)) return false;
    int slots = static_cast<int>(job.slot_holders.size());
    for (const auto& [id, manager] : task_managers_) slots += manager.slots - used_slots(id);
    return slots >= graph.slots();
}

void JobManager::rescale_if_wanted(Job& job, std::int64_t now_ms) {
    if (job.phase != Phase::running || job.finishing || !may_rescale(job)) return;
    abort_checkpoints(job, "The job is rescaled.");
    job.enter(JobState::restarting, now_ms);
    job.phase_deadline_ms = steady_ms();
    cancel_tasks(job);
}

// Between two deployments, when nobody holds tasks of it.
void JobManager::take_wanted_parallelism(Job& job) {
    if (!may_rescale(job) || !override_parallelism(job.graph, job.wanted)) return;
    job.wanted.clear();
    std::string overrides;
    for (const GraphVertex& vertex : job.graph.vertices)
        overrides += fmt::format("{}{}:{}", overrides.empty() ? "" : ",", vertex.id, vertex.parallelism);
    // Task managers build the same graph from it.
    job.program.options.settings[std::string(parallelism_overrides)] = overrides;
    job.graph.settings = job.program.options.settings;
    job.subtasks.clear();
    for (const GraphVertex& vertex : job.graph.vertices)
        job.subtasks.emplace_back(static_cast<std::size_t>(vertex.parallelism));
    log_info("jobmanager", "Job '{}' ({}) is rescaled, needs {} slots now", job.graph.name, job.id, job.graph.slots());
}

}  // namespace medic::engine::flow

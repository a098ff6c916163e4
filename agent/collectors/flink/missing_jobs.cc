// Jobs that went with their job manager: which ones a job manager that answers again lacks, whether it may still bring
// them back by itself, and whether tasks of the old attempt may still run.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "agent/base/flink_state.h"
#include "agent/collectors/flink/look_internal.h"

namespace medic {

using namespace flink_read;

namespace {

// A job that went with its job manager is told of for so long, and so many of them.
constexpr Duration missing_told_for{3600 * 1000};
constexpr std::size_t missing_jobs_max = 100;
// A task manager that finds no job manager ends itself after taskmanager.registration.timeout, 5 min by default; one
// that loses it cancels its tasks after heartbeat.timeout, 50 s by default.
constexpr Duration old_tasks_may_run_for{6 * 60'000};

}  // namespace

// Of a job that has lost its tasks for the moment those are kept on which it ran before.
void FlinkCollector::note_hosts() {
    std::map<std::string, std::set<std::string>> hosts;
    for (const Relation& relation : look_->observation.relations)
        if (relation.kind == "runs-on" && relation.from.kind == "job")
            hosts[relation.from.name].insert(relation.to.name);
    for (auto& [job, on] : hosts) memory_->jobs[job].hosts = std::move(on);
}

bool FlinkCollector::lacks_living_job() const {
    return std::ranges::any_of(memory_->jobs, [&](const auto& entry) {
        const JobMemory& known = entry.second;
        return !known.missing_since && !known.state.empty() && !is_terminal_job_state(known.state) &&
               !look_->jobs.contains(known.id);
    });
}

// With high availability several processes may answer at one address; else another one has begun with no jobs.
void FlinkCollector::on_manager_settings(const HttpAnswer& answer) {
    const auto settings = json_read::document(answer);
    if (!settings) return;
    Memory::Manager& manager = memory_->manager;
    manager.highly_available = highly_available(*settings);
    manager.scheduler = scheduler(*settings);
    const std::string before = std::exchange(manager.process, manager_process(*settings));
    look_->knows_who_answers = true;
    const bool another = !before.empty() && !manager.process.empty() && before != manager.process;
    if (another && manager.highly_available == false) memory_->silent = true;
}

// What is not listed any more has ended and was forgotten by Flink, unless it went with a job manager that gave no
// answer meanwhile or is another process now. Without high availability nobody starts it again.
void FlinkCollector::note_missing_jobs() {
    const WallTime at = look_->observation.at;
    const bool silent = std::exchange(memory_->silent, false);
    std::size_t missing = 0;
    for (auto& [name, known] : memory_->jobs)
        if (!look_->jobs.contains(known.id) && !known.missing_since && silent && !is_terminal_job_state(known.state))
            known.missing_since = at;
    std::erase_if(memory_->jobs, [&](const auto& entry) {
        const JobMemory& known = entry.second;
        if (look_->jobs.contains(known.id)) return false;
        return !known.missing_since || at - *known.missing_since > missing_told_for || ++missing > missing_jobs_max;
    });
}

// Of its task managers each must be back, with no slot in use that no listed job explains, or away for so long that it
// has ended by itself: until then tasks of the old attempt may still run.
bool FlinkCollector::old_tasks_may_run(const std::set<std::string>& task_managers, WallTime since) const {
    if (!look_->slots_in_use || !look_->jobs_told) return true;
    double explained = 0;
    for (const auto& [id, job] : look_->jobs)
        explained += job.terminal() ? 0 : static_cast<double>(job.parallelism_max);
    if (*look_->slots_in_use > explained) return true;
    const bool all_back = std::ranges::all_of(task_managers, [&](const std::string& id) {
        return std::ranges::find(look_->task_managers, id) != look_->task_managers.end();
    });
    return !all_back && look_->observation.at - since < old_tasks_may_run_for;
}

void FlinkCollector::tell_missing_jobs() {
    Observation& observation = look_->observation;
    for (auto& [name, known] : memory_->jobs) {
        const bool listed = look_->jobs.contains(known.id);
        if (listed ? !known.was_missing : !known.missing_since) continue;
        auto& told = observation.attributes[{options_.cluster, "lost-job", name}];
        told["listed"] = listed ? "true" : "false";
        if (listed) continue;
        told["job_id"] = known.id;
        told["state_before"] = known.state;
        told["since"] = std::to_string(known.missing_since->unix_ms);
        told["old_attempt"] = old_tasks_may_run(known.task_managers, *known.missing_since) ? "may run" : "gone";
        // In application mode, where no jobs are taken, a job manager that starts again begins its job anew.
        const Memory::Manager& manager = memory_->manager;
        told["comes_back"] = manager.highly_available == false && manager.takes_jobs == true ? "never" : "may";
        told["url"] = options_.url;
        if (!options_.flink.empty()) told["flink"] = options_.flink;
        if (!known.task_managers.empty())
            told["task_managers"] = fmt::format("{}", fmt::join(known.task_managers, " "));
        if (!known.hosts.empty()) told["hosts"] = fmt::format("{}", fmt::join(known.hosts, " "));
        for (const char* kept : {"version", "checkpoint_path", "parallelism"})
            if (const std::string value = known.attribute(kept); !value.empty()) told[kept] = value;
    }
}

}  // namespace medic

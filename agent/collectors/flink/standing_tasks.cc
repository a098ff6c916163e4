#include "agent/collectors/flink/standing_tasks_internal.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/due.h"
#include "agent/collectors/flink/look_internal.h"

namespace medic {
namespace flink_read {

using namespace json_read;

namespace {

// Flink's job manager fetches counts every 10 s: one and a half of them without a record.
constexpr Duration stands_for{15'000};
constexpr double busy_all_the_time = 0.9;
constexpr std::size_t thread_bytes_max = 16 * 1024;

// What the thread of the subtask does, from its task manager's dump: "" when no thread has its name.
std::string thread_of(const Json& dump, const Vertex& vertex, std::int64_t subtask) {
    // "Source: orders -> parse (2/4)#0": the last figure counts attempts.
    const std::string named = fmt::format("{} ({}/{})#", vertex.flink_name, subtask + 1, vertex.parallelism);
    for (const Json& entry : array(dump, "threadInfos"))
        if (text(entry, "threadName").starts_with(named))
            return text(entry, "stringifiedThreadInfo").substr(0, thread_bytes_max);
    return "";
}

// "\"Source: orders -> parse (2/4)#0\" Id=85 RUNNABLE …"
std::string state_of(const std::string& thread) {
    const std::string first = thread.substr(0, thread.find('\n'));
    for (const char* state : {"RUNNABLE", "TIMED_WAITING", "WAITING", "BLOCKED"})
        if (first.find(std::string(" ") + state) != std::string::npos) return state;
    return "";
}

}  // namespace

std::vector<StandingTask> standing_tasks(const Vertex& vertex, const TimesOfSubtasks& times, WallTime at) {
    std::vector<StandingTask> found;
    for (std::size_t subtask = 0; subtask < vertex.parallelism; ++subtask) {
        const auto known = times.find(subtask_key(vertex, static_cast<std::int64_t>(subtask)));
        if (known == times.end()) continue;
        const SubtaskTimes& one = known->second;
        if (one.busy.value_or(0) < busy_all_the_time || one.records <= 0 || one.task_manager.empty()) continue;
        if (at - one.records_since < stands_for) continue;
        found.push_back({vertex.id, one.task_manager, static_cast<std::int64_t>(subtask)});
    }
    return found;
}

void tell_threads(const Into& into, const Json& dump, const Job& job, const std::vector<StandingTask>& tasks) {
    for (const StandingTask& task : tasks) {
        const auto vertex = std::ranges::find(job.vertices, task.vertex_id, &Vertex::id);
        if (vertex == job.vertices.end()) continue;
        std::string thread = thread_of(dump, *vertex, task.subtask);
        if (thread.empty()) continue;
        Event event{.at = into.at,
                    .subject = into.subject("job", job.name),
                    .kind = "thread-dump",
                    .text = std::move(thread),
                    .fields = {{"job_id", job.id},
                               {"vertex", vertex->name},
                               {"subtask", std::to_string(task.subtask)},
                               {"taskmanager", task.task_manager}},
                    .id = fmt::format("{}/{}/threads/{}/{}/{}", into.cluster, job.id, vertex->id, task.subtask,
                                      into.at.unix_ms)};
        event.fields["state"] = state_of(event.text);
        into.observation.events.push_back(std::move(event));
    }
}

}  // namespace flink_read

using namespace flink_read;

namespace {

// A dump costs the task manager some milliseconds at which all its threads stand. Two of them tell what goes on.
constexpr Duration dump_pace{15'000};
constexpr std::size_t dumps_per_look_max = 2;

}  // namespace

void FlinkCollector::ask_what_stands(const Job& job, const Vertex& vertex, std::vector<HttpAsk>& asks) {
    const WallTime at = look_->observation.at;
    if (job.state != "RUNNING") return;
    for (StandingTask& one : standing_tasks(vertex, memory_->jobs[job.name].times, at)) {
        const std::string key = job.id + '|' + one.task_manager;
        if (look_->standing.contains(key)) {
            look_->standing[key].push_back(std::move(one));
            continue;
        }
        const auto last = memory_->dumped.find(one.task_manager);
        if (last != memory_->dumped.end() && !is_due(last->second, dump_pace, at)) continue;
        if (look_->standing.size() >= dumps_per_look_max) continue;
        memory_->dumped[one.task_manager] = at;
        asks.push_back({options_.url + "/taskmanagers/" + one.task_manager + "/thread-dump", "threads|" + key});
        look_->standing[key].push_back(std::move(one));
    }
    std::erase_if(memory_->dumped, [&](const auto& entry) { return at - entry.second > 4 * dump_pace; });
}

}  // namespace medic

// Subtasks that are busy all the time and neither take nor give a record: what their threads do is asked for
// (/taskmanagers/:id/thread-dump) while it can be seen, and becomes an event "thread-dump" of the job. Only for
// flink.cc and tests.
#pragma once

#include <string>
#include <vector>

#include "agent/collectors/flink/parse_internal.h"

namespace medic::flink_read {

struct StandingTask {
    std::string vertex_id, task_manager;
    std::int64_t subtask = 0;
};

// Of the vertex, as its last answer told. Not one that has never moved: it may have nothing to do.
[[nodiscard]] std::vector<StandingTask> standing_tasks(const Vertex& vertex, const TimesOfSubtasks& times, WallTime at);

// An event for each of them whose thread is in the dump of its task manager.
void tell_threads(const Into& into, const Json& dump, const Job& job, const std::vector<StandingTask>& tasks);

}  // namespace medic::flink_read

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

// What the thread of the subtask does, from its task manager's dump: "" when no thread has its name.
[[nodiscard]] std::string thread_of(const Json& dump, const Vertex& vertex, std::int64_t subtask);
// "RUNNABLE", "TIMED_WAITING", …: of a thread as Java writes it.
[[nodiscard]] std::string state_of(const std::string& thread);

}  // namespace medic::flink_read

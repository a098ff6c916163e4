// Where the time of a slow checkpoint went (/jobs/:id/checkpoints/details/…): asked only for one that is slow, failed
// or long under way, and becomes an event "checkpoint-parts" for each of its slowest vertices. Only for flink.cc and
// tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/collectors/flink/parse_internal.h"

namespace medic::flink_read {

struct CheckpointAsked {
    std::int64_t id = 0;
    std::string status;  // completed | failed | in_progress
    Duration took{0};
    bool expired = false;  // Failed because it took longer than its time-out.
};

// One vertex of such a checkpoint.
struct CheckpointParts {
    std::string job_id, vertex_id;
    CheckpointAsked checkpoint;
    std::map<std::string, std::string> fields;
};

// Of /checkpoints: the newest one that took long, unless newer ones were quick.
[[nodiscard]] std::optional<CheckpointAsked> slow_checkpoint(const Json& answer, WallTime at);
// Of /checkpoints/details/ID: ids of the vertices to ask about: those that lack acknowledgements, then the slowest.
[[nodiscard]] std::vector<std::string> slow_vertices(const Json& details);
// Of …/subtasks/VERTEX: the slowest subtask's parts, the median of its siblings' (`usual_…`), who has not acknowledged.
[[nodiscard]] std::optional<std::map<std::string, std::string>> checkpoint_parts(const Json& answer);
// Of /checkpoints/config: attributes of the job.
void checkpoint_config(const Into& into, const Json& answer, const Job& job);

}  // namespace medic::flink_read

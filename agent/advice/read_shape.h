// A job's shape from Flink's REST API (1.17 to 2.x): what to ask, and how the answers become a JobShape. It does not
// ask itself. An answer that is missing leaves its figures absent; only the job's own details are needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/advice/job_shape.h"
#include "agent/base/result.h"

namespace medic::advice {

struct JobName {
    std::string id, name, state;
    std::int64_t started_ms = 0;  // Since 1970; 0: it was not told.
    // FINISHED, CANCELED or FAILED: of several of a name at most one is not.
    [[nodiscard]] bool is_over() const { return state == "FINISHED" || state == "CANCELED" || state == "FAILED"; }
};
// Of /jobs/overview. Errors: invalid.
[[nodiscard]] Result<std::vector<JobName>> read_jobs(const std::string& overview);

// The bodies of the answers; "" where there was none.
struct ShapeAnswers {
    std::string job;                    // /jobs/ID
    std::string checkpoints;            // /jobs/ID/checkpoints
    std::string checkpoint_config;      // /jobs/ID/checkpoints/config
    std::string task_managers;          // /taskmanagers
    std::vector<std::string> vertices;  // /jobs/ID/vertices/VERTEX, in the order of vertex_ids().
};
[[nodiscard]] Result<std::vector<std::string>> vertex_ids(const std::string& job);
// Errors: invalid (the job's details are no such thing).
[[nodiscard]] Result<JobShape> read_shape(const ShapeAnswers& answers);

}  // namespace medic::advice

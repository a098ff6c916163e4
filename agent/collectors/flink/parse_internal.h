// How each answer of Flink's REST API becomes part of an Observation. One function per endpoint; all tolerate missing
// members. Only for flink.cc and its tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/flink_state.h"
#include "agent/collectors/json_internal.h"
#include "agent/collectors/observation.h"
#include "agent/collectors/state_memory.h"

namespace medic::flink_read {

using json_read::Json;

struct Vertex {
    std::string id;
    std::string name;  // Unique within the job: doubled names carry the start of their id.
    std::string flink_name;
    std::size_t parallelism = 0;
    std::string
        told;  // What the job's own answer says of it, but for times that pass: the same as long as nothing new is.
};

struct Job {
    std::string id;
    std::string name;
    std::string state;
    std::int64_t start_ms = 0;
    std::int64_t ended_ms = 0;    // 0: it lives.
    std::int64_t told_at_ms = 0;  // Of Flink's clock, when it was listed; 0: not told, or it has ended.
    std::size_t living_namesakes = 0;
    std::optional<double> tasks_scheduled, tasks_running;  // nullopt: not told.
    std::vector<Vertex> vertices;
    std::size_t parallelism_max = 0;  // 0: not told.
    [[nodiscard]] bool terminal() const { return is_terminal_job_state(state); }
};

// Where an answer's facts go.
struct Into {
    std::string cluster;
    WallTime at;
    Observation& observation;
    StateMemory& states;
    [[nodiscard]] Subject subject(std::string kind, std::string name) const {
        return {cluster, std::move(kind), std::move(name)};
    }
};

// Of several jobs of one name, the newest that still lives, or else the newest. Those that live come first, by name,
// then those that ended, the last one first.
[[nodiscard]] Result<std::vector<Job>> jobs(const Json& overview);
// A time of our clock on Flink's: machines' clocks differ, and ours may be set while we look. `looked_at`: when the
// job was listed, on our clock.
[[nodiscard]] WallTime on_flinks_clock(const Job& job, WallTime time, WallTime looked_at);
// What the overview tells of a job: its state as series and attributes.
void job_state(const Into& into, const Job& job);
// `heartbeats_ms`: by task manager, the moments on the job manager's clock.
void task_managers(const Into& into, const Json& answer, std::vector<std::string>& seen,
                   std::map<std::string, double>& heartbeats_ms);
// nullopt: one of the task managers does not tell.
[[nodiscard]] std::optional<double> slots_in_use(const Json& answer);

// The job's details: fills job.vertices and the largest parallelism.
void job_details(const Into& into, const Json& answer, Job& job, std::size_t vertices_max);
void job_metrics(const Into& into, const Json& answer, const Job& job);
// Of /resource-requirements, as the adaptive scheduler has it: how many subtasks each vertex may have, "4,4,1" by the
// vertices' ids.
void parallelism_bounds(const Into& into, const Json& answer, const Job& job);
void job_config(const Into& into, const Json& answer, const Job& job);
// Of /jars: the artifact of one of the job's versions that was uploaded last before the job's start.
void running_version(const Into& into, const Json& answer, const Job& job,
                     const std::map<std::string, std::string>& artifacts);
void checkpoints(const Into& into, const Json& answer, const Job& job);
void exceptions(const Into& into, const Json& answer, const Job& job);

// How a subtask has spent its time, from what Flink counts of each attempt since 1.16 (accumulated-…-time), which is
// exact between any two answers. The rates that Flink makes of it are means over the last minute.
struct SubtaskTimes {
    std::int64_t attempt = -1;
    double busy_ms = 0, idle_ms = 0, backpressured_ms = 0;
    std::optional<double> busy, idle, backpressured;  // Shares, between the two newest counts that differ.
    WallTime counted;                                 // When the newest count was first seen.
    std::string task_manager;
    double records = -1;     // In and out together; below zero: not told.
    WallTime records_since;  // When that figure was first seen.
};
using TimesOfSubtasks = std::map<std::string, SubtaskTimes>;  // By subtask_key(), "VERTEX ID|SUBTASK".
[[nodiscard]] std::string subtask_key(const Vertex& vertex, std::int64_t subtask);

void vertex(const Into& into, const Json& answer, const Job& job, const Vertex& vertex, TimesOfSubtasks& times,
            std::size_t subtasks_max);
// Tells the shares of the vertex's subtasks from their counts. false: not those of all are known, and nothing is told;
// ask for Flink's rates.
[[nodiscard]] bool tell_times(const Into& into, const Job& job, const Vertex& vertex, const TimesOfSubtasks& times);
void backpressure(const Into& into, const Json& answer, const Job& job, const Vertex& vertex);
struct Watermarks {
    std::optional<double> lowest_ms;  // nullopt while a subtask has none, and once all input has ended.
    int without = 0;                  // Subtasks that have had none yet.
};
[[nodiscard]] Watermarks watermarks(const Into& into, const Json& answer, const Job& job, const Vertex& vertex);

// Whether a job manager with these settings (/jobmanager/config) knows its jobs after a restart. Nothing else of them
// is looked at. nullopt: no list.
[[nodiscard]] std::optional<bool> highly_available(const Json& settings);
// How such a job manager schedules streaming jobs: "adaptive" (its jobs can be rescaled in place), "reactive" (their
// parallelism follows the task managers) or "default". "": no list.
[[nodiscard]] std::string scheduler(const Json& settings);
// Which of its processes that is: web.tmpdir, to which Flink adds a name that each process draws anew. "": not told.
[[nodiscard]] std::string manager_process(const Json& settings);

}  // namespace medic::flink_read

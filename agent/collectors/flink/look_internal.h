// What the Flink collector remembers: of the look under way and of those before. For the files of the collector only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/collectors/flink/checkpoint_parts_internal.h"
#include "agent/collectors/flink/flink.h"
#include "agent/collectors/flink/parse_internal.h"
#include "agent/collectors/flink/standing_tasks_internal.h"

namespace medic {

namespace flink_read {

// A job that ended is asked about until its answers are of its end; after that its state and checkpoint path are
// repeated from memory.
struct JobMemory {
    struct End {
        std::optional<WallTime> seen_at;  // The job was first listed as ended.
        int asked = 0;                    // Looks since then that asked what became of it.
        bool examined = false;
    };

    std::string id;
    std::string state;
    std::int64_t start_ms = 0;
    bool config_known = false;
    End end;
    bool announced = false;  // Its deployment event has been made.
    bool same_id = false;    // It replaced a run of its own id.
    std::string before, version_before;
    std::string last_good_version;  // The newest version before this run that completed a checkpoint.
    std::string known_good;         // Of an earlier agent: the newest that did, this run's included.
    std::map<std::string, std::string> attributes;
    TimesOfSubtasks times;
    // The slow checkpoint that was last looked into.
    std::optional<std::int64_t> parts_of;
    WallTime parts_at;
    std::set<std::string> task_managers;  // That were registered while it was last listed …
    std::set<std::string> hosts;          // … and those of them on which it ran.
    std::optional<WallTime> missing_since;
    bool was_missing = false;  // A run before this one went with its job manager.

    [[nodiscard]] std::string attribute(const std::string& name) const {
        const auto found = attributes.find(name);
        return found == attributes.end() ? "" : found->second;
    }
    // A version is good once it has completed a checkpoint of its own.
    [[nodiscard]] std::string good_version() const {
        if (attributes.contains("checkpoint_id") && attributes.contains("version")) return attribute("version");
        return known_good.empty() ? last_good_version : known_good;
    }
};

// A run that replaces the one that was known.
[[nodiscard]] JobMemory begun(const Job& job, const JobMemory& known);
// The same where the id has stayed.
[[nodiscard]] JobMemory redeployed(const Job& job, const JobMemory& known);
// What is left of a job's memory after a restart of the agent; nothing of it has been announced here.
[[nodiscard]] JobMemory continued(const JobRun& earlier);
[[nodiscard]] JobRun run_of(const std::string& job, const JobMemory& memory);

}  // namespace flink_read

struct FlinkCollector::Look {
    Observation observation;
    std::map<std::string, flink_read::Job> jobs;                          // By job id.
    std::map<std::string, double> watermark_lags_s;                       // By job id: the largest of its vertices.
    std::map<std::string, int> subtasks_without_watermark;                // By job id, of the vertices that answered.
    std::map<std::string, flink_read::CheckpointAsked> slow_checkpoints;  // By job id.
    std::vector<flink_read::CheckpointParts> checkpoint_parts;
    std::map<std::string, std::vector<flink_read::StandingTask>> standing;  // By "JOB ID|TASK MANAGER".
    std::vector<std::string> task_managers;
    std::map<std::string, double> heartbeats_ms;  // By task manager, on the job manager's clock.
    std::optional<double> slots_in_use;           // nullopt: not told by every task manager.
    bool task_managers_told = false;
    bool jobs_told = false;
    bool jobs_complete = false;      // All that there are.
    bool asks_who_answers = false;   // A job that lived is gone from the list: whether that is another process, …
    bool knows_who_answers = false;  // … and the answer came.
    bool answered = false;
};

struct FlinkCollector::Memory {
    std::map<std::string, flink_read::JobMemory> jobs;  // By job name.
    struct TaskManager {
        WallTime seen;
        bool present = true;
    };
    std::map<std::string, TaskManager> task_managers;
    // By purpose: an answer that is of metrics, as long as Flink has nothing newer. Only while the job runs.
    struct Kept {
        WallTime at, until;
        HttpAnswer answer;
        std::string told;  // Of a vertex: Vertex::told at that time.
    };
    std::map<std::string, Kept> kept;
    std::map<std::string, WallTime> dumped;  // By task manager: when its threads were last asked for.
    // What the job manager says of itself; asked once each time that it answers again. nullopt, "": not told.
    struct Manager {
        bool asked = false;
        std::optional<bool> highly_available, takes_jobs;
        std::string scheduler;
        std::string process;  // A name that each of its processes gives itself anew.
    };
    bool looked = false;  // Who was there at the first look has not just joined.
    // Since it last listed its jobs the job manager gave no answer, or another process has taken its place.
    bool silent = false;
    StateMemory states;
    std::string version;
    Manager manager;
};

}  // namespace medic

// What several remedies share: reading a diagnosis's parameters, the conditions of a healthy job, choosing a spare.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/planning/conditions.h"
#include "remediations/planning/remedy.h"

namespace medic::remedies {

// A page is read once a minute, and every 5 s while what it tells is to prove a step: time for a few such looks on a
// busy machine, after a task that needs a while to open what it writes to.
inline constexpr Duration page_proves_within{60'000};
// A connector's task that still can't work says RUNNING at first, and fails at what it does then: it opens what it
// writes to, or reads. Records are no sign of it: on a quiet topic none come.
inline constexpr Duration task_runs_within{60'000}, task_runs_for{45'000};

// A parameter that the diagnosis must carry; invalid when it does not.
[[nodiscard]] Result<std::string> parameter(const Diagnosis& diagnosis, std::string_view name);
[[nodiscard]] Result<std::int64_t> number(const Diagnosis& diagnosis, std::string_view name);

// The parts of "1,2,3"; none of an empty text. They look into `text`.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char at);
// The whole text as a number; nullopt: it is none.
[[nodiscard]] std::optional<int> integer(std::string_view text);
// Of "orders:0,3;logs:1", as the Kafka collector names partitions; invalid when it is something else.
[[nodiscard]] Result<std::vector<PartitionOfTopic>> read_partitions(std::string_view text);

[[nodiscard]] inline Subject subject_in(const Diagnosis& diagnosis, std::string kind, std::string name) {
    return {diagnosis.subject.cluster, std::move(kind), std::move(name)};
}
// Of a cluster with several Flinks the one that the diagnosis is about; where it does not say which, all of them.
[[nodiscard]] Condition jobmanager_answers(const Diagnosis& diagnosis);
// RUNNING is not enough: a checkpoint completes or records pass. After a task manager froze, Flink tells no task's
// figures for a while, and a job whose source is idle still completes checkpoints.
[[nodiscard]] Expectation job_runs_and_progresses(const Subject& job);

// Steps of whatever ends a job and starts it from what it has left. Ending it with a savepoint leaves it FINISHED, and
// what it put out ends exactly where the savepoint does.
[[nodiscard]] Step stop_with_savepoint(const Subject& job, std::string job_id, std::string folder);
[[nodiscard]] Step cancel_job(const Subject& job, std::string job_id);
// Only as long as what the plan starts it from is the newest state that it has left: by the time that a plan is agreed
// to, a newer checkpoint may have taken its place (state.checkpoints.num-retained, 1), or may be lost by going back.
[[nodiscard]] Step cancel_job_at(const Subject& job, std::string job_id, const Condition& still_newest);
// Only once it has ended. Where `restore_from` is empty, from the savepoint that the plan itself has taken.
[[nodiscard]] Step start_deployment(const Subject& job, StartDeployment what);

// The job goes on under its id with another parallelism; under the adaptive scheduler only.
[[nodiscard]] Step rescale_job(const Subject& job, RescaleJob what);

// A fact's text as it is known now; "" when it is not.
[[nodiscard]] std::string told(const PlanningView& view, const FactKey& key);

// A version is kept away by its name and, where its artifact was read, by what it holds: the same code under another
// name is the same version.
void want_artifact(std::vector<FactKey>& keys, const PlanningView& view, const DeploymentInfo& deployment,
                   const std::string& version);
[[nodiscard]] Quarantine quarantine_of(const PlanningView& view, const DeploymentInfo& deployment,
                                       const std::string& version);
[[nodiscard]] bool is_quarantined(const PlanningView& view, const Quarantine& one);

// What becomes of the job's newest checkpoint when the job is cancelled: Flink deletes it unless it was told to keep
// it. Reads the facts checkpoint_facts(job).
enum class AfterCancel : std::uint8_t { kept, deleted, unknown };
[[nodiscard]] AfterCancel newest_checkpoint_after_cancel(const PlanningView& view, const Subject& job);
[[nodiscard]] std::vector<FactKey> checkpoint_facts(const Subject& job);

// A spare task manager other than `lost`, in its zone where there is one; nullptr when the pool is empty.
[[nodiscard]] const NodeInfo* choose_spare(const PlanningView& view, const NodeInfo& lost);

struct Replacement {
    const NodeInfo* lost = nullptr;
    Subject job;  // Empty kind: it ran none.
    enum class Fence : std::uint8_t { unless_gone, always } fence = Fence::unless_gone;
    // It lives and can still say goodbye: its job manager then gives its tasks up at once, instead of missing it for a
    // while.
    bool stop_first = false;
    std::string why;  // "is lost", "is frozen", "holds a task that can't be cancelled".
};
// Fence, start a warm spare (or the node itself when there is none), refill the pool.
[[nodiscard]] Plan replace_taskmanager(const Diagnosis& diagnosis, const PlanningView& view,
                                       const Replacement& replacement);
// The node that the diagnosis names, if its driver can start and kill it.
[[nodiscard]] Result<const NodeInfo*> replaceable_node(const Diagnosis& diagnosis, const PlanningView& view);

}  // namespace medic::remedies

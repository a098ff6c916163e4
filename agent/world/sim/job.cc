// The job: what is known of it, and how many subtasks carry what it is offered.
#include <algorithm>

#include "agent/base/flink_state.h"
#include "agent/world/sim/cluster.h"

namespace medic::sim {
namespace {

constexpr double records_of_subtask = 500;  // Per second.
constexpr double fits_from = 0.95;          // Of what is offered.
constexpr double share_if_it_hurts = 0.25;
constexpr Duration rescales_in{2'000};

}  // namespace

double SimLoad::offered() const { return needed * records_of_subtask; }

double SimLoad::carried() const {
    const double share = hurts && parallelism > usual ? share_if_it_hurts : 1;
    return share * records_of_subtask * std::min(parallelism, needed);
}

bool SimLoad::fits() const { return carried() >= fits_from * offered(); }

Result<std::string> SimCluster::rescale(const RescaleJob& op) {
    if (!load.adaptive) return fail(ErrorCode::invalid, "another scheduler");
    if (op.job_id != job.id || is_terminal_job_state(job.state)) return fail(ErrorCode::outdated, "it does not run");
    if (load.parallelism == op.to) return "it has that parallelism already";
    if (load.parallelism != op.from) return fail(ErrorCode::outdated, "it has another parallelism");
    load.parallelism = op.to;
    if (job.state == "RUNNING") {
        job.state = "RESTARTING";
        job.restart_at = now_ + rescales_in;
        ++job.restarts;
    }
    return "rescaling";
}

Fact SimCluster::look_up_job(Fact fact) const {
    if (fact.name == "flink_job_state") fact.value = 1, fact.text = job.state;
    if (fact.name == "flink_subtask_records_in_total") fact.value = job.records;
    if (fact.name == "checkpoint_path") fact.text = "/checkpoints/" + job.id;
    if (fact.name == "flink_job_restarts_total") fact.value = job.restarts;
    if (fact.name == "flink_checkpoints_in_progress") fact.value = job.savepoint_ends ? 1 : 0;
    if (fact.name == "checkpoints_kept") fact.text = "always";
    if (fact.name == "id") fact.text = job.id;
    if (fact.name == "version") fact.text = job.version;
    if (fact.name == "savepoint_path") fact.text = job.savepoint;
    if (fact.name == "flink_checkpoint_last_completed_timestamp_seconds")
        fact.value = static_cast<double>(fact.observed_at.unix_ms) / 1'000;
    if (fact.name == "flink_job_parallelism") fact.value = load.parallelism;
    if (fact.name == "flink_checkpoints_completed_total") fact.value = 1;
    if (fact.name == "parallelism_bounds" && load.adaptive) fact.text = std::to_string(load.parallelism);
    if (fact.name == "scheduler") fact.text = load.adaptive ? "adaptive" : "default";
    return fact;
}

}  // namespace medic::sim

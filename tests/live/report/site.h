// The running platform as a person in front of it sees and handles it: its nodes, the job, the connectors, and what
// comes out. Knows nothing of the agent.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/world/real/kafka_client.h"
#include "engine/lab/plan.h"
#include "tests/live/platform.h"
#include "tests/live/report/flows.h"

namespace medic::live {

struct JobView {
    std::string id, state;
};

class Site {
public:
    // Of a platform that is up. Errors: see lab::load_state.
    [[nodiscard]] static Result<std::unique_ptr<Site>> open(const std::string& data_dir);
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;
    ~Site() = default;

    [[nodiscard]] const std::string& data_dir() const { return plan_.options.data_dir; }
    [[nodiscard]] const engine::lab::LabPlan& plan() const { return plan_; }
    [[nodiscard]] KafkaClient& kafka() { return *kafka_; }
    [[nodiscard]] Flow& flow(FlowName name) { return *flows_.at(name); }
    [[nodiscard]] std::string url(const std::string& node, const std::string& path) const;

    // --- processes; actions as of `medic-live node` ---
    [[nodiscard]] Status node(const std::string& action, const std::string& name) const;
    [[nodiscard]] Status fault(const std::string& name, bool on) const { return set_fault(data_dir(), name, on); }
    [[nodiscard]] bool lives(const std::string& node) const;
    // Of every task manager that runs now: what a container or a service unit would allow it.
    [[nodiscard]] Status limit_descriptors(std::uint64_t most) const;

    // --- Kafka ---
    [[nodiscard]] Result<std::int32_t> active_controller() const;  // Its broker id.
    [[nodiscard]] Status replicas_in_sync() const;                 // And every broker registered: the next one may go.
    // Whether each partition is led by the first of its replicas.
    [[nodiscard]] Result<bool> preferred_leaders_lead() const;
    [[nodiscard]] Status elect_preferred_leaders() const;

    // --- Flink ---
    [[nodiscard]] Result<JobView> job() const;  // The newest of the trial job's name.
    [[nodiscard]] Result<std::uint64_t> completed_checkpoints() const;
    [[nodiscard]] Result<std::string> working_taskmanager() const;  // A node that runs subtasks of the job.
    // As a team deploys: stops with a savepoint, and starts the version (v1: the right one) with these options from it.
    [[nodiscard]] Status deploy(const std::string& version, const std::vector<std::string>& options) const;
    // Cancels what runs or fails, and starts the usual version from the newest complete checkpoint or savepoint.
    [[nodiscard]] Status deploy_usual() const;
    [[nodiscard]] Result<std::string> stop_with_savepoint() const;  // Its path.

    // --- Connect ---
    [[nodiscard]] Result<std::string> connect_address() const;                               // Of a worker that lives.
    [[nodiscard]] Result<std::string> worker_with_task(const std::string& connector) const;  // A node.
    [[nodiscard]] Status restart_failed_tasks() const;
    [[nodiscard]] Status configure(const std::string& connector,
                                   const std::map<std::string, std::string>& changed) const;

    // Everything as it was: nodes live, the job runs and completes checkpoints, tasks run, every flow flows. What is
    // broken is mended as a person would. Errors: unavailable, with what is still missing.
    [[nodiscard]] Status settle(Duration patience);

private:
    explicit Site(engine::lab::LabPlan plan) : plan_(std::move(plan)) {}
    [[nodiscard]] Status mend_nodes() const;
    [[nodiscard]] Status mend_job() const;
    [[nodiscard]] Status tasks_run() const;
    [[nodiscard]] Status cancel_jobs() const;

    engine::lab::LabPlan plan_;
    std::unique_ptr<KafkaClient> kafka_;
    std::map<FlowName, std::unique_ptr<Flow>> flows_;
};

}  // namespace medic::live

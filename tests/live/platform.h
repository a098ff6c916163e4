// The real products on this machine, up and down. Used by `medic-live` only; everything it starts is in the plan that
// DATA/lab.json holds.
#pragma once

#include <string>
#include <vector>

#include "tests/live/maven.h"
#include "tests/live/plan.h"

namespace medic::live {

// Starts everything and returns when it serves: brokers registered, Connect's tasks and the jobs running, checkpoints
// completing. On an error nothing is left running. Errors: not_ready (one runs there, a tool is missing), unavailable.
[[nodiscard]] Status up(const LiveOptions& options, const Progress& progress);

// Stops everything and removes the data folder, unless `keep_files`.
[[nodiscard]] Status down(const std::string& data_dir, bool keep_files);

struct Submission {
    std::string savepoint;             // To start from; empty: from the group's committed offsets.
    std::string version = "v1";        // One of job_versions.
    std::vector<std::string> options;  // More KEY=VALUE for the job: see tests/live/job.
    int parallelism = 0;               // 0: every slot of the working task managers.
};
// The job of the session cluster, submitted anew (after a job manager's loss, for instance). Returns its id.
[[nodiscard]] Result<std::string> submit_job(const std::string& data_dir, const Submission& submission = {});

// A small job that counts for some ten seconds and finishes. Returns its id.
[[nodiscard]] Result<std::string> submit_bounded_job(const std::string& data_dir);

// Switches a fault of the job or of the audit connector on or off: see tests/live/job and tests/live/connector.
// "hot-key" makes all orders those of one customer, and each of them dear. "poison-record" writes one broken record
// into the topic that the sinks read; it cannot be switched off.
[[nodiscard]] Status set_fault(const std::string& data_dir, const std::string& name, bool on);

}  // namespace medic::live

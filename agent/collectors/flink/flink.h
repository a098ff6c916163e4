// Flink's REST API (1.17 to 2.x): jobs, task managers, checkpoints, exceptions, subtasks → canonical series, events,
// topology. Asks, never acts. It remembers between looks what it has seen, so that a task manager or job that vanished
// is told.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/collectors/look.h"

namespace medic {

namespace flink_read {
struct CheckpointAsked;
struct Job;
struct JobMemory;
struct Vertex;
}  // namespace flink_read

struct FlinkCollectorOptions {
    std::string cluster;
    std::string url;     // Without a slash at the end.
    std::string target;  // "lab/flink", or with the address where a cluster has several.
    std::string
        flink{};  // "jm-1:8081" where a cluster has several, so that each one's series and jobs tell which it is.
    // Job → version → file name of its artifact: by what was uploaded last before a start, it is told which version
    // runs.
    std::map<std::string, std::map<std::string, std::string>> artifacts;
    std::map<std::string, JobRun> earlier;  // By job: what an earlier agent knew when it was last seen.
    std::size_t jobs_max = 100;
    std::size_t vertices_per_job_max = 64;
    std::size_t subtasks_per_vertex_max = 2'048;
};

class FlinkCollector : public HttpCollector {
public:
    explicit FlinkCollector(FlinkCollectorOptions options);
    ~FlinkCollector() override;

    const std::string& target() const override { return options_.target; }
    std::vector<HttpAsk> begin(WallTime at) override;
    std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) override;
    Observation finish() override;

private:
    struct Look;    // What the look under way has gathered.
    struct Memory;  // What outlives it.

    std::vector<HttpAsk> on_jobs(const HttpAnswer& answer);
    [[nodiscard]] flink_read::JobMemory& run_listed(const flink_read::Job& job);
    void on_config(const HttpAnswer& answer, const flink_read::Job& job);
    void on_task_managers(const HttpAnswer& answer);
    void tell_heartbeats();
    [[nodiscard]] std::vector<HttpAsk> vertex_asks(const flink_read::Job& job);
    // `told`: what must be as it was for a kept answer to be repeated.
    void ask_or_repeat(const flink_read::Job& job, HttpAsk ask, const std::string& told, std::vector<HttpAsk>& asks);
    WallTime kept_since(const HttpAsk& ask, const std::string& kind, const flink_read::Job& job,
                        const HttpAnswer& answer);
    // Asks for the parts of a slow checkpoint, once a minute at most.
    std::vector<HttpAsk> on_slow_checkpoint(const flink_read::CheckpointAsked& slow, const std::string& job_id,
                                            const std::string& job_name);
    void tell_checkpoint_parts();
    // Asks for the threads of task managers whose subtasks are busy with nothing.
    void ask_what_stands(const flink_read::Job& job, const flink_read::Vertex& vertex, std::vector<HttpAsk>& asks);
    void announce_deployments();
    void forget_vanished();
    void note_hosts();
    [[nodiscard]] bool lacks_living_job() const;
    void on_manager_settings(const HttpAnswer& answer);
    void note_missing_jobs();
    void tell_missing_jobs();
    [[nodiscard]] bool old_tasks_may_run(const std::set<std::string>& task_managers, WallTime since) const;

    FlinkCollectorOptions options_;
    std::unique_ptr<Look> look_;
    std::unique_ptr<Memory> memory_;
};

}  // namespace medic

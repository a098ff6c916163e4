// Flink's REST API over the job manager: paths, shapes and status codes of 1.20 (top-level root-exception included),
// bodies of 2.x accepted as well (flinkConfiguration, programArgsList). Called on the HTTP server's threads.
#pragma once

#include "engine/flow/jobmanager/jobmanager_internal.h"

namespace medic::engine::flow {

class Rest {
public:
    using json = nlohmann::json;
    explicit Rest(JobManager& manager) : manager_(manager) {}
    [[nodiscard]] HttpResponse handle(const HttpRequest& request);

private:
    // An answer other than 200 with {"errors": […]}.
    struct Refusal {
        int status = 404;
        std::string message;
    };
    [[nodiscard]] HttpResponse route(const HttpRequest& request);
    [[nodiscard]] json get(const HttpRequest& request);
    [[nodiscard]] json get_job(const HttpRequest& request, Job& job);
    [[nodiscard]] json get_vertex(const HttpRequest& request, Job& job, std::size_t vertex);
    [[nodiscard]] json get_checkpoints(const HttpRequest& request, const Job& job);
    [[nodiscard]] json post(const HttpRequest& request);
    [[nodiscard]] json put(const HttpRequest& request);

    [[nodiscard]] json overview() const;
    [[nodiscard]] json jobs_overview() const;
    [[nodiscard]] json task_manager(const RegisteredTaskManager& manager, bool detailed) const;
    // A list of log files or such a file; nullopt: the path is about something else.
    [[nodiscard]] std::optional<std::string> log_of(const std::vector<std::string>& path);
    [[nodiscard]] json thread_dump(const std::string& resource_id);
    [[nodiscard]] json metrics(const std::vector<std::string>& known, const HttpRequest& request,
                               const std::function<std::optional<std::string>(const std::string&)>& value) const;

    [[nodiscard]] json job_details(Job& job) const;
    [[nodiscard]] static json plan(const std::string& job_id, const JobGraph& graph);
    [[nodiscard]] json exceptions(const Job& job, std::size_t entries_max) const;
    [[nodiscard]] json vertex_details(const Job& job, std::size_t vertex) const;
    [[nodiscard]] json backpressure(const Job& job, std::size_t vertex) const;
    [[nodiscard]] json subtask_metrics(const HttpRequest& request, const Job& job, std::size_t vertex) const;

    [[nodiscard]] json upload(const HttpRequest& request);
    [[nodiscard]] RunRequest read_run(const HttpRequest& request);
    [[nodiscard]] json run(const HttpRequest& request);
    [[nodiscard]] json plan_of_jar(const HttpRequest& request);
    [[nodiscard]] json savepoint(const HttpRequest& request, Job& job);
    [[nodiscard]] json operation(const std::string& trigger_id) const;
    [[nodiscard]] json resource_requirements(const Job& job) const;

    [[nodiscard]] Job& job(const std::string& id) const;
    [[nodiscard]] std::string new_id(std::string_view what);

    JobManager& manager_;
};

// JSON of one checkpoint as /jobs/:id/checkpoints shows it, and metrics of a job under Flink's names.
[[nodiscard]] nlohmann::json checkpoint_json(const Checkpoint& checkpoint);
[[nodiscard]] std::map<std::string, double> job_metrics(const Job& job, std::int64_t now_ms);

}  // namespace medic::engine::flow

#include "agent/advice/read_shape.h"

#include <algorithm>
#include <map>

#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/json_internal.h"

namespace medic::advice {
namespace {

using json_read::array;
using json_read::boolean;
using json_read::integer;
using json_read::Json;
using json_read::member;
using json_read::number;
using json_read::text;

Json parse(const std::string& body) { return foreign_json(body); }

std::optional<int> small(const Json& object, std::string_view key) {
    const auto value = integer(object, key);
    if (!value || *value < 0 || *value > 1'000'000) return std::nullopt;
    return static_cast<int>(*value);
}

// "complete": false: not every subtask has reported yet.
std::optional<double> reported(const Json& metrics, const std::string& key) {
    if (!boolean(metrics, key + "-complete").value_or(true)) return std::nullopt;
    return number(metrics, key);
}

Subtask subtask_of(const Json& entry) {
    Subtask subtask;
    subtask.running_ms = number(entry, "duration").value_or(0);
    if (const Json* metrics = member(entry, "metrics")) {
        subtask.records_in = reported(*metrics, "read-records");
        subtask.busy_ms = number(*metrics, "accumulated-busy-time");
    }
    return subtask;
}

void read_plan(const Json& job, JobShape& shape) {
    const Json* plan = member(job, "plan");
    if (plan == nullptr) return;
    for (const Json& node : array(*plan, "nodes")) {
        for (auto& vertex : shape.vertices) {
            if (vertex.id != text(node, "id")) continue;
            vertex.description = text(node, "description");
            for (const Json& input : array(node, "inputs"))
                vertex.inputs.push_back({text(input, "id"), text(input, "ship_strategy")});
        }
    }
}

void read_checkpoints(const ShapeAnswers& answers, Checkpointing& out) {
    if (const Json config = parse(answers.checkpoint_config); config.is_object() && member(config, "interval")) {
        out.interval_ms = integer(config, "interval");
        // Flink says "off" with the largest number there is.
        out.enabled = out.interval_ms && *out.interval_ms > 0 && *out.interval_ms < 1'000'000'000'000;
        out.timeout_ms = integer(config, "timeout");
        out.min_pause_ms = integer(config, "min_pause");
        out.storage = text(config, "checkpoint_storage");
        if (const Json* kept = member(config, "externalization"))
            out.kept_on_cancel =
                boolean(*kept, "enabled").value_or(false) && !boolean(*kept, "delete_on_cancellation").value_or(false);
    }
    const Json done = parse(answers.checkpoints);
    const Json* counts = member(done, "counts");
    if (counts == nullptr || number(*counts, "completed").value_or(0) < 1) return;
    const Json* summary = member(done, "summary");
    if (summary == nullptr) return;
    if (const Json* took = member(*summary, "end_to_end_duration")) {
        out.usual_ms = number(*took, "p50");
        out.longest_ms = number(*took, "max");
    }
    if (const Json* size = member(*summary, "state_size")) out.size_bytes = number(*size, "p50");
}

void read_task_managers(const std::string& body, JobShape& shape) {
    const Json answer = parse(body);
    int slots = 0, cores = 0;
    std::map<std::string, int> cores_of;  // Each task manager tells of its whole machine: hosts count once.
    for (const Json& one : array(answer, "taskmanagers")) {
        slots += small(one, "slotsNumber").value_or(0);
        const std::string path = text(one, "path");
        const auto at = path.find('@');
        const std::string host = at == std::string::npos ? path : path.substr(at, path.find(':', at) - at);
        if (const Json* hardware = member(one, "hardware"))
            cores_of[host] = std::max(cores_of[host], small(*hardware, "cpuCores").value_or(0));
    }
    for (const auto& [host, count] : cores_of) cores += count;
    if (slots > 0) shape.slots = slots;
    if (cores > 0) shape.cpu_cores = cores;
}

}  // namespace

Result<std::vector<JobName>> read_jobs(const std::string& overview) {
    const Json answer = parse(overview);
    if (member(answer, "jobs") == nullptr) return fail(ErrorCode::invalid, "/jobs/overview: no list `jobs`");
    std::vector<JobName> jobs;
    for (const Json& entry : array(answer, "jobs"))
        jobs.push_back({.id = text(entry, "jid"),
                        .name = text(entry, "name"),
                        .state = text(entry, "state"),
                        .started_ms = integer(entry, "start-time").value_or(0)});
    return jobs;
}

Result<std::vector<std::string>> vertex_ids(const std::string& job) {
    const Json answer = parse(job);
    if (member(answer, "vertices") == nullptr) return fail(ErrorCode::invalid, "/jobs/ID: no list `vertices`");
    std::vector<std::string> ids;
    for (const Json& entry : array(answer, "vertices")) ids.push_back(text(entry, "id"));
    return ids;
}

Result<JobShape> read_shape(const ShapeAnswers& answers) {
    MEDIC_TRY(const auto ids, vertex_ids(answers.job));
    const Json job = parse(answers.job);
    JobShape shape;
    shape.name = text(job, "name");
    shape.id = text(job, "jid");
    for (const Json& entry : array(job, "vertices")) {
        Vertex& vertex = shape.vertices.emplace_back();
        vertex.id = text(entry, "id");
        vertex.name = text(entry, "name");
        vertex.parallelism = small(entry, "parallelism").value_or(0);
        vertex.max_parallelism = small(entry, "maxParallelism").value_or(0);
    }
    for (std::size_t i = 0; i < shape.vertices.size() && i < answers.vertices.size(); ++i) {
        const Json details = parse(answers.vertices[i]);
        for (const Json& entry : array(details, "subtasks")) shape.vertices[i].subtasks.push_back(subtask_of(entry));
    }
    read_plan(job, shape);
    read_checkpoints(answers, shape.checkpoints);
    read_task_managers(answers.task_managers, shape);
    return shape;
}

}  // namespace medic::advice

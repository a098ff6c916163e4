// What REST says about one job: details, exceptions, vertices, metrics.
#include "engine/flow/jobmanager/rest_internal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;

template <class Names>
json counts(const Names& names, const std::map<std::string_view, int>& have) {
    json out = json::object();
    for (const std::string_view name : names) out[std::string(name)] = have.contains(name) ? have.at(name) : 0;
    return out;
}

std::optional<double> metric(const Subtask& subtask, const std::string& name) {
    const auto found = subtask.metrics.find(name);
    if (found == subtask.metrics.end()) return std::nullopt;
    return found->second;
}

// Flink's io metrics of a subtask or the sum over some; `complete` tells whether they were reported.
json io_metrics(const std::vector<const Subtask*>& subtasks) {
    json out = json::object();
    for (const auto& [key, name] :
         {std::pair{"read-bytes", "numBytesIn"}, std::pair{"write-bytes", "numBytesOut"},
          std::pair{"read-records", "numRecordsIn"}, std::pair{"write-records", "numRecordsOut"}}) {
        double sum = 0;
        bool complete = true;
        for (const Subtask* subtask : subtasks) {
            const auto value = metric(*subtask, name);
            complete = complete && value.has_value();
            sum += value.value_or(0);
        }
        out[key] = static_cast<std::int64_t>(sum);
        out[std::string(key) + "-complete"] = complete;
    }
    for (const auto& [key, name] : {std::pair{"accumulated-backpressured-time", "accumulateBackPressuredTimeMs"},
                                    std::pair{"accumulated-idle-time", "accumulateIdleTimeMs"},
                                    std::pair{"accumulated-busy-time", "accumulateBusyTimeMs"}}) {
        double sum = 0;
        for (const Subtask* subtask : subtasks) sum += metric(*subtask, name).value_or(0);
        out[key] = static_cast<std::int64_t>(sum);
    }
    return out;
}

// The state that Flink derives for a vertex from those of its subtasks.
SubtaskState vertex_state(const std::vector<Subtask>& subtasks) {
    for (const SubtaskState state :
         {SubtaskState::failed, SubtaskState::canceling, SubtaskState::canceled, SubtaskState::initializing,
          SubtaskState::running, SubtaskState::deploying, SubtaskState::scheduled, SubtaskState::created})
        if (std::any_of(subtasks.begin(), subtasks.end(), [&](const Subtask& s) { return s.state == state; }))
            return state;
    return SubtaskState::finished;
}

std::vector<const Subtask*> pointers(const std::vector<Subtask>& subtasks) {
    std::vector<const Subtask*> out;
    for (const Subtask& subtask : subtasks) out.push_back(&subtask);
    return out;
}

json exception_json(const ExceptionEntry& entry) {
    json out = {{"exceptionName", entry.exception_name},
                {"stacktrace", entry.stacktrace},
                {"timestamp", entry.at_ms},
                {"failureLabels", entry.labels},
                {"taskName", nullptr},
                {"location", nullptr},
                {"endpoint", nullptr},
                {"taskManagerId", nullptr}};
    if (!entry.task_name.empty()) out["taskName"] = entry.task_name;
    if (!entry.endpoint.empty()) out["location"] = out["endpoint"] = entry.endpoint;
    if (!entry.resource_id.empty()) out["taskManagerId"] = entry.resource_id;
    return out;
}

std::string number_text(double value) {
    return value == std::floor(value) && std::abs(value) < 1e18 ? fmt::format("{}", static_cast<std::int64_t>(value))
           : value <= -9.2e18                                   ? std::string("-9223372036854775808")
           : value >= 9.2e18                                    ? std::string("9223372036854775807")
                                                                : fmt::format("{}", value);
}

std::int64_t began(const Subtask& subtask) {
    return subtask.since_ms[static_cast<std::size_t>(SubtaskState::deploying)];
}

}  // namespace

json Rest::jobs_overview() const {
    const std::int64_t now = unix_ms_now();
    json all = json::array();
    for (const auto& [id, j] : manager_.jobs_) {
        std::map<std::string_view, int> have;
        j->each_subtask([&](int, int, const Subtask& subtask) { ++have[to_string(subtask.state)]; });
        json tasks = {{"total", j->graph.subtasks()}};
        for (const std::string_view name : subtask_state_names) {
            std::string lower(name);
            std::transform(lower.begin(), lower.end(), lower.begin(),
                           [](char c) { return static_cast<char>(c - 'A' + 'a'); });
            tasks[lower] = have.contains(name) ? have.at(name) : 0;
        }
        all.push_back({{"jid", id},
                       {"name", j->graph.name},
                       {"start-time", j->started_ms},
                       {"end-time", j->ended_ms},
                       {"duration", (j->ended_ms < 0 ? now : j->ended_ms) - j->started_ms},
                       {"state", to_string(j->state)},
                       {"last-modification", j->modified_ms},
                       {"tasks", tasks}});
    }
    return {{"jobs", all}};
}

json Rest::get_job(const HttpRequest& request, Job& job) {
    const auto& path = request.segments;
    if (path.size() == 2) return job_details(job);
    const std::string& what = path[2];
    if (what == "resource-requirements" && path.size() == 3) return resource_requirements(job);
    if (what == "plan" && path.size() == 3) return {{"plan", plan(job.id, job.graph)}};
    if (what == "exceptions") {
        const auto wanted = request.query_value("maxExceptions");
        return exceptions(job, wanted ? std::stoul(std::string(*wanted)) : 20);
    }
    if (what == "config") {
        return {
            {"jid", job.id},
            {"name", job.graph.name},
            {"execution-config",
             {{"execution-mode", "PIPELINED"},
              {"restart-strategy", job.settings.restart_attempts < 0
                                       ? fmt::format("Restart with fixed delay ({} ms). #2147483647 restart attempts.",
                                                     job.settings.restart_delay_ms)
                                       : fmt::format("Restart with fixed delay ({} ms). #{} restart attempts.",
                                                     job.settings.restart_delay_ms, job.settings.restart_attempts)},
              {"job-parallelism", job.graph.slots()},
              {"object-reuse-mode", true},
              {"user-config", job.graph.settings}}}};
    }
    if (what == "checkpoints" || what == "savepoints" || what == "stop") {
        if (path.size() == 4 && path[3] != "config" && path[3] != "details") return operation(path[3]);
        return get_checkpoints(request, job);
    }
    if (what == "metrics") {
        const auto values = job_metrics(job, unix_ms_now());
        std::vector<std::string> names;
        for (const auto& [name, value] : values) names.push_back(name);
        return metrics(names, request, [&](const std::string& name) -> std::optional<std::string> {
            const auto found = values.find(name);
            return found == values.end() ? std::nullopt : std::optional(number_text(found->second));
        });
    }
    if (what == "vertices" && path.size() >= 4) {
        for (std::size_t v = 0; v < job.graph.vertices.size(); ++v)
            if (job.graph.vertices[v].id == path[3]) return get_vertex(request, job, v);
        throw Refusal{404, "JobVertex " + path[3] + " not found."};
    }
    throw Refusal{404, "Not found: " + request.path};
}

json Rest::job_details(Job& job) const {
    const std::int64_t now = unix_ms_now();
    json timestamps = json::object(), vertices = json::array();
    for (std::size_t i = 0; i < job_state_names.size(); ++i)
        timestamps[std::string(job_state_names[i])] = job.since_ms[i];
    std::map<std::string_view, int> vertex_states;
    for (std::size_t v = 0; v < job.graph.vertices.size(); ++v) {
        const GraphVertex& vertex = job.graph.vertices[v];
        std::map<std::string_view, int> have;
        std::int64_t start = -1;
        for (const Subtask& subtask : job.subtasks[v]) {
            ++have[to_string(subtask.state)];
            if (began(subtask) > 0 && (start < 0 || began(subtask) < start)) start = began(subtask);
        }
        const SubtaskState state = vertex_state(job.subtasks[v]);
        ++vertex_states[to_string(state)];
        vertices.push_back({{"id", vertex.id},
                            {"slotSharingGroupId", hash_id(job.id)},
                            {"name", vertex.name},
                            {"maxParallelism", job.graph.max_parallelism},
                            {"parallelism", vertex.parallelism},
                            {"status", to_string(state)},
                            {"start-time", start},
                            {"end-time", job.ended_ms},
                            {"duration", start < 0 ? -1 : (job.ended_ms < 0 ? now : job.ended_ms) - start},
                            {"tasks", counts(subtask_state_names, have)},
                            {"metrics", io_metrics(pointers(job.subtasks[v]))}});
    }
    return {{"jid", job.id},
            {"name", job.graph.name},
            {"isStoppable", false},
            {"state", to_string(job.state)},
            {"job-type", "STREAMING"},
            {"start-time", job.started_ms},
            {"end-time", job.ended_ms},
            {"duration", (job.ended_ms < 0 ? now : job.ended_ms) - job.started_ms},
            {"maxParallelism", job.graph.max_parallelism},
            {"now", now},
            {"timestamps", timestamps},
            {"vertices", vertices},
            {"status-counts", counts(subtask_state_names, vertex_states)},
            {"plan", plan(job.id, job.graph)}};
}

json Rest::plan(const std::string& job_id, const JobGraph& graph) {
    json nodes = json::array();
    for (const GraphVertex& vertex : graph.vertices) {
        std::string description;
        for (const GraphOperator& op : vertex.operators)
            description += (description.empty() ? "" : "+- ") + op.name + "<br/>";
        json node = {
            {"id", vertex.id},         {"parallelism", vertex.parallelism}, {"operator", ""},
            {"operator_strategy", ""}, {"description", description},        {"optimizer_properties", json::object()}};
        if (vertex.in_edge >= 0) {
            const GraphEdge& edge = graph.edges[static_cast<std::size_t>(vertex.in_edge)];
            node["inputs"] = json::array({{{"num", 0},
                                           {"id", graph.vertices[static_cast<std::size_t>(edge.source_vertex)].id},
                                           {"ship_strategy", edge.shipping == Shipping::hash ? "HASH" : "REBALANCE"},
                                           {"exchange", "pipelined_bounded"}}});
        }
        nodes.push_back(std::move(node));
    }
    return {{"jid", job_id}, {"name", graph.name}, {"type", "STREAMING"}, {"nodes", nodes}};
}

json Rest::exceptions(const Job& job, std::size_t entries_max) const {
    json entries = json::array();
    for (const ExceptionEntry& entry : job.exceptions) {
        if (entries.size() == entries_max) break;
        json shown = exception_json(entry);
        shown["concurrentExceptions"] = json::array();
        for (const ExceptionEntry& other : entry.concurrent)
            shown["concurrentExceptions"].push_back(exception_json(other));
        entries.push_back(std::move(shown));
    }
    json root = nullptr, at = nullptr;
    if (!job.exceptions.empty()) {
        root = job.exceptions.front().stacktrace;
        at = job.exceptions.front().at_ms;
    }
    const bool truncated = job.exceptions_truncated || job.exceptions.size() > entries_max;
    return {{"root-exception", root},
            {"timestamp", at},
            {"all-exceptions", json::array()},
            {"truncated", truncated},
            {"exceptionHistory", {{"entries", entries}, {"truncated", truncated}}}};
}

json Rest::get_vertex(const HttpRequest& request, Job& job, std::size_t vertex) {
    const auto& path = request.segments;
    if (path.size() == 4) return vertex_details(job, vertex);
    const std::string& what = path[4];
    if (what == "backpressure") return backpressure(job, vertex);
    if (what == "watermarks") {
        json out = json::array();
        for (std::size_t s = 0; s < job.subtasks[vertex].size(); ++s)
            if (const auto value = metric(job.subtasks[vertex][s], "currentInputWatermark"))
                out.push_back({{"id", fmt::format("{}.currentInputWatermark", s)}, {"value", number_text(*value)}});
        return out;
    }
    if (what == "subtasks" && path.size() == 6 && path[5] == "metrics") return subtask_metrics(request, job, vertex);
    if (what == "metrics") {
        std::vector<std::string> names;
        const auto& subtasks = job.subtasks[vertex];
        for (std::size_t s = 0; s < subtasks.size(); ++s)
            for (const auto& [name, value] : subtasks[s].metrics) names.push_back(fmt::format("{}.{}", s, name));
        return metrics(names, request, [&](const std::string& name) -> std::optional<std::string> {
            const std::size_t dot = name.find('.');
            if (dot == std::string::npos || dot == 0 || name.find_first_not_of("0123456789") != dot)
                return std::nullopt;
            const std::size_t s = std::stoul(name.substr(0, dot));
            const auto value = s < subtasks.size() ? metric(subtasks[s], name.substr(dot + 1)) : std::nullopt;
            return value ? std::optional(number_text(*value)) : std::nullopt;
        });
    }
    throw Refusal{404, "Not found: " + request.path};
}

json Rest::vertex_details(const Job& job, std::size_t vertex) const {
    const std::int64_t now = unix_ms_now();
    const GraphVertex& described = job.graph.vertices[vertex];
    json subtasks = json::array();
    for (std::size_t s = 0; s < job.subtasks[vertex].size(); ++s) {
        const Subtask& subtask = job.subtasks[vertex][s];
        const std::int64_t start = began(subtask) > 0 ? began(subtask) : -1;
        const bool ended = subtask.state == SubtaskState::finished || subtask.state == SubtaskState::failed ||
                           subtask.state == SubtaskState::canceled;
        const std::int64_t end = ended ? subtask.since_ms[static_cast<std::size_t>(subtask.state)] : -1;
        json entry = {{"subtask", s},
                      {"status", to_string(subtask.state)},
                      {"attempt", std::max(0, job.attempt)},
                      {"host", "localhost"},
                      {"endpoint", subtask.endpoint.empty() ? "(unassigned)" : subtask.endpoint},
                      {"start-time", start},
                      {"start_time", start},
                      {"end-time", end},
                      {"duration", start < 0 ? 0 : (end < 0 ? now : end) - start},
                      {"metrics", io_metrics({&subtask})},
                      {"taskmanager-id", subtask.resource_id.empty() ? "(unassigned)" : subtask.resource_id}};
        subtasks.push_back(std::move(entry));
    }
    return {{"id", described.id},
            {"name", described.name},
            {"parallelism", described.parallelism},
            {"maxParallelism", job.graph.max_parallelism},
            {"now", now},
            {"subtasks", subtasks}};
}

json Rest::backpressure(const Job& job, std::size_t vertex) const {
    const auto level = [](double ratio) {
        return ratio <= 0.10 ? "ok" : ratio <= 0.5 ? "low" : "high";
    };  // JobVertexBackPressureHandler
    json subtasks = json::array();
    double worst = 0;
    for (std::size_t s = 0; s < job.subtasks[vertex].size(); ++s) {
        const Subtask& subtask = job.subtasks[vertex][s];
        const auto ratio = metric(subtask, "backPressuredTimeMsPerSecond"),
                   idle = metric(subtask, "idleTimeMsPerSecond"), busy = metric(subtask, "busyTimeMsPerSecond");
        if (!ratio || !idle || !busy) continue;
        worst = std::max(worst, *ratio / 1000);
        subtasks.push_back({{"subtask", s},
                            {"attempt-number", std::max(0, job.attempt)},
                            {"backpressureLevel", level(*ratio / 1000)},
                            {"backpressure-level", level(*ratio / 1000)},
                            {"ratio", *ratio / 1000},
                            {"idleRatio", *idle / 1000},
                            {"busyRatio", *busy / 1000}});
    }
    if (subtasks.empty())
        return {{"status", "deprecated"},
                {"backpressureLevel", nullptr},
                {"end-timestamp", nullptr},
                {"subtasks", nullptr}};
    return {{"status", "ok"},
            {"backpressureLevel", level(worst)},
            {"backpressure-level", level(worst)},
            {"end-timestamp", unix_ms_now()},
            {"subtasks", subtasks}};
}

json Rest::subtask_metrics(const HttpRequest& request, const Job& job, std::size_t vertex) const {
    std::set<std::string> names;
    for (const Subtask& subtask : job.subtasks[vertex])
        for (const auto& [name, value] : subtask.metrics) names.insert(name);
    json out = json::array();
    const auto wanted = request.query_value("get");
    if (!wanted) {
        for (const std::string& name : names) out.push_back({{"id", name}});
        return out;
    }
    for (std::string_view left = *wanted; !left.empty();) {
        const std::string name(left.substr(0, left.find(',')));
        left.remove_prefix(std::min(left.size(), name.size() + 1));
        std::vector<double> values;
        for (const Subtask& subtask : job.subtasks[vertex])
            if (const auto value = metric(subtask, name)) values.push_back(*value);
        if (values.empty()) continue;
        const double sum = std::accumulate(values.begin(), values.end(), 0.0);
        out.push_back({{"id", name},
                       {"min", *std::min_element(values.begin(), values.end())},
                       {"max", *std::max_element(values.begin(), values.end())},
                       {"avg", sum / static_cast<double>(values.size())},
                       {"sum", sum}});
    }
    return out;
}

}  // namespace medic::engine::flow

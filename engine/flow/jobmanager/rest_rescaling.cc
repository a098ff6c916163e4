// The parallelism of a running job over REST: /jobs/:id/resource-requirements (FLIP-291). No vertex runs narrower than
// its upper bound here, so lower bounds are checked and not kept.
#include "engine/flow/jobmanager/rest_internal.h"

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;

// Flink's own words, which clients know it by.
constexpr const char* other_scheduler =
    "java.lang.UnsupportedOperationException: The DefaultScheduler does not support changing the parallelism without a "
    "job restart. This feature is currently only expected to work with the AdaptiveScheduler.";

// nullopt: not 1 <= lowerBound <= upperBound.
std::optional<int> upper_bound(const json& requirements) {
    const json parallelism = requirements.is_object() ? requirements.value("parallelism", json()) : json();
    const json lower = parallelism.is_object() ? parallelism.value("lowerBound", json()) : json();
    const json upper = parallelism.is_object() ? parallelism.value("upperBound", json()) : json();
    if (!lower.is_number_integer() || !upper.is_number_integer() || lower < 1 || upper < lower) return std::nullopt;
    return upper.get<int>();
}

}  // namespace

json Rest::resource_requirements(const Job& job) const {
    if (!manager_.schedules_adaptively()) throw Refusal{500, other_scheduler};
    json out = json::object();
    for (const GraphVertex& vertex : job.graph.vertices) {
        const auto wanted = job.wanted.find(vertex.id);
        const int upper = wanted == job.wanted.end() ? vertex.parallelism : wanted->second;
        out[vertex.id] = {{"parallelism", {{"lowerBound", 1}, {"upperBound", upper}}}};
    }
    return out;
}

json Rest::put(const HttpRequest& request) {
    const auto& path = request.segments;
    if (path.size() != 3 || path[0] != "jobs" || path[2] != "resource-requirements")
        throw Refusal{404, "Not found: " + request.path};
    const json body = json::parse(request.body, nullptr, false);
    if (!body.is_object() || body.empty()) throw Refusal{400, "Request body does not specify resource requirements."};
    const JobManager::Lock lock(manager_.mutex_);
    Job& target = job(path[1]);
    if (!manager_.schedules_adaptively()) throw Refusal{500, other_scheduler};
    if (is_terminal(target.state)) throw Refusal{409, "Job " + target.id + " is in a terminal state."};
    std::map<std::string, int> parallelism;
    for (const auto& [vertex, requirements] : body.items()) {
        const auto upper = upper_bound(requirements);
        if (!upper)
            throw Refusal{400, "The parallelism of vertex " + vertex + " must have 1 <= lowerBound <= upperBound."};
        parallelism[vertex] = *upper;
    }
    for (const GraphVertex& vertex : target.graph.vertices)
        if (!parallelism.contains(vertex.id))
            throw Refusal{400, "The request is incomplete: it lacks vertex " + vertex.id + "."};
    if (const auto taken = manager_.require(target, parallelism); !taken) throw Refusal{400, taken.error().message};
    return json::object();
}

}  // namespace medic::engine::flow

#include "agent/world/real/deployment_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/base/flink_state.h"
#include "agent/base/foreign_json_internal.h"

namespace medic {
namespace {

using Json = nlohmann::json;

std::optional<std::int64_t> number(const Json& object, const char* key) {
    const Json& value = json_part(object, key);
    return value.is_number() ? std::optional(value.get<std::int64_t>()) : std::nullopt;
}

struct Vertex {
    std::string id, name;
    std::int64_t parallelism = 0, parallelism_max = 0;  // 0: not told.
    bool read_by_another = false;
};
using Vertices = std::map<std::string, Vertex>;  // By id.

// A vertex's description is HTML for Flink's own pages.
std::string plain(std::string description) {
    for (const std::string_view tag : {"<br/>", "<br>"})
        for (auto at = description.find(tag); at != std::string::npos; at = description.find(tag))
            description.replace(at, tag.size(), " ");
    while (description.ends_with(' ')) description.pop_back();
    return description;
}

Vertices planned(const Json& answer) {
    Vertices all;
    const Json& nodes = json_part(json_part(answer, "plan"), "nodes");
    if (!nodes.is_array()) return all;
    for (const Json& node : nodes)
        if (const std::string id = json_text(node, "id"); !id.empty())
            all[id] = {id, plain(json_text(node, "description")), number(node, "parallelism").value_or(0), 0, false};
    for (const Json& node : nodes)
        if (const Json& inputs = json_part(node, "inputs"); inputs.is_array())
            for (const Json& input : inputs)
                if (const auto from = all.find(json_text(input, "id")); from != all.end())
                    from->second.read_by_another = true;
    return all;
}

Vertices running(const Json& answer) {
    Vertices all;
    const Json& vertices = json_part(answer, "vertices");
    if (!vertices.is_array()) return all;
    for (const Json& vertex : vertices)
        if (const std::string id = json_text(vertex, "id"); !id.empty())
            all[id] = {id, json_text(vertex, "name"), number(vertex, "parallelism").value_or(0),
                       number(vertex, "maxParallelism").value_or(0), false};
    return all;
}

std::int64_t most_parallel(const Vertices& vertices) {
    std::int64_t most = 0;
    for (const auto& [id, vertex] : vertices) most = std::max(most, vertex.parallelism);
    return most;
}

class Judgement {
public:
    explicit Judgement(const std::set<std::string>& accepted) : accepted_(accepted) {}

    void found(const std::string& line) { lines_ += (lines_.empty() ? "" : "\n") + line; }
    void doubt(const std::string& name, const std::string& line) {
        if (accepted_.contains(name)) return found(line + " (accepted)");
        doubts_.push_back(line);
        names_.insert(name);
    }
    [[nodiscard]] Result<std::string> result() const {
        if (doubts_.empty()) return lines_;
        return fail(ErrorCode::invalid,
                    "not deployed, nothing was changed. {}; if it may go on all the same, ask again and accept {}",
                    fmt::join(doubts_, ". "), fmt::join(names_, ", "));
    }

private:
    const std::set<std::string>& accepted_;
    std::string lines_;
    std::vector<std::string> doubts_;
    std::set<std::string> names_;
};

// Flink gives a vertex its id by the uid of its first operator (or by where it stands, without one): a vertex of the
// same id takes the state. The new version is started without allowNonRestoredState, so that nothing is dropped.
void judge_state(const Vertices& now, const Vertices& next, const Json& checkpoint, Judgement& judgement) {
    if (now.empty()) return judgement.doubt("state", "state: which vertices run now is not known");
    const Json& tasks = json_part(checkpoint, "tasks");
    const bool told = tasks.is_object() && !tasks.empty();
    std::vector<std::string> taken, missing, too_wide;
    for (const auto& [id, vertex] : now) {
        const auto bytes = number(json_part(tasks, id.c_str()), "state_size");
        if (told && bytes == 0) continue;
        const std::string whose = told && bytes ? fmt::format("{} ({} bytes)", vertex.name, *bytes) : vertex.name;
        const auto heir = next.find(id);
        if (heir == next.end()) {
            missing.push_back(whose);
            continue;
        }
        taken.push_back(whose);
        if (vertex.parallelism_max > 0 && heir->second.parallelism > vertex.parallelism_max)
            too_wide.push_back(fmt::format("{}: parallelism {}, its state has {} parts", vertex.name,
                                           heir->second.parallelism, vertex.parallelism_max));
    }
    if (!told) judgement.found("state: which vertices hold some is not told; all of them are looked for");
    if (!taken.empty()) judgement.found(fmt::format("state: the new version takes that of {}", fmt::join(taken, "; ")));
    if (!missing.empty())
        judgement.doubt("state",
                        fmt::format("state: the new version has no vertex with the id of {}: Flink would refuse "
                                    "to start it, or its operators were only chained in another way",
                                    fmt::join(missing, "; ")));
    if (!too_wide.empty())
        judgement.doubt("state",
                        fmt::format("state: more subtasks than parts of state in {}", fmt::join(too_wide, "; ")));
    if (taken.empty() && missing.empty()) judgement.found("state: the running job holds none");
}

// Subtasks share slots, so that a job needs as many as its widest vertex; those of the old version are free by then.
void judge_slots(const Json& job, const Vertices& now, const Vertices& next, const Json& overview,
                 Judgement& judgement) {
    const auto free = number(overview, "slots-available");
    const std::int64_t needed = most_parallel(next);
    if (!free || needed == 0) return judgement.found("slots: how many are free, or needed, is not told");
    const std::int64_t given_back = is_terminal_job_state(json_text(job, "state")) ? 0 : most_parallel(now);
    const std::string line =
        fmt::format("slots: {} needed, {} free once the old version has stopped", needed, *free + given_back);
    if (needed > *free + given_back) return judgement.doubt("slots", line);
    judgement.found(line);
}

// Flink's two-phase sinks end in an operator that commits.
void tell_sinks(const Vertices& next, Judgement& judgement) {
    for (const auto& [id, vertex] : next) {
        if (vertex.read_by_another) continue;
        const bool commits = vertex.name.find("Committer") != std::string::npos;
        judgement.found(fmt::format(
            "sink: {}: {}", vertex.name,
            commits ? "transactional, it has a committer" : "whether it is transactional can't be seen in the plan"));
    }
}

}  // namespace

std::string newest_checkpoint_number(const std::string& checkpoints) {
    const Json answer = foreign_json(checkpoints);
    const auto id = number(json_part(json_part(answer, "latest"), "completed"), "id");
    return id ? std::to_string(*id) : "";
}

Result<std::string> judge_deployment(const DeploymentAnswers& answers, const std::set<std::string>& accepted) {
    const auto parsed = [](const std::string& body) { return foreign_json(body); };
    const Vertices next = planned(parsed(answers.plan));
    if (next.empty()) return fail(ErrorCode::invalid, "Flink's plan of the new version names no vertex");
    const Json job = parsed(answers.job);
    const Vertices now = running(job);
    Judgement judgement(accepted);
    judgement.found(fmt::format("plan: it loads, {} vertices", next.size()));
    judge_state(now, next, parsed(answers.checkpoint), judgement);
    judge_slots(job, now, next, parsed(answers.overview), judgement);
    tell_sinks(next, judgement);
    return judgement.result();
}

}  // namespace medic

// Where the time of a slow checkpoint went: which one is worth asking about, and what its subtasks tell.
#include "agent/collectors/flink/checkpoint_parts_internal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/collectors/flink/look_internal.h"

namespace medic {

namespace flink_read {

using namespace json_read;

namespace {

// One that ends sooner holds nobody up (Flink's default time-out is 10 min; usual intervals are 10 s and more).
constexpr Duration slow_min{10'000};
// One under way is looked into once it has taken so long, and the newest ones only: older trouble is over.
constexpr Duration under_way_min{30'000};
constexpr std::size_t newest_looked_at = 2;
constexpr std::size_t vertices_asked_max = 3;
constexpr std::size_t missing_named_max = 8;

struct PartName {
    std::string_view field, outer, key;
};
constexpr std::array<PartName, 6> part_names{{{"end_to_end_ms", "", "end_to_end_duration"},
                                              {"start_delay_ms", "", "start_delay"},
                                              {"alignment_ms", "alignment", "duration"},
                                              {"sync_ms", "checkpoint", "sync"},
                                              {"async_ms", "checkpoint", "async"},
                                              {"state_bytes", "", "checkpointed_size"}}};
using Parts = std::array<std::optional<double>, part_names.size()>;

struct Acknowledged {
    std::int64_t index = 0;
    Parts parts;
};

Parts parts_of(const Json& subtask) {
    Parts parts;
    for (std::size_t i = 0; i < part_names.size(); ++i) {
        const Json* from = part_names[i].outer.empty() ? &subtask : member(subtask, part_names[i].outer);
        // -1: Flink does not know (a start delay that was not measured).
        if (from != nullptr)
            if (const auto value = number(*from, part_names[i].key); value && *value >= 0) parts[i] = value;
    }
    return parts;
}

std::optional<double> median(std::vector<double> values) {
    if (values.empty()) return std::nullopt;
    std::ranges::sort(values);
    return values[values.size() / 2];
}

std::string whole(double value) { return std::to_string(static_cast<std::int64_t>(value)); }

}  // namespace

std::optional<CheckpointAsked> slow_checkpoint(const Json& answer, WallTime at) {
    std::size_t looked_at = 0;
    for (const Json& entry : array(answer, "history")) {
        if (boolean(entry, "is_savepoint").value_or(false)) continue;
        if (++looked_at > newest_looked_at) break;
        const auto id = integer(entry, "id"), began = integer(entry, "trigger_timestamp");
        const std::string status = text(entry, "status");
        if (!id || !began) continue;
        const bool under_way = status == "IN_PROGRESS";
        const auto ended =
            status == "FAILED" ? integer(entry, "failure_timestamp") : integer(entry, "latest_ack_timestamp");
        if (!under_way && !ended) continue;
        const bool expired = text(entry, "failure_message").find("expired") != std::string::npos;
        const Duration took{(under_way ? at.unix_ms : *ended) - *began};
        if (took >= (under_way ? under_way_min : slow_min))
            return CheckpointAsked{*id, status == "COMPLETED" ? "completed" : (under_way ? "in_progress" : "failed"),
                                   took, expired};
    }
    return std::nullopt;
}

std::vector<std::string> slow_vertices(const Json& details) {
    struct Slow {
        std::string id;
        bool missing = false;
        double end_to_end = 0;
    };
    std::vector<Slow> all;
    const Json* tasks = member(details, "tasks");
    if (tasks == nullptr || !tasks->is_object()) return {};
    for (const auto& [id, task] : tasks->items()) {
        const auto count = integer(task, "num_subtasks"), told = integer(task, "num_acknowledged_subtasks");
        if (count && told) all.push_back({id, *told < *count, number(task, "end_to_end_duration").value_or(0)});
    }
    std::ranges::stable_sort(all, [](const Slow& a, const Slow& b) {
        return a.missing != b.missing ? a.missing : a.end_to_end > b.end_to_end;
    });
    std::vector<std::string> ids;
    for (const Slow& one : all)
        if (ids.size() < vertices_asked_max) ids.push_back(one.id);
    return ids;
}

std::optional<std::map<std::string, std::string>> checkpoint_parts(const Json& answer) {
    std::vector<Acknowledged> told;
    std::string missing;
    std::size_t subtasks = 0, missing_count = 0;
    for (const Json& entry : array(answer, "subtasks")) {
        const auto index = integer(entry, "index");
        if (!index) continue;
        ++subtasks;
        if (integer(entry, "ack_timestamp").value_or(-1) > 0)
            told.push_back({*index, parts_of(entry)});
        else if (++missing_count <= missing_named_max)
            missing += (missing.empty() ? "" : ",") + std::to_string(*index);
    }
    if (subtasks == 0) return std::nullopt;
    std::map<std::string, std::string> fields{{"subtasks", std::to_string(subtasks)},
                                              {"acknowledged", std::to_string(told.size())}};
    if (!missing.empty()) fields["missing"] = missing;
    if (told.empty()) return fields;
    const auto slowest =
        std::ranges::max_element(told, {}, [](const Acknowledged& one) { return one.parts[0].value_or(0); });
    fields["slowest"] = std::to_string(slowest->index);
    for (std::size_t i = 0; i < part_names.size(); ++i) {
        const std::string name{part_names[i].field};
        if (slowest->parts[i]) fields[name] = whole(*slowest->parts[i]);
        std::vector<double> others;
        for (auto one = told.begin(); one != told.end(); ++one)
            if (one != slowest && one->parts[i]) others.push_back(*one->parts[i]);
        if (const auto usual = median(std::move(others))) fields["usual_" + name] = whole(*usual);
    }
    return fields;
}

void checkpoint_config(const Into& into, const Json& answer, const Job& job) {
    auto& attributes = into.observation.attributes[into.subject("job", job.name)];
    for (const auto& [name, key] :
         {std::pair{"checkpoint_interval_ms", "interval"}, {"checkpoint_timeout_ms", "timeout"}})
        // Long.MAX_VALUE: no checkpoints of its own.
        if (const auto value = integer(answer, key); value && *value > 0 && *value < 1'000'000'000'000)
            attributes[name] = std::to_string(*value);
    if (const std::string backend = text(answer, "state_backend"); !backend.empty())
        attributes["state_backend"] = backend;
    if (const auto unaligned = boolean(answer, "unaligned_checkpoints"))
        attributes["checkpoint_unaligned"] = *unaligned ? "true" : "false";
    // Flink keeps the files of a job that ends only where it is told to; by default it deletes them.
    const Json* kept = member(answer, "externalization");
    if (kept == nullptr) return;
    const auto enabled = boolean(*kept, "enabled"), deleted = boolean(*kept, "delete_on_cancellation");
    if (enabled && deleted)
        attributes["checkpoints_kept"] = !*enabled ? "never" : *deleted ? "unless-cancelled" : "always";
}

}  // namespace flink_read

using namespace flink_read;

// At the end of a look, when the vertices' names are known.
void FlinkCollector::tell_checkpoint_parts() {
    Observation& observation = look_->observation;
    for (CheckpointParts& parts : look_->checkpoint_parts) {
        const Job& job = look_->jobs[parts.job_id];
        const auto named = std::ranges::find(job.vertices, parts.vertex_id, &Vertex::id);
        if (named == job.vertices.end()) continue;
        const auto& [id, status, took, expired] = parts.checkpoint;
        parts.fields.insert({{"job_id", job.id},
                             {"checkpoint", std::to_string(id)},
                             {"status", status},
                             {"duration_ms", std::to_string(took.count())},
                             {"vertex", named->name}});
        if (expired) parts.fields["expired"] = "true";
        std::string event = options_.cluster + "/" + job.id + "/checkpoint-parts/" + std::to_string(id) + "/" +
                            named->id + "/" + (status == "in_progress" ? std::to_string(took.count()) : status);
        observation.events.push_back({.at = observation.at,
                                      .subject = {options_.cluster, "job", job.name},
                                      .kind = "checkpoint-parts",
                                      .text = "",
                                      .fields = std::move(parts.fields),
                                      .id = std::move(event)});
    }
}

}  // namespace medic

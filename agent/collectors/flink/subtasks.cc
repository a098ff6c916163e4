#include <algorithm>

#include "agent/collectors/flink/parse_internal.h"

namespace medic::flink_read {

using namespace json_read;

namespace {

std::vector<LabelPair> subtask_labels(const Into& into, const Job& job, const Vertex& vertex, std::int64_t subtask) {
    return {
        {"cluster", into.cluster}, {"job", job.name}, {"vertex", vertex.name}, {"subtask", std::to_string(subtask)}};
}

// Flink's job manager fetches counts every 10 s (metrics.fetcher.update-interval): less than this between two of them
// is one of two that lie across such a fetch.
constexpr double counted_ms_min = 1'000;
// A count that has stood for three fetches says nothing of now: a frozen task manager's stand still as well.
constexpr Duration count_fresh_within{30'000};

void take_counts(SubtaskTimes& times, const Json& metrics, std::int64_t attempt, WallTime at) {
    const auto busy = number(metrics, "accumulated-busy-time"), idle = number(metrics, "accumulated-idle-time"),
               backpressured = number(metrics, "accumulated-backpressured-time");
    // All zero: not fetched yet. Not a number: a source of the old kind, which doesn't know when it is busy.
    if (!busy || !idle || !backpressured || !std::isfinite(*busy) || *busy + *idle + *backpressured <= 0) return;
    const double busy_ms = *busy - times.busy_ms, idle_ms = *idle - times.idle_ms,
                 backpressured_ms = *backpressured - times.backpressured_ms;
    const double all_ms = busy_ms + idle_ms + backpressured_ms;
    const bool goes_on = times.attempt == attempt && busy_ms >= 0 && idle_ms >= 0 && backpressured_ms >= 0;
    if (goes_on && all_ms < counted_ms_min) return;
    SubtaskTimes next = times;
    next.attempt = attempt;
    next.busy_ms = *busy;
    next.idle_ms = *idle;
    next.backpressured_ms = *backpressured;
    next.counted = at;
    next.busy = next.idle = next.backpressured = std::nullopt;
    if (goes_on) {
        next.busy = busy_ms / all_ms;
        next.idle = idle_ms / all_ms;
        next.backpressured = backpressured_ms / all_ms;
    }
    times = next;
}

// Of another attempt the same figure is another count.
void take_records(SubtaskTimes& times, std::optional<double> in, std::optional<double> out, std::int64_t attempt,
                  WallTime at) {
    const double records = in && out ? *in + *out : -1;
    if (times.records == records && times.attempt == attempt) return;
    times.records = records;
    times.records_since = at;
}

}  // namespace

std::string subtask_key(const Vertex& vertex, std::int64_t subtask) {
    return vertex.id + '|' + std::to_string(subtask);
}

bool tell_times(const Into& into, const Job& job, const Vertex& vertex, const TimesOfSubtasks& times) {
    std::vector<const SubtaskTimes*> all;
    for (std::size_t subtask = 0; subtask < vertex.parallelism; ++subtask) {
        const auto found = times.find(subtask_key(vertex, static_cast<std::int64_t>(subtask)));
        if (found == times.end() || !found->second.busy || into.at - found->second.counted > count_fresh_within)
            return false;
        all.push_back(&found->second);
    }
    for (std::size_t subtask = 0; subtask < all.size(); ++subtask) {
        const auto labels = subtask_labels(into, job, vertex, static_cast<std::int64_t>(subtask));
        into.observation.sample("flink_subtask_backpressured_ratio", labels, *all[subtask]->backpressured);
        into.observation.sample("flink_subtask_busy_ratio", labels, *all[subtask]->busy);
        into.observation.sample("flink_subtask_idle_ratio", labels, *all[subtask]->idle);
    }
    return !all.empty();
}

void vertex(const Into& into, const Json& answer, const Job& job, const Vertex& vertex, TimesOfSubtasks& times,
            std::size_t subtasks_max) {
    std::size_t count = 0;
    for (const Json& entry : array(answer, "subtasks")) {
        const auto index = integer(entry, "subtask");
        if (!index) continue;
        if (++count > subtasks_max) {
            into.observation.lacks("vertex " + vertex.name + ": more than " + std::to_string(subtasks_max) +
                                   " subtasks");
            break;
        }
        auto labels = subtask_labels(into, job, vertex, *index);
        const std::string manager = text(entry, "taskmanager-id");
        if (!manager.empty() && manager != "(unassigned)") {
            labels.emplace_back("taskmanager", manager);
            into.observation.relations.push_back(
                {into.subject("job", job.name), "runs-on", into.subject("taskmanager", manager)});
        }
        auto state_labels = labels;
        state_labels.emplace_back("state", text(entry, "status"));
        into.states.tell(into.observation, job.name + '|' + vertex.id + '|' + std::to_string(*index),
                         "flink_subtask_state", std::move(state_labels));
        const Json* metrics = member(entry, "metrics");
        if (metrics == nullptr) continue;
        // "…-complete: false" means that Flink's own fetch has not come back yet: the figure is not known, not 0.
        const auto known = [&](const char* figure, const char* complete) -> std::optional<double> {
            if (!boolean(*metrics, complete).value_or(true)) return std::nullopt;
            return number(*metrics, figure);
        };
        const auto in = known("read-records", "read-records-complete"),
                   out = known("write-records", "write-records-complete");
        if (in) into.observation.sample("flink_subtask_records_in_total", labels, *in);
        if (out) into.observation.sample("flink_subtask_records_out_total", labels, *out);
        SubtaskTimes& of_it = times[subtask_key(vertex, *index)];
        of_it.task_manager = manager == "(unassigned)" ? "" : manager;
        const std::int64_t attempt = integer(entry, "attempt").value_or(0);
        take_records(of_it, in, out, attempt, into.at);
        take_counts(of_it, *metrics, attempt, into.at);
    }
}

void backpressure(const Into& into, const Json& answer, const Job& job, const Vertex& vertex) {
    if (text(answer, "status") == "deprecated")
        return;  // Older than what it should be: Flink answers so before its first sample.
    for (const Json& entry : array(answer, "subtasks")) {
        const auto index = integer(entry, "subtask");
        if (!index) continue;
        const auto labels = subtask_labels(into, job, vertex, *index);
        const auto put = [&](const char* name, const char* key) {
            if (const auto ratio = number(entry, key); ratio && std::isfinite(*ratio))
                into.observation.sample(name, labels, std::clamp(*ratio, 0.0, 1.0));
        };
        put("flink_subtask_backpressured_ratio", "ratio");
        put("flink_subtask_busy_ratio", "busyRatio");
        put("flink_subtask_idle_ratio", "idleRatio");
    }
}

Watermarks watermarks(const Into& into, const Json& answer, const Job& job, const Vertex& vertex) {
    if (!answer.is_array()) return {};
    Watermarks told;
    for (const Json& entry : answer) {
        const std::string id = text(entry, "id");  // "3.currentInputWatermark"
        const auto value = number_in_text(text(entry, "value"));
        const auto dot = id.find('.');
        if (!value || dot == std::string::npos) continue;
        // Long.MIN_VALUE: no watermark yet. Long.MAX_VALUE: the input has ended.
        constexpr double none = -9e18, ended = 9e18;
        if (*value < none) ++told.without;
        if (*value < none || *value > ended) continue;
        const auto subtask = number_in_text(id.substr(0, dot));
        if (!subtask) continue;
        into.observation.sample("flink_subtask_watermark_timestamp_seconds",
                                subtask_labels(into, job, vertex, static_cast<std::int64_t>(*subtask)), *value / 1000);
        told.lowest_ms = std::min(told.lowest_ms.value_or(*value), *value);
    }
    if (told.without > 0) told.lowest_ms.reset();
    return told;
}

}  // namespace medic::flink_read

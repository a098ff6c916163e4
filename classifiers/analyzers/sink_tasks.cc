#include "classifiers/analyzers/sink_tasks.h"

#include <set>

namespace medic::analyzers {
namespace {

// A worker that is silent tells nothing any more: what it said before that counts.
constexpr Duration remembered{10 * 60'000};
constexpr std::size_t tasks_max = 200;  // Of one worker: the rest waits for the end of its session.

bool ran(const Lookup& lookup, SeriesId state) {
    const auto last = lookup.history(state, remembered);
    return !last.empty() && last.back().value == 1;
}

}  // namespace

std::string sink_tasks_of(const Lookup& lookup, std::string_view cluster, std::string_view worker) {
    std::set<std::string> tasks;
    for (const SeriesId series : lookup.select("connect_task_state", {{"cluster", cluster}, {"worker", worker}})) {
        const std::string connector = lookup.label(series, "connector"), group = "connect-" + connector;
        if (lookup.select("kafka_group_members", {{"cluster", cluster}, {"group", group}}).empty()) continue;
        if (tasks.size() < tasks_max && ran(lookup, series))
            tasks.insert(connector + "/" + lookup.label(series, "task"));
    }
    std::string text;
    for (const std::string& task : tasks) text += (text.empty() ? "" : ",") + task;
    return text;
}

}  // namespace medic::analyzers

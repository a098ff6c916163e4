#include "remediations/remedies/dead_consumers.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "agent/store/connect_words.h"
#include "remediations/remedies/parts.h"

namespace medic::remedies {
namespace {

struct SinkTask {
    std::string connector, number;

    // Unless the connector's settings say otherwise: then nobody there is called so.
    [[nodiscard]] std::string group() const { return fmt::format("connect-{}", connector); }
    [[nodiscard]] std::string consumer() const { return fmt::format("connector-consumer-{}-{}", connector, number); }
};

// Where tasks must still be told to run: what calls itself as a dead consumer did is otherwise a living one's.
struct Place {
    std::string worker;
    bool only_worker = false;  // No other could run them, so that its silence is no reason for doubt.

    [[nodiscard]] std::vector<std::string> as_told() const {
        return only_worker ? std::vector{worker, std::string(no_worker_answers)} : std::vector{worker};
    }
};

std::vector<SinkTask> sink_tasks(const Diagnosis& diagnosis) {
    const std::string text = parameter(diagnosis, "sink_tasks").value_or("");
    std::vector<SinkTask> tasks;
    for (const std::string_view task : split(text, ',')) {
        const auto slash = task.rfind('/');
        if (slash == std::string_view::npos) continue;
        tasks.push_back({std::string(task.substr(0, slash)), std::string(task.substr(slash + 1))});
    }
    return tasks;
}

FactKey place_of(const Diagnosis& diagnosis, const SinkTask& task) {
    return runs_on_key(subject_in(diagnosis, "connector-task", fmt::format("{}/{}", task.connector, task.number)));
}

bool is_only_worker(const PlanningView& view) {
    return std::ranges::count(view.cluster.nodes, "connect-worker", &NodeInfo::role) <= 1;
}

// Told to run on another worker: that one's consumer lives.
bool is_elsewhere(const Diagnosis& diagnosis, const PlanningView& view, const SinkTask& task, const Place& place) {
    const Fact* told = view.fact(place_of(diagnosis, task));
    return told != nullptr && told->text != place.worker && told->text != no_worker_answers;
}

FactKey members_of(const Diagnosis& diagnosis, const std::string& group) {
    return {subject_in(diagnosis, "group", group), "kafka_group_members"};
}

// They may move while the step waits for its turn or for a person. Where nobody has told yet of tasks that only one
// worker could run, that its process is gone says enough.
std::vector<Condition> still_there(const Diagnosis& diagnosis, const PlanningView& view,
                                   const std::vector<SinkTask>& tasks, const Place& place) {
    std::vector<Condition> conditions;
    for (const SinkTask& task : tasks) {
        const FactKey key = place_of(diagnosis, task);
        if (place.only_worker && view.fact(key) == nullptr) continue;
        conditions.push_back(text_in(key.subject, key.name, place.as_told()));
    }
    return conditions;
}

// nullopt: no group is known to hold any of them.
std::optional<Step> removal_of(const Diagnosis& diagnosis, const PlanningView& view, std::vector<SinkTask> tasks,
                               const Place& place) {
    constexpr Duration within{5'000};
    std::erase_if(tasks, [&](const SinkTask& task) { return is_elsewhere(diagnosis, view, task, place); });
    std::map<std::string, std::vector<SinkTask>> by_group;
    for (SinkTask& task : tasks) by_group[task.group()].push_back(std::move(task));
    RemoveGroupMembers removal;
    std::vector<Condition> removed, there;
    for (const auto& [group, mine] : by_group) {
        const FactKey key = members_of(diagnosis, group);
        const Fact* members = view.fact(key);
        if (members == nullptr || !members->value || *members->value <= 0) continue;
        const double left = std::max(0.0, *members->value - static_cast<double>(mine.size()));
        removed.push_back(at_most(key.subject, key.name, left));
        removal.of.push_back({group, {}});
        for (const SinkTask& task : mine) removal.of.back().client_ids.push_back(task.consumer());
        std::ranges::move(still_there(diagnosis, view, mine, place), std::back_inserter(there));
    }
    if (removed.empty()) return std::nullopt;
    Step step{.subject = diagnosis.subject, .text = "", .operation = std::move(removal)};
    step.idempotent = true;
    step.optional = true;
    step.timeout = within;
    step.precondition = std::move(there);
    step.skip_if = removed;
    step.done = removed;
    step.expectation = {.all = removed, .within = within};
    step.undo = "nothing to undo: who lives joins its group again by itself";
    step.risk = Risk::reversible;
    return step;
}

}  // namespace

std::vector<FactKey> dead_consumer_facts(const Diagnosis& diagnosis) {
    std::set<FactKey> keys;
    for (const SinkTask& task : sink_tasks(diagnosis)) {
        keys.insert(members_of(diagnosis, task.group()));
        keys.insert(place_of(diagnosis, task));
    }
    return {keys.begin(), keys.end()};
}

std::optional<Step> remove_dead_consumers(const Diagnosis& diagnosis, const PlanningView& view, const Subject& node) {
    const auto worker = parameter(diagnosis, "worker");
    if (!worker) return std::nullopt;
    auto step =
        removal_of(diagnosis, view, sink_tasks(diagnosis), {.worker = *worker, .only_worker = is_only_worker(view)});
    if (!step) return std::nullopt;
    step->text = fmt::format("take its dead consumers out of {} groups",
                             std::get<RemoveGroupMembers>(step->operation).of.size());
    step->precondition.insert(step->precondition.begin(), equals(node, "process_up", 0));
    return step;
}

std::vector<FactKey> stuck_consumer_facts(const Diagnosis& diagnosis, const StuckTask& stuck) {
    const SinkTask task{stuck.connector, std::to_string(stuck.task)};
    return {members_of(diagnosis, task.group()), place_of(diagnosis, task)};
}

std::optional<Step> remove_stuck_consumer(const Diagnosis& diagnosis, const PlanningView& view,
                                          const StuckTask& stuck) {
    if (stuck.worker.empty()) return std::nullopt;
    const SinkTask task{stuck.connector, std::to_string(stuck.task)};
    auto step = removal_of(diagnosis, view, {task}, {.worker = stuck.worker});
    if (!step) return std::nullopt;
    step->text = fmt::format("take the consumer that hangs out of group {}", task.group());
    step->precondition.insert(step->precondition.begin(), text_in(stuck.subject, "connect_task_state", {"RUNNING"}));
    return step;
}

}  // namespace medic::remedies

#include "remediations/remedies/dead_consumers.h"

#include <algorithm>
#include <map>

#include "remediations/remedies/parts.h"

namespace medic::remedies {
namespace {

using ConsumersByGroup = std::map<std::string, std::vector<std::string>>;

// Unless the connector's settings say otherwise: then nobody there is called so.
std::string group_of(std::string_view connector) { return fmt::format("connect-{}", connector); }
std::string consumer_of(std::string_view connector, std::string_view task) {
    return fmt::format("connector-consumer-{}-{}", connector, task);
}

ConsumersByGroup consumers_by_group(const Diagnosis& diagnosis) {
    const std::string tasks = parameter(diagnosis, "sink_tasks").value_or("");
    ConsumersByGroup consumers;
    for (const std::string_view task : split(tasks, ',')) {
        const auto slash = task.rfind('/');
        if (slash == std::string_view::npos) continue;
        const std::string_view connector = task.substr(0, slash);
        consumers[group_of(connector)].push_back(consumer_of(connector, task.substr(slash + 1)));
    }
    return consumers;
}

FactKey members_of(const Diagnosis& diagnosis, const std::string& group) {
    return {subject_in(diagnosis, "group", group), "kafka_group_members"};
}

// nullopt: no group is known to hold any of them.
std::optional<Step> removal_of(const Diagnosis& diagnosis, const PlanningView& view,
                               const ConsumersByGroup& consumers) {
    constexpr Duration within{5'000};
    RemoveGroupMembers removal;
    std::vector<Condition> removed;
    for (const auto& [group, ids] : consumers) {
        const FactKey key = members_of(diagnosis, group);
        const Fact* members = view.fact(key);
        if (members == nullptr || !members->value || *members->value <= 0) continue;
        const double left = std::max(0.0, *members->value - static_cast<double>(ids.size()));
        removed.push_back(at_most(key.subject, key.name, left));
        removal.of.push_back({group, ids});
    }
    if (removed.empty()) return std::nullopt;
    Step step{.subject = diagnosis.subject, .text = "", .operation = std::move(removal)};
    step.idempotent = true;
    step.optional = true;
    step.timeout = within;
    step.skip_if = removed;
    step.done = removed;
    step.expectation = {.all = removed, .within = within};
    step.undo = "nothing to undo: who lives joins its group again by itself";
    step.risk = Risk::reversible;
    return step;
}

}  // namespace

std::vector<FactKey> dead_consumer_facts(const Diagnosis& diagnosis) {
    std::vector<FactKey> keys;
    for (const auto& [group, ids] : consumers_by_group(diagnosis)) keys.push_back(members_of(diagnosis, group));
    return keys;
}

std::optional<Step> remove_dead_consumers(const Diagnosis& diagnosis, const PlanningView& view, const Subject& node) {
    const ConsumersByGroup consumers = consumers_by_group(diagnosis);
    auto step = removal_of(diagnosis, view, consumers);
    if (!step) return std::nullopt;
    step->text = fmt::format("take its dead consumers out of {} groups",
                             std::get<RemoveGroupMembers>(step->operation).of.size());
    step->precondition = {equals(node, "process_up", 0)};
    return step;
}

FactKey sink_group_members(const Diagnosis& diagnosis, const std::string& connector) {
    return members_of(diagnosis, group_of(connector));
}

std::optional<Step> remove_stuck_consumer(const Diagnosis& diagnosis, const PlanningView& view,
                                          const StuckTask& stuck) {
    const std::string group = group_of(stuck.connector);
    auto step = removal_of(diagnosis, view, {{group, {consumer_of(stuck.connector, std::to_string(stuck.task))}}});
    if (!step) return std::nullopt;
    step->text = fmt::format("take the consumer that hangs out of group {}", group);
    step->precondition = {text_in(stuck.subject, "connect_task_state", {"RUNNING"})};
    return step;
}

}  // namespace medic::remedies

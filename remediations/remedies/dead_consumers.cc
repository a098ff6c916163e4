#include "remediations/remedies/dead_consumers.h"

#include <algorithm>
#include <map>

#include "remediations/remedies/parts.h"

namespace medic::remedies {
namespace {

// What its sink tasks call themselves in the group of their connector, unless the connector's settings say otherwise:
// then nobody there is called so.
std::map<std::string, std::vector<std::string>> consumers_by_group(const Diagnosis& diagnosis) {
    const std::string tasks = parameter(diagnosis, "sink_tasks").value_or("");
    std::map<std::string, std::vector<std::string>> consumers;
    for (const std::string_view task : split(tasks, ',')) {
        const auto slash = task.rfind('/');
        if (slash == std::string_view::npos) continue;
        const std::string connector(task.substr(0, slash));
        consumers["connect-" + connector].push_back(
            fmt::format("connector-consumer-{}-{}", connector, task.substr(slash + 1)));
    }
    return consumers;
}

FactKey members_of(const Diagnosis& diagnosis, const std::string& group) {
    return {subject_in(diagnosis, "group", group), "kafka_group_members"};
}

}  // namespace

std::vector<FactKey> dead_consumer_facts(const Diagnosis& diagnosis) {
    std::vector<FactKey> keys;
    for (const auto& [group, ids] : consumers_by_group(diagnosis)) keys.push_back(members_of(diagnosis, group));
    return keys;
}

std::optional<Step> remove_dead_consumers(const Diagnosis& diagnosis, const PlanningView& view, const Subject& node) {
    constexpr Duration within{5'000};
    RemoveGroupMembers removal;
    std::vector<Condition> removed;
    for (const auto& [group, ids] : consumers_by_group(diagnosis)) {
        const FactKey key = members_of(diagnosis, group);
        const Fact* members = view.fact(key);
        if (members == nullptr || !members->value || *members->value <= 0) continue;
        const double left = std::max(0.0, *members->value - static_cast<double>(ids.size()));
        removed.push_back(at_most(key.subject, key.name, left));
        removal.of.push_back({group, ids});
    }
    if (removed.empty()) return std::nullopt;
    Step step{.subject = diagnosis.subject,
              .text = fmt::format("take its dead consumers out of {} groups", removal.of.size()),
              .operation = std::move(removal)};
    step.idempotent = true;
    step.optional = true;
    step.timeout = within;
    step.precondition = {equals(node, "process_up", 0)};
    step.skip_if = removed;
    step.done = removed;
    step.expectation = {.all = removed, .within = within};
    step.undo = "nothing to undo: who lives joins its group again by itself";
    step.risk = Risk::reversible;
    return step;
}

}  // namespace medic::remedies

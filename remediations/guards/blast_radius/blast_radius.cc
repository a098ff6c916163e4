#include <algorithm>
#include <ranges>
#include <set>

#include <fmt/format.h>

#include "remediations/guards/guard.h"

// Each plan by itself may be right and all of them together an outage. Of one role, only so many nodes are taken out of
// service within a window, not in two zones at once, and none that works when too few others do. Only what ends a
// process counts: a node that is dead already is replaced without taking anything away, and so is one that is known to
// serve nobody (a task manager whose job manager has forgotten its jobs and does not know it either).
namespace medic::guards::blast_radius {
namespace {

Refusal wait(std::string why) { return {"blast-radius", std::move(why), Refusal::Kind::wait, {}}; }
Refusal ask(std::string why, std::optional<WallTime> until = {}) {
    return {"blast-radius", std::move(why), Refusal::Kind::needs_approval, until};
}

std::optional<Refusal> too_many(const GuardQuestion& question, const TakenAway& taking) {
    const BlastRadius& limits = question.policy.limits.blast_radius;
    std::vector<WallTime> taken;  // Each node counts once, with its last time.
    std::string names;
    for (const RoleNode& node : taking.nodes) {
        if (node.name == taking.node || node.brought_back) continue;
        if (!node.taken_at || question.now - *node.taken_at >= limits.window) continue;
        taken.push_back(*node.taken_at);
        names += (names.empty() ? "" : ", ") + node.name;
    }
    const auto share = taking.nodes.size() * static_cast<std::size_t>(limits.share_percent) / 100;
    const auto most = std::max<std::size_t>(1, std::min(share, static_cast<std::size_t>(limits.nodes)));
    if (taken.size() < most) return std::nullopt;
    std::ranges::sort(taken);
    return ask(fmt::format("{} of {} {} nodes were taken out of service within {} s ({}); the policy allows {}",
                           taken.size(), taking.nodes.size(), taking.role, limits.window.count() / 1000, names, most),
               taken[taken.size() - most] + limits.window);
}

std::optional<Refusal> too_wide(const GuardQuestion& question, const TakenAway& taking, const std::string& zone) {
    if (zone.empty()) return std::nullopt;
    std::set<std::string> zones{zone};
    for (const RoleNode& node : taking.nodes)
        if (node.name != taking.node && node.taken_at && node.up != true && !node.zone.empty()) zones.insert(node.zone);
    if (zones.size() <= static_cast<std::size_t>(question.policy.limits.blast_radius.zones)) return std::nullopt;
    std::string names;
    for (const auto& name : zones) names += (names.empty() ? "" : ", ") + name;
    return ask(fmt::format("then {} nodes that were taken out of service would be missing in the zones {}", taking.role,
                           names));
}

// A patient serves nobody; whoever else is taken works, and is missed.
std::optional<Refusal> too_few_left(const GuardQuestion& question, const TakenAway& taking) {
    if (taking.patient) return std::nullopt;
    std::size_t others = 0, in_service = 0;
    for (const RoleNode& node : taking.nodes) {
        if (node.name == taking.node || node.spare) continue;
        ++others;
        if (node.up == true) ++in_service;
    }
    const auto wanted = std::min(others, static_cast<std::size_t>(question.policy.limits.blast_radius.healthy_min));
    if (in_service >= wanted) return std::nullopt;
    return ask(fmt::format("{} works, and only {} of the {} other {} nodes are known to be in service; {} must be",
                           taking.node, in_service, others, taking.role, wanted));
}

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.takes_away || question.undo) return std::nullopt;
    const TakenAway& taking = *question.takes_away;
    if (!question.history_complete) return wait("which nodes were taken out of service lately is not known");
    const auto target = std::ranges::find(taking.nodes, taking.node, &RoleNode::name);
    if (taking.role.empty() || target == taking.nodes.end())
        return wait("what runs on " + taking.node + " is not known: it is not listed under the cluster's nodes");
    if (target->up == false || is_approved(question)) return std::nullopt;
    if (question.step.serves_nobody && !question.step.precondition.empty() && question.precondition.empty())
        return std::nullopt;
    if (auto refusal = too_many(question, taking)) return refusal;
    if (auto refusal = too_wide(question, taking, target->zone)) return refusal;
    return too_few_left(question, taking);
}

}  // namespace

Guard descriptor() { return {"blast-radius", "nodes of one role out of service at once", object}; }

}  // namespace medic::guards::blast_radius

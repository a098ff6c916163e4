// What people ask for beyond healing: a roll. It is an incident of its own, so that guards, journal, pause,
// verification and escalation are the same as for a fault. Nothing is wrong, so no report names it: it counts as
// reported until its plan has ended or a person must go on with it.
#include <algorithm>

#include <fmt/ranges.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"
#include "remediations/planning/node_roles.h"

namespace medic {
namespace {

Diagnosis roll_of(const OperatorCommand& command, const std::vector<std::string>& nodes, WallTime now) {
    Diagnosis wish;
    wish.cause = std::string(roll_cause);
    wish.side = Side::system;
    wish.owner = command.by;
    wish.subject = {command.target, "role", command.role};
    wish.since = now;
    wish.confidence = 1;
    wish.summary = fmt::format("roll of {} ({}), asked for by {}{}", command.role, fmt::join(nodes, ", "), command.by,
                               command.reason.empty() ? "" : ": " + command.reason);
    wish.remedies = {"node.roll"};
    wish.facts = {{"role", command.role}, {"nodes", fmt::format("{}", fmt::join(nodes, ","))}};
    return wish;
}

}  // namespace

Result<std::vector<std::string>> nodes_to_roll(const ClusterInfo& cluster, const std::string& role,
                                               const std::vector<std::string>& wanted) {
    if (node_role(role) == nullptr)
        return fail(ErrorCode::invalid, "role: expected broker, connect-worker or taskmanager, got `{}`", role);
    std::vector<std::string> names;
    for (const NodeInfo& node : cluster.nodes) {
        const bool named = std::ranges::find(wanted, node.name) != wanted.end();
        if (node.role != role || (wanted.empty() ? node.spare : !named)) continue;
        if (!node.can_stop || !node.can_start)
            return fail(ErrorCode::invalid, "node {} has no driver with `stop` and `start`", node.name);
        names.push_back(node.name);
    }
    for (const auto& name : wanted)
        if (std::ranges::find(names, name) == names.end())
            return fail(ErrorCode::invalid, "{} is no {} among the nodes of cluster {}", name, role, cluster.name);
    if (names.empty()) return fail(ErrorCode::invalid, "cluster {} lists no {} under `nodes`", cluster.name, role);
    if (names.size() > roll_nodes_max)
        return fail(ErrorCode::invalid, "{} nodes at once: expected at most {}; name them in parts", names.size(),
                    roll_nodes_max);
    return names;
}

void Loop::State::roll(const OperatorCommand& command) {
    const auto answer = [&](std::string text) {
        effects.notifications.push_back({{}, command.target, {}, Notification::Kind::answer, std::move(text), now});
    };
    const auto cluster = std::ranges::find(options.clusters, command.target, &ClusterInfo::name);
    if (cluster == options.clusters.end()) return answer("no cluster is called " + command.target);
    const auto nodes = nodes_to_roll(*cluster, command.role, command.nodes);
    if (!nodes) return answer(nodes.error().message);
    for (const auto& [number, other] : open)
        if (other.cluster == command.target && other.diagnosis.cause == roll_cause && !other.ended())
            return answer(fmt::format("{} is not over: {}", other.id, other.diagnosis.summary));
    Incident* incident = open_incident(roll_of(command, *nodes, now));
    if (incident == nullptr) return answer("too many incidents are open");
    incident->requested_by = incident->approved_by = command.by;
    incident->approved_at = now;
    decide_on(*incident, "request", "roll", incident->diagnosis.summary);
}

void Loop::State::keep_requests_alive(std::set<CauseKey>& reported) {
    for (auto& [number, incident] : open) {
        if (incident.requested_by.empty() || incident.ended() || incident.state == IncidentState::healed ||
            incident.state == IncidentState::escalated)
            continue;
        incident.last_reported_at = now;
        reported.insert(key_of(incident.diagnosis));
        present.emplace(key_of(incident.diagnosis), incident.opened_at);
    }
}

// As what its nodes' work is known to others; also of those that are done, for as long as the plan goes on.
void Loop::State::want_what_runs_there(const Incident& incident) {
    if (incident.requested_by.empty()) return;
    for (const auto& step : incident.steps())
        if (const std::string* node = taken_node(step.operation))
            for (const NodeRole& role : node_roles) want({{incident.cluster, "node", *node}, std::string(role.kind)});
}

// A node that we have stopped in good order is seen as somebody's planned work, and is ours: for as long as a request
// lasts that stops one after the other, and else where it was seen to go right after we had sent for it.
bool Loop::State::is_own_work(const Incident& incident, const OperationUnderWay& operation) const {
    constexpr Duration clocks_differ{5'000}, seen_within{60'000};
    return std::ranges::any_of(history, [&](const PastAttempt& past) {
        if (!past.took_node || past.not_done) return false;
        const bool asked_for = past.incident == incident.id && !incident.requested_by.empty();
        const Duration after = operation.since - past.at;
        if (!asked_for && (after < -clocks_differ || after > seen_within)) return false;
        if (operation.subject == past.target) return true;
        const Fact* runs = book.latest({past.target, operation.subject.kind});
        return runs != nullptr && runs->text == operation.subject.name;
    });
}

}  // namespace medic

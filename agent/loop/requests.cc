// What people ask for beyond healing: a roll, a deployment. It is an incident of its own, so that guards, journal,
// pause, verification and escalation are the same as for a fault. Nothing is wrong, so no report names it: it counts as
// reported until its plan has ended or a person must go on with it.
#include <algorithm>

#include <fmt/ranges.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"
#include "remediations/planning/deployment.h"
#include "remediations/planning/node_roles.h"

namespace medic {
namespace {

Diagnosis wish_of(const OperatorCommand& command, std::string_view cause, WallTime now) {
    Diagnosis wish;
    wish.cause = std::string(cause);
    wish.side = Side::system;
    wish.owner = command.by;
    wish.since = now;
    wish.confidence = 1;
    return wish;
}

Diagnosis roll_of(const OperatorCommand& command, const std::vector<std::string>& nodes, WallTime now) {
    Diagnosis wish = wish_of(command, roll_cause, now);
    wish.subject = {command.target, "role", command.role};
    wish.summary = fmt::format("{} of {} ({}), asked for by {}{}",
                               command.deployment.dry_run ? "dry run of a roll" : "roll", command.role,
                               fmt::join(nodes, ", "), command.by, command.reason.empty() ? "" : ": " + command.reason);
    wish.remedies = {"node.roll"};
    wish.facts = {{"role", command.role}, {"nodes", fmt::format("{}", fmt::join(nodes, ","))}};
    if (command.deployment.dry_run) wish.facts["dry_run"] = "true";
    return wish;
}

Diagnosis deployment_of(const OperatorCommand& command, WallTime now) {
    const DeploymentWish& asked = command.deployment;
    Diagnosis wish = wish_of(command, deploy_cause, now);
    wish.subject = {command.target, "job", asked.job};
    wish.summary = fmt::format("{} of version {} of {}, asked for by {}: {}",
                               asked.dry_run ? "dry run of a deployment" : "deployment", asked.version, asked.job,
                               command.by, command.reason);
    wish.remedies = {"flink.deploy"};
    wish.facts = {{"job", asked.job}, {"version", asked.version}};
    if (!asked.from.empty()) wish.facts["from"] = asked.from;
    if (!asked.accept.empty()) wish.facts["accept"] = fmt::format("{}", fmt::join(asked.accept, ","));
    if (asked.dry_run) wish.facts["dry_run"] = "true";
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
        if (node.role != role || (wanted.empty() ? node.spare || !node.cordoned.empty() : !named)) continue;
        if (!node.cordoned.empty())
            return fail(ErrorCode::invalid, "node {} is kept out of use by {}: it would not be started again",
                        node.name, node.cordoned);
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

Status deployment_to_make(const ClusterInfo& cluster, const DeploymentWish& wish) {
    const auto known = std::ranges::find(cluster.deployments, wish.job, &DeploymentInfo::job);
    if (known == cluster.deployments.end())
        return fail(ErrorCode::invalid, "cluster {} has no deployment of job `{}`", cluster.name, wish.job);
    if (std::ranges::find(known->versions, wish.version) == known->versions.end())
        return fail(ErrorCode::invalid, "job {} has no version `{}`; known are {}", wish.job, wish.version,
                    fmt::join(known->versions, ", "));
    if (!wish.from.empty() && std::ranges::find(known->versions, wish.from) == known->versions.end())
        return fail(ErrorCode::invalid, "from: job {} has no version `{}`", wish.job, wish.from);
    if (known->savepoints.empty())
        return fail(ErrorCode::invalid, "the deployment of job {} names no folder for `savepoints`", wish.job);
    for (const std::string& doubt : wish.accept)
        if (std::ranges::find(deployment_doubts, doubt) == deployment_doubts.end())
            return fail(ErrorCode::invalid, "accept: expected any of {}, got `{}`", fmt::join(deployment_doubts, ", "),
                        doubt);
    return {};
}

bool is_request_under_way(const Incident& incident, std::string_view cluster, std::string_view cause) {
    return incident.cluster == cluster && incident.diagnosis.cause == cause && !incident.requested_by.empty() &&
           !incident.ended() && incident.state != IncidentState::healed && incident.state != IncidentState::escalated;
}

std::string already_asked(const Incident& incident, WallTime now) {
    return fmt::format(
        "{} is under way since {} s ago, {}: {}. Only one of a kind runs in a cluster: see how far it is with `medic "
        "incidents {}` and ask again when it has ended, or end it after the step at hand with `medic actions stop {}`",
        incident.id, std::max<std::int64_t>(0, (now - incident.noticed_at).count() / 1'000), to_string(incident.state),
        incident.diagnosis.summary, incident.id, incident.id);
}

void Loop::State::answer(const OperatorCommand& command, std::string text) {
    effects.notifications.push_back({{}, command.target, {}, Notification::Kind::answer, std::move(text), now});
}

// nullptr: there is none, and that was said.
const ClusterInfo* Loop::State::asked_cluster(const OperatorCommand& command) {
    const auto found = std::ranges::find(options.clusters, command.target, &ClusterInfo::name);
    if (found != options.clusters.end()) return &*found;
    answer(command, "no cluster is called " + command.target);
    return nullptr;
}

// One of a kind at a time. One that is done, or waits for a person, does nothing more: what mends it may be asked for.
void Loop::State::open_request(const OperatorCommand& command, const Diagnosis& wish) {
    for (const auto& [number, other] : open)
        if (is_request_under_way(other, command.target, wish.cause)) return answer(command, already_asked(other, now));
    Incident* incident = open_incident(wish);
    if (incident == nullptr) return answer(command, "too many incidents are open");
    incident->requested_by = incident->approved_by = command.by;
    incident->approved_at = now;
    decide_on(*incident, "request", wish.cause.substr(wish.cause.find('.') + 1), wish.summary);
}

void Loop::State::roll(const OperatorCommand& command) {
    const ClusterInfo* cluster = asked_cluster(command);
    if (cluster == nullptr) return;
    const auto nodes = nodes_to_roll(with_cordons(*cluster, cordons), command.role, command.nodes);
    if (!nodes) return answer(command, nodes.error().message);
    open_request(command, roll_of(command, *nodes, now));
}

void Loop::State::deploy(const OperatorCommand& command) {
    const ClusterInfo* cluster = asked_cluster(command);
    if (cluster == nullptr) return;
    if (const Status good = deployment_to_make(*cluster, command.deployment); !good)
        return answer(command, good.error().message);
    open_request(command, deployment_of(command, now));
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

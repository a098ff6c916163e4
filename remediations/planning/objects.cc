#include "remediations/planning/objects.h"

#include <algorithm>

namespace medic {
namespace {

template <class... Fs>
struct Overload : Fs... {
    using Fs::operator()...;
};

using List = std::vector<ReachedObject>;

// "2:/data" is a log directory of broker 2.
std::string broker_of(const Subject& subject) { return subject.name.substr(0, subject.name.find(':')); }

// A job that is ended to be started again stays defined as it was; one that is only ended does not.
bool stays_ended(std::span<const Step> from) {
    return ended_job(from.front().operation) != nullptr && std::ranges::none_of(from.subspan(1), [](const Step& later) {
               return std::holds_alternative<StartDeployment>(later.operation);
           });
}

List topics_of(const auto& partitions, bool defines) {
    List all;
    for (const auto& one : partitions) {
        const std::string object = "topic:" + one.topic;
        if (std::ranges::find(all, object, &ReachedObject::object) == all.end()) all.push_back({object, defines});
    }
    return all;
}

void add(std::vector<std::string>& all, std::string object) {
    if (std::ranges::find(all, object) == all.end()) all.push_back(std::move(object));
}

}  // namespace

std::string policy_object(const Subject& subject) { return subject.kind + ":" + subject.name; }

std::string_view object_kind(std::string_view object) { return object.substr(0, object.find(':')); }

const std::string& reached_job(const Step& step) { return step.job.kind.empty() ? step.subject.name : step.job.name; }

std::vector<ReachedObject> reached_objects(std::span<const Step> from) {
    const Step& step = from.front();
    const std::string job = "job:" + reached_job(step);
    return std::visit(
        Overload{[](const StartNode& op) { return List{{"node:" + op.node, false}}; },
                 [](const StopNode& op) { return List{{"node:" + op.node, false}}; },
                 [](const KillNode& op) { return List{{"node:" + op.node, false}}; },
                 [](const KillConnectorTask& op) { return List{{"connector:" + op.connector, false}}; },
                 [&](const GrowStorage&) { return List{{"broker:" + broker_of(step.subject), true}}; },
                 [](const RestartConnectorTask& op) { return List{{"connector:" + op.connector, false}}; },
                 [](const RestartConnector& op) { return List{{"connector:" + op.connector, false}}; },
                 [](const PauseConnector& op) { return List{{"connector:" + op.connector, true}}; },
                 [](const ResumeConnector& op) { return List{{"connector:" + op.connector, true}}; },
                 [&](const CancelJob&) { return List{{job, stays_ended(from)}}; },
                 [&](const StopJobWithSavepoint&) { return List{{job, stays_ended(from)}}; },
                 [&](const StartDeployment& op) { return List{{"job:" + op.job, !step.same_definition}}; },
                 [](const AlterConfigs& op) {
                     const bool topic = op.resource == AlterConfigs::Resource::topic;
                     return List{{(topic ? "topic:" : "broker:") + op.name, true}};
                 },
                 [](const AlterReassignments& op) { return topics_of(op.moves, true); },
                 // Who leads is no part of any definition.
                 [](const ElectLeaders& op) { return topics_of(op.partitions, false); },
                 // Nor is who is in a group.
                 [](const RemoveGroupMembers&) { return List{}; }, [](const VerifyDeployment&) { return List{}; },
                 [](const ChangeConnectorConfiguration& op) { return List{{"connector:" + op.connector, true}}; },
                 [](const StopConnector& op) { return List{{"connector:" + op.connector, true}}; },
                 // How far it has come is no part of any definition.
                 [](const AlterConnectorOffset& op) { return List{{"connector:" + op.connector, false}}; },
                 [](const AlterClientQuota& op) {
                     List all;
                     if (!op.user.empty()) all.push_back({"user:" + op.user, true});
                     if (!op.client_id.empty()) all.push_back({"client:" + op.client_id, true});
                     return all;
                 },
                 // What a topic holds is no part of its definition.
                 [](const AbortTransaction& op) { return List{{"topic:" + op.topic, false}}; },
                 [](const ElectUncleanLeader& op) { return List{{"topic:" + op.topic, false}}; },
                 [&](const RescaleJob&) { return List{{job, true}}; }},
        step.operation);
}

std::vector<std::string> changed_objects(const Step& step) {
    std::vector<std::string> all;
    for (const ReachedObject& one : reached_objects(std::span(&step, 1))) add(all, one.object);
    if (const auto* verify = std::get_if<VerifyDeployment>(&step.operation)) add(all, "job:" + verify->job);
    return all;
}

std::vector<std::string> touched_objects(const Step& step) {
    std::vector<std::string> all = changed_objects(step);
    if (!step.object.empty()) add(all, step.object);
    if (!step.job.kind.empty()) add(all, policy_object(step.job));
    if (!step.subject.kind.empty()) add(all, policy_object(step.subject));
    if (const auto* removal = std::get_if<RemoveGroupMembers>(&step.operation))
        for (const GroupMembers& one : removal->of) add(all, "group:" + one.group);
    if (const auto* kill = std::get_if<KillConnectorTask>(&step.operation)) add(all, "node:" + kill->node);
    if (const auto* grow = std::get_if<GrowStorage>(&step.operation)) add(all, "node:" + grow->node);
    return all;
}

std::string object_of(const Step& step, const Plan& plan) {
    if (!step.object.empty()) return step.object;
    if (const auto own = changed_objects(step); !own.empty()) return own.front();
    for (const Step& other : plan.steps)
        if (const auto its = changed_objects(other); !its.empty()) return its.front();
    return policy_object(plan.subject);
}

}  // namespace medic

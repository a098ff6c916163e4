// Which objects a step defines or restarts, who owns them, and what their owner would have to change.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "remediations/guards/reach.h"

namespace medic {
namespace {

template <class... Fs>
struct Overload : Fs... {
    using Fs::operator()...;
};

struct Reached {
    std::string object;
    bool defines = false;
};

// "2:/data" is a log directory of broker 2.
std::string broker_of(const Subject& subject) { return subject.name.substr(0, subject.name.find(':')); }

const std::string& job_name(const Step& step) { return step.job.kind.empty() ? step.subject.name : step.job.name; }

// A job that is ended to be started again stays defined as it was; one that is only ended does not.
bool stays_ended(std::span<const Step> from) {
    return ended_job(from.front().operation) != nullptr && std::ranges::none_of(from.subspan(1), [](const Step& later) {
               return std::holds_alternative<StartDeployment>(later.operation);
           });
}

std::vector<Reached> topics_of(const auto& partitions, bool defines) {
    std::vector<Reached> all;
    for (const auto& one : partitions) {
        const std::string object = "topic:" + one.topic;
        if (std::ranges::find(all, object, &Reached::object) == all.end()) all.push_back({object, defines});
    }
    return all;
}

std::vector<Reached> reached(const Step& step, bool stays_ended) {
    using List = std::vector<Reached>;
    const std::string job = "job:" + job_name(step);
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
                 [&](const CancelJob&) { return List{{job, stays_ended}}; },
                 [&](const StopJobWithSavepoint&) { return List{{job, stays_ended}}; },
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

bool is_plain(std::string_view text) {
    return !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
           std::ranges::all_of(text, [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '/';
           });
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + "\"";
}

std::string scalar(std::string_view text) { return is_plain(text) ? std::string(text) : quoted(text); }

std::string configs(const std::map<std::string, std::optional<std::string>>& set) {
    std::string text;
    for (const auto& [key, value] : set)
        text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", scalar(key), value ? scalar(*value) : "null");
    return text;
}

// Parts of Strimzi's resources, as `kubectl patch --type merge` takes them; "" where it has no simple term.
std::string for_strimzi(const Step& step) {
    if (const auto* alter = std::get_if<AlterConfigs>(&step.operation)) {
        if (alter->resource == AlterConfigs::Resource::broker)
            return fmt::format("{{kind: Kafka, spec: {{kafka: {{config: {{{}}}}}}}}}", configs(alter->set));
        return fmt::format("{{kind: KafkaTopic, metadata: {{name: {}}}, spec: {{config: {{{}}}}}}}",
                           scalar(alter->name), configs(alter->set));
    }
    if (const auto* grow = std::get_if<GrowStorage>(&step.operation)) {
        constexpr std::int64_t gib = 1LL << 30;
        return fmt::format("{{kind: KafkaNodePool, spec: {{storage: {{size: {}Gi}}}}}}  # the volume of {}",
                           (grow->bytes + gib - 1) / gib, grow->log_dir);
    }
    const auto connector = [](const std::string& name, std::string_view state) {
        return fmt::format("{{kind: KafkaConnector, metadata: {{name: {}}}, spec: {{state: {}}}}}", scalar(name),
                           state);
    };
    if (const auto* pause = std::get_if<PauseConnector>(&step.operation)) return connector(pause->connector, "paused");
    if (const auto* go_on = std::get_if<ResumeConnector>(&step.operation))
        return connector(go_on->connector, "running");
    if (const auto* stop = std::get_if<StopConnector>(&step.operation)) return connector(stop->connector, "stopped");
    if (const auto* change = std::get_if<ChangeConnectorConfiguration>(&step.operation))
        return fmt::format("{{kind: KafkaConnector, metadata: {{name: {}}}, spec: {{config: {{{}}}}}}}",
                           scalar(change->connector), configs(change->set));
    return {};
}

// Part of a FlinkDeployment. Which image or jar a version is, only its owner knows.
std::string for_flink_operator(const Step& step) {
    if (ended_job(step.operation) != nullptr)
        return fmt::format("{{kind: FlinkDeployment, metadata: {{name: {}}}, spec: {{job: {{state: suspended}}}}}}",
                           scalar(job_name(step)));
    if (const auto* rescale = std::get_if<RescaleJob>(&step.operation))
        return fmt::format("{{kind: FlinkDeployment, metadata: {{name: {}}}, spec: {{job: {{parallelism: {}}}}}}}",
                           scalar(job_name(step)), rescale->to);
    const auto* start = std::get_if<StartDeployment>(&step.operation);
    if (start == nullptr) return {};
    std::string its_job, settings;
    if (start->parallelism > 0) its_job += fmt::format("parallelism: {}", start->parallelism);
    if (!start->restore_from.empty())
        its_job += fmt::format("{}initialSavepointPath: {}", its_job.empty() ? "" : ", ", scalar(start->restore_from));
    for (const auto& [key, value] : start->settings)  // Its type takes texts only.
        settings += fmt::format("{}{}: {}", settings.empty() ? "" : ", ", scalar(key), quoted(value));
    std::string spec = "job: {" + its_job + "}";
    if (!settings.empty()) spec += ", flinkConfiguration: {" + settings + "}";
    return fmt::format(
        "{{kind: FlinkDeployment, metadata: {{name: {}}}, spec: {{{}}}}}  # with the image or jarURI of version {}{}",
        scalar(start->job), spec, start->version,
        start->restore_from.empty() ? "" : ", and a new savepointRedeployNonce");
}

// As the Kafka provider has it.
std::string for_terraform(const Step& step) {
    const auto* alter = std::get_if<AlterConfigs>(&step.operation);
    if (alter == nullptr || alter->resource != AlterConfigs::Resource::topic) return {};
    std::string set;
    for (const auto& [key, value] : alter->set)
        set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", quoted(key), value ? quoted(*value) : "null");
    return fmt::format("resource \"kafka_topic\" {} {{ config = {{ {} }} }}", quoted(alter->name), set);
}

}  // namespace

std::string proposal_for(const Step& step, std::string_view by) {
    std::string text;
    if (by == "strimzi") text = for_strimzi(step);
    if (by == "flink-operator") text = for_flink_operator(step);
    if (by == "terraform") text = for_terraform(step);
    if (!text.empty()) return text;
    text = describe(Operation{.key = {}, .cluster = step.subject.cluster, .body = step.operation});
    return text.substr(text.find(": ") + 2);
}

std::vector<ManagedChange> managed_changes(std::span<const Step> steps, const std::vector<ManagedBy>& managed) {
    std::vector<ManagedChange> all;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const Step& step = steps[i];
        for (const auto& [object, defines] : reached(step, stays_ended(steps.subspan(i)))) {
            const auto owner =
                std::ranges::find_if(managed, [&](const ManagedBy& one) { return glob_matches(one.object, object); });
            if (owner == managed.end() || owner->by == "nobody" || (!defines && !owner->restarts)) continue;
            all.push_back({object, owner->by, proposal_for(step, owner->by), !defines});
        }
    }
    return all;
}

}  // namespace medic

// Who owns what a step defines or restarts, and what its owner would have to change.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "remediations/guards/reach.h"
#include "remediations/planning/objects.h"

namespace medic {
namespace {

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
                           scalar(reached_job(step)));
    if (const auto* rescale = std::get_if<RescaleJob>(&step.operation))
        return fmt::format("{{kind: FlinkDeployment, metadata: {{name: {}}}, spec: {{job: {{parallelism: {}}}}}}}",
                           scalar(reached_job(step)), rescale->to);
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
        for (const auto& [object, defines] : reached_objects(steps.subspan(i))) {
            const auto owner =
                std::ranges::find_if(managed, [&](const ManagedBy& one) { return glob_matches(one.object, object); });
            if (owner == managed.end() || owner->by == "nobody" || (!defines && !owner->restarts)) continue;
            all.push_back({object, owner->by, proposal_for(step, owner->by), !defines});
        }
    }
    return all;
}

}  // namespace medic

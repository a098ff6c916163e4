#include "agent/world/operation.h"

#include <fmt/ranges.h>

#include "agent/base/connector_settings.h"

namespace medic {
namespace {

template <class... Fs>
struct Overload : Fs... {
    using Fs::operator()...;
};

}  // namespace

const std::string* ended_job(const OperationBody& body) {
    if (const auto* cancel = std::get_if<CancelJob>(&body)) return &cancel->job_id;
    if (const auto* stop = std::get_if<StopJobWithSavepoint>(&body)) return &stop->job_id;
    return nullptr;
}

std::optional<std::int64_t> records_passed_over(const OperationBody& body) {
    const auto* alter = std::get_if<AlterConnectorOffset>(&body);
    if (alter == nullptr || alter->to < alter->from) return std::nullopt;
    return alter->to - alter->from;
}

bool loses_unnamed_records(const OperationBody& body) { return std::holds_alternative<ElectUncleanLeader>(body); }

std::string_view operation_name(const OperationBody& body) {
    return std::visit(Overload{
                          [](const StartNode&) { return "start-node"; },
                          [](const StopNode&) { return "stop-node"; },
                          [](const KillNode&) { return "kill-node"; },
                          [](const KillConnectorTask&) { return "kill-connector-task"; },
                          [](const GrowStorage&) { return "grow-storage"; },
                          [](const RestartConnectorTask&) { return "restart-connector-task"; },
                          [](const RestartConnector&) { return "restart-connector"; },
                          [](const PauseConnector&) { return "pause-connector"; },
                          [](const ResumeConnector&) { return "resume-connector"; },
                          [](const CancelJob&) { return "cancel-job"; },
                          [](const StopJobWithSavepoint&) { return "stop-job-with-savepoint"; },
                          [](const StartDeployment&) { return "start-deployment"; },
                          [](const AlterConfigs&) { return "alter-configs"; },
                          [](const AlterReassignments&) { return "alter-reassignments"; },
                          [](const ElectLeaders&) { return "elect-leaders"; },
                          [](const RemoveGroupMembers&) { return "remove-group-members"; },
                          [](const ChangeConnectorConfiguration&) { return "change-connector-configuration"; },
                          [](const AlterClientQuota&) { return "alter-client-quota"; },
                          [](const VerifyDeployment&) { return "verify-deployment"; },
                          [](const AbortTransaction&) { return "abort-transaction"; },
                          [](const StopConnector&) { return "stop-connector"; },
                          [](const AlterConnectorOffset&) { return "alter-connector-offset"; },
                          [](const ElectUncleanLeader&) { return "elect-unclean-leader"; },
                          [](const RescaleJob&) { return "rescale-job"; },
                      },
                      body);
}

std::string describe(const Operation& operation) {
    const auto rest = std::visit(
        Overload{
            [](const StartNode& op) { return op.as_spare ? op.node + " as a spare" : op.node; },
            [](const StopNode& op) { return op.node; },
            [](const KillNode& op) { return op.node; },
            [](const KillConnectorTask& op) { return fmt::format("{}/{} on {}", op.connector, op.task, op.node); },
            [](const GrowStorage& op) { return fmt::format("{}:{} to {} bytes", op.node, op.log_dir, op.bytes); },
            [](const RestartConnectorTask& op) { return fmt::format("{}/{}", op.connector, op.task); },
            [](const RestartConnector& op) {
                return fmt::format("{} (include tasks: {}, only failed: {})", op.connector, op.include_tasks,
                                   op.only_failed);
            },
            [](const PauseConnector& op) { return op.connector; },
            [](const ResumeConnector& op) { return op.connector; },
            [](const CancelJob& op) { return op.job_id; },
            [](const StopJobWithSavepoint& op) { return fmt::format("{} into {}", op.job_id, op.target_directory); },
            [](const StartDeployment& op) {
                auto text = fmt::format("{} version {} from {}", op.job, op.version,
                                        op.restore_from.empty() ? "empty state" : op.restore_from);
                if (op.parallelism > 0) text += fmt::format(", parallelism {}", op.parallelism);
                for (const auto& [key, value] : op.settings) text += fmt::format(", {}={}", key, value);
                return text;
            },
            [](const AlterConfigs& op) {
                auto text =
                    fmt::format("{} {}", op.resource == AlterConfigs::Resource::topic ? "topic" : "broker", op.name);
                for (const auto& [key, value] : op.set) text += fmt::format(" {}={}", key, value.value_or("(default)"));
                return text;
            },
            [](const AlterReassignments& op) {
                std::string text;
                for (const auto& move : op.moves) {
                    if (!text.empty()) text += ", ";
                    text += move.replicas.empty() ? fmt::format("{}-{} (cancel)", move.topic, move.partition)
                                                  : fmt::format("{}-{} to [{}]", move.topic, move.partition,
                                                                fmt::join(move.replicas, ","));
                }
                return text;
            },
            [](const ElectLeaders& op) {
                std::string text;
                for (const auto& one : op.partitions)
                    text += fmt::format("{}{}-{}", text.empty() ? "" : ", ", one.topic, one.partition);
                return text;
            },
            [](const RemoveGroupMembers& op) {
                std::string text;
                for (const auto& one : op.of)
                    text += fmt::format("{}{} from {}", text.empty() ? "" : "; ", fmt::join(one.client_ids, ", "),
                                        one.group);
                return text;
            },
            [](const ChangeConnectorConfiguration& op) {
                auto text = fmt::format("{} from {} to {}:", op.connector, op.from, op.to);
                for (const auto& [key, value] : op.set)
                    text += fmt::format(" {}={}", key,
                                        !value                     ? "(none)"
                                        : may_be_kept(key, *value) ? *value
                                                                   : "(withheld)");
                return text;
            },
            [](const AlterClientQuota& op) {
                std::string text;
                if (!op.user.empty()) text += "user " + op.user;
                if (!op.client_id.empty()) text += (text.empty() ? "" : " ") + ("client " + op.client_id);
                for (const auto& [key, value] : op.set)
                    text += fmt::format(" {}={}", key, value ? fmt::format("{:.0f}", *value) : "(none)");
                return text;
            },
            [](const VerifyDeployment& op) {
                auto text = fmt::format("{} version {}", op.job, op.version);
                if (!op.accept.empty()) text += fmt::format(", accepted: {}", fmt::join(op.accept, ", "));
                return text;
            },
            [](const AbortTransaction& op) {
                return fmt::format("of producer {} epoch {} on {}-{} from offset {}", op.producer_id, op.producer_epoch,
                                   op.topic, op.partition, op.start_offset);
            },
            [](const StopConnector& op) { return op.connector; },
            [](const AlterConnectorOffset& op) {
                return fmt::format("{} of {}-{} from {} to {}", op.connector, op.topic, op.partition, op.from, op.to);
            },
            [](const ElectUncleanLeader& op) {
                return fmt::format("of {}-{}, broker {} in all likelihood", op.topic, op.partition, op.expected);
            },
            [](const RescaleJob& op) { return fmt::format("{} from parallelism {} to {}", op.job_id, op.from, op.to); },
        },
        operation.body);
    return fmt::format("{}: {} {}", operation.cluster, operation_name(operation.body), rest);
}

}  // namespace medic

#include "agent/daemon/kafka_door.h"

#include <algorithm>

#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/membership.h"
#include "agent/wire/messages/placement.h"
#include "agent/wire/messages/quotas.h"
#include "agent/wire/messages/transactions.h"
#include "agent/world/real/clock.h"

namespace medic {
namespace {

Result<std::string> alter_configs(KafkaClient& client, const AlterConfigs& what, const TimeLeft& time) {
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    const bool topic = what.resource == AlterConfigs::Resource::topic;
    wire::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.type = static_cast<std::int8_t>(topic ? wire::ConfigResource::topic : wire::ConfigResource::broker);
    resource.name = what.name;
    for (const auto& [key, value] : what.set) {
        const auto operation = value ? wire::ConfigOperation::set : wire::ConfigOperation::remove;
        resource.configs.push_back({.name = key, .operation = static_cast<std::int8_t>(operation), .value = value});
    }
    // A broker's own settings are changed through that broker; all else through the controller.
    const KafkaTarget target =
        topic || what.name.empty() ? KafkaTarget::controller() : KafkaTarget::broker(std::atoi(what.name.c_str()));
    MEDIC_TRY(const auto answer, client.call(target, request, timeout));
    for (const auto& one : answer.resources)
        MEDIC_CHECK(wire::check(one.error, "alter configs of " + one.name, one.error_message.value_or("")));
    return "changed";
}

Result<std::string> alter_reassignments(KafkaClient& client, const AlterReassignments& what, const TimeLeft& time) {
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    wire::AlterPartitionReassignmentsRequest request;
    request.timeout_ms = static_cast<std::int32_t>(timeout.count());
    std::map<std::string, std::vector<const PartitionMove*>> by_topic;
    for (const PartitionMove& move : what.moves) by_topic[move.topic].push_back(&move);
    for (const auto& [name, moves] : by_topic) {
        auto& topic = request.topics.emplace_back();
        topic.name = name;
        for (const PartitionMove* move : moves) {
            auto& partition = topic.partitions.emplace_back();
            partition.partition = move->partition;
            if (!move->replicas.empty())
                partition.replicas = std::vector<std::int32_t>(move->replicas.begin(), move->replicas.end());
        }
    }
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request, timeout));
    MEDIC_CHECK(wire::check(answer.error, "alter reassignments", answer.error_message.value_or("")));
    for (const auto& topic : answer.topics)
        for (const auto& partition : topic.partitions)
            MEDIC_CHECK(wire::check(partition.error, "move " + topic.name + "-" + std::to_string(partition.partition),
                                    partition.error_message.value_or("")));
    return std::to_string(what.moves.size()) + " moves begun";
}

// A partition whose preferred leader leads already is as it should be. Others may fail by themselves (the replica fell
// out of sync meanwhile): the step's expectation tells whether what was reached is enough.
Result<std::string> elect_leaders(KafkaClient& client, const ElectLeaders& what, const TimeLeft& time) {
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    if (what.partitions.empty()) return fail(ErrorCode::invalid, "no partition is named: that would mean all of them");
    std::map<std::string, std::vector<std::int32_t>> by_topic;
    for (const PartitionOfTopic& one : what.partitions) by_topic[one.topic].push_back(one.partition);
    wire::ElectLeadersRequest request;
    request.timeout_ms = static_cast<std::int32_t>(timeout.count());
    auto& topics = request.topics.emplace();
    for (auto& [name, partitions] : by_topic) topics.push_back({name, std::move(partitions)});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request, timeout));
    MEDIC_CHECK(wire::check(answer.error, "elect leaders"));
    std::size_t lead = 0;
    Status first_failure;
    for (const auto& topic : answer.topics)
        for (const auto& one : topic.partitions) {
            if (one.error == wire::KafkaError::none || one.error == wire::KafkaError::election_not_needed) {
                ++lead;
            } else if (first_failure) {
                first_failure = wire::check(one.error, "elect " + topic.name + "-" + std::to_string(one.partition),
                                            one.error_message.value_or(""));
            }
        }
    if (lead == 0 && !first_failure) return std::unexpected(first_failure.error());
    std::string text = fmt::format("{} of {} are led by their preferred leader", lead, what.partitions.size());
    if (!first_failure) text += "; " + first_failure.error().message;
    return text;
}

// Whom Kafka would take: the first replica, in their order, that serves (PartitionChangeBuilder.electAnyLeader; brokers
// that keep the last known leader of an empty ISR take that one first).
Result<std::int32_t> unclean_heir(KafkaClient& client, const ElectUncleanLeader& what, const TimeLeft& time) {
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    client.forget_metadata();
    MEDIC_TRY(const auto metadata, client.metadata(std::vector<std::string>{what.topic}, timeout));
    for (const auto& topic : metadata.topics)
        for (const auto& one : topic.partitions) {
            if (one.partition != what.partition) continue;
            if (one.leader_id >= 0)
                return fail(ErrorCode::outdated, "{}-{} is led by broker {} again", what.topic, what.partition,
                            one.leader_id);
            for (const std::int32_t replica : one.replicas) {
                const bool listed =
                    std::ranges::find(metadata.brokers, replica, &wire::MetadataResponse::Broker::node_id) !=
                    metadata.brokers.end();
                if (listed && std::ranges::find(one.offline_replicas, replica) == one.offline_replicas.end())
                    return replica;
            }
            return fail(ErrorCode::unavailable, "no replica of {}-{} serves", what.topic, what.partition);
        }
    return fail(ErrorCode::unavailable, "the cluster does not list {}-{}", what.topic, what.partition);
}

// As kafka-leader-election.sh --election-type unclean does it, for one partition and only for the broker that the loss
// was estimated for.
Result<std::string> elect_unclean_leader(KafkaClient& client, const ElectUncleanLeader& what, const TimeLeft& time) {
    constexpr std::int8_t unclean = 1;
    MEDIC_TRY(const std::int32_t heir, unclean_heir(client, what, time));
    if (heir != what.expected)
        return fail(ErrorCode::outdated, "broker {} would lead {}-{}, not broker {}", heir, what.topic, what.partition,
                    what.expected);
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    wire::ElectLeadersRequest request;
    request.election_type = unclean;
    request.topics = {{{what.topic, {what.partition}}}};
    request.timeout_ms = static_cast<std::int32_t>(timeout.count());
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request, timeout));
    MEDIC_CHECK(wire::check(answer.error, "elect an unclean leader"));
    for (const auto& topic : answer.topics)
        for (const auto& one : topic.partitions)
            MEDIC_CHECK(wire::check(one.error, "elect a leader of " + topic.name + "-" + std::to_string(one.partition),
                                    one.error_message.value_or("")));
    return fmt::format("broker {} leads", heir);
}

// One request a member: so it is understood by brokers of any age. Who has left meanwhile is as it should be.
// `removed` counts also where it fails later.
Status remove_from(KafkaClient& client, const GroupMembers& what, const TimeLeft& time, std::size_t& removed) {
    const KafkaTarget coordinator = KafkaTarget::coordinator(what.group);
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    MEDIC_TRY(const auto described,
              client.call(coordinator, wire::DescribeGroupsRequest{.groups = {what.group}}, timeout));
    for (const auto& group : described.groups) {
        MEDIC_CHECK(wire::check(group.error, "describe group " + what.group));
        for (const auto& member : group.members) {
            if (std::ranges::find(what.client_ids, member.client_id) == what.client_ids.end()) continue;
            const wire::LeaveGroupRequest request{
                .group_id = what.group,
                .member_id = member.member_id,
                .members = {{.member_id = member.member_id, .group_instance_id = {}, .reason = "it is dead or hangs"}}};
            MEDIC_TRY(const Duration left, time.for_next_call());
            MEDIC_TRY(const auto answer, client.call(coordinator, request, left));
            const wire::KafkaError error = answer.members.empty() ? answer.error : answer.members.front().error;
            if (error != wire::KafkaError::unknown_member_id)
                MEDIC_CHECK(wire::check(error, "remove " + member.client_id + " from group " + what.group));
            ++removed;
        }
    }
    return {};
}

// A group that can't be changed does not hold up the others.
Result<std::string> remove_group_members(KafkaClient& client, const RemoveGroupMembers& what, const TimeLeft& time) {
    std::size_t removed = 0;
    Status first_failure;
    for (const GroupMembers& one : what.of) {
        const Status done = remove_from(client, one, time, removed);
        if (!done && first_failure) first_failure = done;
    }
    if (!first_failure && removed > 0)
        return fail(first_failure.error().code, "{} members removed, then: {}", removed, first_failure.error().message);
    MEDIC_CHECK(first_failure);
    return fmt::format("{} members removed", removed);
}

Result<std::string> alter_client_quota(KafkaClient& client, const AlterClientQuota& what, const TimeLeft& time) {
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    wire::AlterClientQuotasRequest request;
    auto& entry = request.entries.emplace_back();
    if (!what.user.empty()) entry.entity.push_back({"user", what.user});
    if (!what.client_id.empty()) entry.entity.push_back({"client-id", what.client_id});
    if (entry.entity.empty()) return fail(ErrorCode::invalid, "no client is named: that would mean all of them");
    for (const auto& [key, value] : what.set)
        entry.changes.push_back({.key = key, .value = value.value_or(0), .remove = !value});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::controller(), request, timeout));
    for (const auto& one : answer.entries)
        MEDIC_CHECK(wire::check(one.error, "alter client quota", one.error_message.value_or("")));
    return "changed";
}

Result<std::int32_t> leader_of(KafkaClient& client, const AbortTransaction& what, const TimeLeft& time) {
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    client.forget_metadata();
    MEDIC_TRY(const auto metadata, client.metadata(std::vector<std::string>{what.topic}, timeout));
    for (const auto& topic : metadata.topics)
        for (const auto& one : topic.partitions)
            if (one.partition == what.partition && one.leader_id >= 0) return one.leader_id;
    return fail(ErrorCode::unavailable, "{}-{} has no leader", what.topic, what.partition);
}

// The leader takes the word of whoever may write markers: that it is still the same transaction is for us to see.
Status still_open(KafkaClient& client, std::int32_t leader, const AbortTransaction& what, const TimeLeft& time) {
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    wire::DescribeProducersRequest request;
    request.topics.push_back({what.topic, {what.partition}});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::broker(leader), request, timeout));
    for (const auto& topic : answer.topics)
        for (const auto& partition : topic.partitions) {
            MEDIC_CHECK(wire::check(partition.error, "producers of " + what.topic));
            for (const auto& one : partition.producers)
                if (one.producer_id == what.producer_id && one.producer_epoch == what.producer_epoch &&
                    one.transaction_start_offset == what.start_offset)
                    return {};
        }
    return fail(ErrorCode::outdated, "producer {} has no transaction open any more that began at offset {} of {}-{}",
                what.producer_id, what.start_offset, what.topic, what.partition);
}

// As kafka-transactions.sh abort --start-offset does it (TransactionsCommand: where no coordinator has written for the
// producer, its epoch is 0).
Result<std::string> abort_transaction(KafkaClient& client, const AbortTransaction& what, const TimeLeft& time) {
    MEDIC_TRY(const std::int32_t leader, leader_of(client, what, time));
    MEDIC_CHECK(still_open(client, leader, what, time));
    wire::WriteTxnMarkersRequest request;
    request.markers.push_back({.producer_id = what.producer_id,
                               .producer_epoch = static_cast<std::int16_t>(what.producer_epoch),
                               .commit = false,
                               .topics = {{what.topic, {what.partition}}},
                               .coordinator_epoch = std::max(what.coordinator_epoch, 0)});
    MEDIC_TRY(const Duration timeout, time.for_next_call());
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::broker(leader), request, timeout));
    for (const auto& marker : answer.markers)
        for (const auto& topic : marker.topics)
            for (const auto& partition : topic.partitions)
                MEDIC_CHECK(wire::check(partition.error, "abort transaction on " + what.topic));
    return "aborted";
}

}  // namespace

Result<std::string> change_kafka(KafkaClient& client, const Operation& operation, const TimeLeft& time) {
    if (const auto* configs = std::get_if<AlterConfigs>(&operation.body)) return alter_configs(client, *configs, time);
    if (const auto* moves = std::get_if<AlterReassignments>(&operation.body))
        return alter_reassignments(client, *moves, time);
    if (const auto* election = std::get_if<ElectLeaders>(&operation.body))
        return elect_leaders(client, *election, time);
    if (const auto* unclean = std::get_if<ElectUncleanLeader>(&operation.body))
        return elect_unclean_leader(client, *unclean, time);
    if (const auto* members = std::get_if<RemoveGroupMembers>(&operation.body))
        return remove_group_members(client, *members, time);
    if (const auto* quota = std::get_if<AlterClientQuota>(&operation.body))
        return alter_client_quota(client, *quota, time);
    if (const auto* transaction = std::get_if<AbortTransaction>(&operation.body))
        return abort_transaction(client, *transaction, time);
    return fail(ErrorCode::internal, "{} is no Kafka operation", operation_name(operation.body));
}

Result<std::string> change_kafka(KafkaClient& client, const Operation& operation) {
    const auto clock = [] { return read_clock().monotonic; };
    return change_kafka(client, operation, TimeLeft(clock() + operation.timeout, clock));
}

}  // namespace medic

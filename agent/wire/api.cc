#include "agent/wire/api.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace medic::wire {
namespace {

constexpr std::int16_t kNever = std::numeric_limits<std::int16_t>::max();

// From version 0 where librdkafka asks for it: it switches a feature off when a broker's range has no version 0 (group
// coordination, compression by way of Produce). Upper ends are versions that Kafka 2.8 to 4.1 all understand or
// negotiate down to. Left out: Fetch 13+ and Produce 10+ (topic ids and leader hints, which metadata gives as well),
// Fetch 0–3, ListOffsets 0 and CreateTopics 0–1 (old message formats; no dry run), as Kafka 4.0 does.
constexpr ApiInfo kApis[] = {
    {ApiKey::produce, "Produce", 0, 9, 9, Effect::changes},
    {ApiKey::fetch, "Fetch", 4, 12, 12, Effect::reads},
    {ApiKey::list_offsets, "ListOffsets", 1, 7, 6, Effect::reads},
    {ApiKey::metadata, "Metadata", 0, 12, 9, Effect::reads},
    {ApiKey::offset_commit, "OffsetCommit", 2, 9, 8, Effect::changes},
    {ApiKey::offset_fetch, "OffsetFetch", 1, 9, 6, Effect::reads},
    {ApiKey::find_coordinator, "FindCoordinator", 0, 4, 3, Effect::reads},
    {ApiKey::join_group, "JoinGroup", 0, 9, 6, Effect::changes},
    {ApiKey::heartbeat, "Heartbeat", 0, 4, 4, Effect::changes},
    {ApiKey::leave_group, "LeaveGroup", 0, 5, 4, Effect::changes},
    {ApiKey::sync_group, "SyncGroup", 0, 5, 4, Effect::changes},
    {ApiKey::describe_groups, "DescribeGroups", 0, 5, 5, Effect::reads},
    {ApiKey::list_groups, "ListGroups", 0, 5, 3, Effect::reads},
    {ApiKey::sasl_handshake, "SaslHandshake", 0, 1, kNever, Effect::reads},
    {ApiKey::api_versions, "ApiVersions", 0, 4, 3, Effect::reads},
    {ApiKey::create_topics, "CreateTopics", 2, 7, 5, Effect::changes},
    {ApiKey::delete_topics, "DeleteTopics", 1, 6, 4, Effect::changes},
    {ApiKey::delete_records, "DeleteRecords", 0, 2, 2, Effect::changes},
    {ApiKey::init_producer_id, "InitProducerId", 0, 4, 2, Effect::changes},
    {ApiKey::offset_for_leader_epoch, "OffsetForLeaderEpoch", 0, 4, 4, Effect::reads},
    {ApiKey::write_txn_markers, "WriteTxnMarkers", 1, 1, 1, Effect::changes},
    {ApiKey::describe_configs, "DescribeConfigs", 1, 4, 4, Effect::reads},
    {ApiKey::describe_log_dirs, "DescribeLogDirs", 1, 4, 2, Effect::reads},
    {ApiKey::sasl_authenticate, "SaslAuthenticate", 0, 2, 2, Effect::reads},
    {ApiKey::create_partitions, "CreatePartitions", 0, 3, 2, Effect::changes},
    {ApiKey::delete_groups, "DeleteGroups", 0, 2, 2, Effect::changes},
    {ApiKey::elect_leaders, "ElectLeaders", 0, 2, 2, Effect::changes},
    {ApiKey::incremental_alter_configs, "IncrementalAlterConfigs", 0, 1, 1, Effect::changes},
    {ApiKey::alter_partition_reassignments, "AlterPartitionReassignments", 0, 0, 0, Effect::changes},
    {ApiKey::list_partition_reassignments, "ListPartitionReassignments", 0, 0, 0, Effect::reads},
    {ApiKey::describe_client_quotas, "DescribeClientQuotas", 0, 1, 1, Effect::reads},
    {ApiKey::alter_client_quotas, "AlterClientQuotas", 0, 1, 1, Effect::changes},
    {ApiKey::describe_quorum, "DescribeQuorum", 0, 2, 0, Effect::reads},
    {ApiKey::describe_cluster, "DescribeCluster", 0, 1, 0, Effect::reads},
    {ApiKey::describe_producers, "DescribeProducers", 0, 0, 0, Effect::reads},
    {ApiKey::describe_transactions, "DescribeTransactions", 0, 0, 0, Effect::reads},
    {ApiKey::list_transactions, "ListTransactions", 0, 1, 0, Effect::reads},
    {ApiKey::consumer_group_describe, "ConsumerGroupDescribe", 0, 1, 0, Effect::reads},
};
static_assert(std::ranges::is_sorted(kApis, {}, &ApiInfo::key));

}  // namespace

std::span<const ApiInfo> all_apis() { return kApis; }

const ApiInfo* find_api(std::int16_t api_key) {
    const auto* const info = std::ranges::lower_bound(kApis, static_cast<ApiKey>(api_key), {}, &ApiInfo::key);
    return info != std::end(kApis) && info->key == static_cast<ApiKey>(api_key) ? info : nullptr;
}

const ApiInfo& api_info(ApiKey key) { return *find_api(static_cast<std::int16_t>(key)); }

std::string_view to_string(ApiKey key) {
    const ApiInfo* const info = find_api(static_cast<std::int16_t>(key));
    return info ? info->name : "unknown API";
}

}  // namespace medic::wire

// Every message in one list, for what goes over all of them: round-trip tests and fuzzing.
// Others include the one message header that they need.
#pragma once

#include <tuple>

#include "agent/wire/messages/api_versions.h"
#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/consumer_group.h"
#include "agent/wire/messages/fetch.h"
#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/group_offsets.h"
#include "agent/wire/messages/list_offsets.h"
#include "agent/wire/messages/membership.h"
#include "agent/wire/messages/metadata.h"
#include "agent/wire/messages/placement.h"
#include "agent/wire/messages/produce.h"
#include "agent/wire/messages/producer_id.h"
#include "agent/wire/messages/quotas.h"
#include "agent/wire/messages/sasl.h"
#include "agent/wire/messages/topics.h"
#include "agent/wire/messages/transactions.h"

namespace medic::wire {

using AllRequests =
    std::tuple<ApiVersionsRequest, MetadataRequest, ProduceRequest, FetchRequest, ListOffsetsRequest,
               CreateTopicsRequest, DeleteTopicsRequest, CreatePartitionsRequest, DeleteRecordsRequest,
               FindCoordinatorRequest, JoinGroupRequest, SyncGroupRequest, HeartbeatRequest, LeaveGroupRequest,
               OffsetCommitRequest, OffsetFetchRequest, ListGroupsRequest, DescribeGroupsRequest, DeleteGroupsRequest,
               DescribeConfigsRequest, IncrementalAlterConfigsRequest, DescribeClusterRequest, DescribeLogDirsRequest,
               DescribeQuorumRequest, AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest,
               ElectLeadersRequest, OffsetForLeaderEpochRequest, InitProducerIdRequest, SaslHandshakeRequest,
               SaslAuthenticateRequest, DescribeClientQuotasRequest, AlterClientQuotasRequest, DescribeProducersRequest,
               DescribeTransactionsRequest, ListTransactionsRequest, WriteTxnMarkersRequest,
               ConsumerGroupDescribeRequest>;

}  // namespace medic::wire

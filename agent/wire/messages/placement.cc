#include "agent/wire/messages/placement.h"

namespace medic::wire {

void AlterPartitionReassignmentsResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(error);
    c(error_message);
}

void AlterPartitionReassignmentsResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void AlterPartitionReassignmentsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error);
    c(error_message);
    c(topics);
}

void AlterPartitionReassignmentsRequest::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(replicas);
}

void AlterPartitionReassignmentsRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void AlterPartitionReassignmentsRequest::fields(Codec& c) {
    c(timeout_ms);
    c(topics);
}

void ListPartitionReassignmentsResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(replicas);
    c(adding);
    c(removing);
}

void ListPartitionReassignmentsResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ListPartitionReassignmentsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error);
    c(error_message);
    c(topics);
}

void ListPartitionReassignmentsRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ListPartitionReassignmentsRequest::fields(Codec& c) {
    c(timeout_ms);
    c(topics);
}

void ElectLeadersResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(error);
    c(error_message);
}

void ElectLeadersResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ElectLeadersResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error, since(1).or_only(0));
    c(topics);
}

void ElectLeadersRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ElectLeadersRequest::fields(Codec& c) {
    c(election_type, since(1).or_only(0));
    c(topics);
    c(timeout_ms);
}

void OffsetForLeaderEpochResponse::Topic::Partition::fields(Codec& c) {
    c(error);
    c(partition);
    c(leader_epoch, since(1));
    c(end_offset);
}

void OffsetForLeaderEpochResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void OffsetForLeaderEpochResponse::fields(Codec& c) {
    c(throttle_time_ms, since(2));
    c(topics);
}

void OffsetForLeaderEpochRequest::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(current_leader_epoch, since(2));
    c(leader_epoch);
}

void OffsetForLeaderEpochRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void OffsetForLeaderEpochRequest::fields(Codec& c) {
    c(replica_id, since(3));
    c(topics);
}

}  // namespace medic::wire

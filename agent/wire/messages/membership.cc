#include "agent/wire/messages/membership.h"

namespace medic::wire {

void FindCoordinatorResponse::Coordinator::fields(Codec& c) {
    c(key);
    c(node_id);
    c(host);
    c(port);
    c(error);
    c(error_message);
}

void FindCoordinatorResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(error, between(0, 3));
    c(error_message, between(1, 3));
    c(node_id, between(0, 3));
    c(host, between(0, 3));
    c(port, between(0, 3));
    c(coordinators, since(4));
}

void FindCoordinatorRequest::fields(Codec& c) {
    c(key, between(0, 3));
    c(key_type, since(1).or_only(0));
    c(keys, since(4));
}

void JoinGroupResponse::Member::fields(Codec& c) {
    c(member_id);
    c(group_instance_id, since(5));
    c.bytes(metadata);
}

void JoinGroupResponse::fields(Codec& c) {
    c(throttle_time_ms, since(2));
    c(error);
    c(generation_id);
    c(protocol_type, since(7));
    c(protocol_name, since(0).nullable_since(7));
    c(leader);
    c(skip_assignment, since(9).or_only(false));
    c(member_id);
    c(members);
}

void JoinGroupRequest::Protocol::fields(Codec& c) {
    c(name);
    c.bytes(metadata);
}

void JoinGroupRequest::fields(Codec& c) {
    c(group_id);
    c(session_timeout_ms);
    c(rebalance_timeout_ms, since(1));
    c(member_id);
    c(group_instance_id, since(5).or_empty());
    c(protocol_type);
    c(protocols);
    c(reason, since(8));
}

void SyncGroupResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(error);
    c(protocol_type, since(5));
    c(protocol_name, since(5));
    c.bytes(assignment);
}

void SyncGroupRequest::Assignment::fields(Codec& c) {
    c(member_id);
    c.bytes(assignment);
}

void SyncGroupRequest::fields(Codec& c) {
    c(group_id);
    c(generation_id);
    c(member_id);
    c(group_instance_id, since(3).or_empty());
    c(protocol_type, since(5));
    c(protocol_name, since(5));
    c(assignments);
}

void HeartbeatResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(error);
}

void HeartbeatRequest::fields(Codec& c) {
    c(group_id);
    c(generation_id);
    c(member_id);
    c(group_instance_id, since(3).or_empty());
}

void LeaveGroupResponse::Member::fields(Codec& c) {
    c(member_id);
    c(group_instance_id);
    c(error);
}

void LeaveGroupResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(error);
    c(members, since(3).or_empty());
}

void LeaveGroupRequest::Member::fields(Codec& c) {
    c(member_id);
    c(group_instance_id);
    c(reason, since(5));
}

void LeaveGroupRequest::fields(Codec& c) {
    c(group_id);
    c(member_id, between(0, 2));
    c(members, since(3));
}

}  // namespace medic::wire

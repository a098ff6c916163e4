#include "agent/wire/messages/group_admin.h"

namespace medic::wire {

void ListGroupsResponse::Group::fields(Codec& c) {
    c(group_id);
    c(protocol_type);
    c(state, since(4));
    c(type, since(5));
}

void ListGroupsResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(error);
    c(groups);
}

void ListGroupsRequest::fields(Codec& c) {
    c(states, since(4).or_empty());
    c(types, since(5).or_empty());
}

void DescribeGroupsResponse::Group::Member::fields(Codec& c) {
    c(member_id);
    c(group_instance_id, since(4));
    c(client_id);
    c(client_host);
    c.bytes(metadata);
    c.bytes(assignment);
}

void DescribeGroupsResponse::Group::fields(Codec& c) {
    c(error);
    c(group_id);
    c(state);
    c(protocol_type);
    c(protocol_data);
    c(members);
    c(authorized_operations, since(3).or_only(INT32_MIN));
}

void DescribeGroupsResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(groups);
}

void DescribeGroupsRequest::fields(Codec& c) {
    c(groups);
    c(include_authorized_operations, since(3).or_only(false));
}

void DeleteGroupsResponse::Group::fields(Codec& c) {
    c(group_id);
    c(error);
}

void DeleteGroupsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(groups);
}

void DeleteGroupsRequest::fields(Codec& c) { c(groups); }

}  // namespace medic::wire

#include "agent/wire/messages/consumer_group.h"

namespace medic::wire {

void ConsumerGroupDescribeResponse::Group::Member::Assignment::Topic::fields(Codec& c) {
    c(topic_id);
    c(name);
    c(partitions);
}

void ConsumerGroupDescribeResponse::Group::Member::Assignment::fields(Codec& c) { c(topics); }

void ConsumerGroupDescribeResponse::Group::Member::fields(Codec& c) {
    c(member_id);
    c(instance_id);
    c(rack);
    c(member_epoch);
    c(client_id);
    c(client_host);
    c(subscribed_topics);
    c(subscribed_regex);
    c(assignment);
    c(target);
    c(member_type, since(1));
}

void ConsumerGroupDescribeResponse::Group::fields(Codec& c) {
    c(error);
    c(error_message);
    c(group_id);
    c(state);
    c(group_epoch);
    c(assignment_epoch);
    c(assignor);
    c(members);
    c(authorized_operations);
}

void ConsumerGroupDescribeResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(groups);
}

void ConsumerGroupDescribeRequest::fields(Codec& c) {
    c(groups);
    c(include_authorized_operations);
}

}  // namespace medic::wire

#include "agent/wire/messages/group_offsets.h"

namespace medic::wire {

void OffsetCommitResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(error);
}

void OffsetCommitResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void OffsetCommitResponse::fields(Codec& c) {
    c(throttle_time_ms, since(3));
    c(topics);
}

void OffsetCommitRequest::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(offset);
    c(leader_epoch, since(6));
    c(metadata);
}

void OffsetCommitRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void OffsetCommitRequest::fields(Codec& c) {
    c(group_id);
    c(generation_id);
    c(member_id);
    c(group_instance_id, since(7).or_empty());
    c(retention_time_ms, between(2, 4));
    c(topics);
}

void OffsetFetchResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(offset);
    c(leader_epoch, since(5));
    c(metadata);
    c(error);
}

void OffsetFetchResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void OffsetFetchResponse::Group::fields(Codec& c) {
    c(group_id);
    c(topics);
    c(error);
}

void OffsetFetchResponse::fields(Codec& c) {
    c(throttle_time_ms, since(3));
    c(topics, between(0, 7));
    c(error, between(2, 7));
    c(groups, since(8));
}

void OffsetFetchRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void OffsetFetchRequest::Group::fields(Codec& c) {
    c(group_id);
    c(member_id, since(9));
    c(member_epoch, since(9));
    c(topics);
}

void OffsetFetchRequest::fields(Codec& c) {
    c(group_id, between(0, 7));
    c(topics, between(0, 7).nullable_since(2));
    c(groups, since(8));
    c(require_stable, since(7).or_only(false));
}

}  // namespace medic::wire

#include "agent/wire/messages/list_offsets.h"

namespace medic::wire {

void ListOffsetsRequest::Partition::fields(Codec& c) {
    c(partition);
    c(current_leader_epoch, since(4));
    c(timestamp);
}

void ListOffsetsRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ListOffsetsRequest::fields(Codec& c) {
    c(replica_id);
    c(isolation, since(2).or_only(0));
    c(topics);
}

void ListOffsetsResponse::Partition::fields(Codec& c) {
    c(partition);
    c(error);
    c(timestamp);
    c(offset);
    c(leader_epoch, since(4).or_only(-1));
}

void ListOffsetsResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ListOffsetsResponse::fields(Codec& c) {
    c(throttle_time_ms, since(2));
    c(topics);
}

}  // namespace medic::wire

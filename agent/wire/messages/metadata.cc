#include "agent/wire/messages/metadata.h"

namespace medic::wire {

void MetadataRequest::Topic::fields(Codec& c) {
    c(topic_id, since(10));
    c(name, since(0).nullable_since(10));
}

void MetadataRequest::fields(Codec& c) {
    c(topics, since(0).nullable_since(1));
    c(allow_auto_topic_creation, since(4).or_only(true));
    c(include_cluster_authorized_operations, between(8, 10).or_only(false));
    c(include_topic_authorized_operations, since(8).or_only(false));
}

void MetadataResponse::Broker::fields(Codec& c) {
    c(node_id);
    c(host);
    c(port);
    c(rack, since(1));
}

void MetadataResponse::Partition::fields(Codec& c) {
    c(error);
    c(partition);
    c(leader_id);
    c(leader_epoch, since(7));
    c(replicas);
    c(isr);
    c(offline_replicas, since(5));
}

void MetadataResponse::Topic::fields(Codec& c) {
    c(error);
    c(name, since(0).nullable_since(12));
    c(topic_id, since(10));
    c(is_internal, since(1));
    c(partitions);
    c(authorized_operations, since(8).or_only(kOperationsNotAsked));
}

void MetadataResponse::fields(Codec& c) {
    c(throttle_time_ms, since(3));
    c(brokers);
    c(cluster_id, since(2));
    c(controller_id, since(1));
    c(topics);
    c(cluster_authorized_operations, between(8, 10).or_only(kOperationsNotAsked));
}

}  // namespace medic::wire

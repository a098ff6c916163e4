#include "agent/wire/messages/cluster.h"

namespace medic::wire {

void DescribeClusterResponse::Broker::fields(Codec& c) {
    c(broker_id);
    c(host);
    c(port);
    c(rack);
}

void DescribeClusterResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error);
    c(error_message);
    c(endpoint_type, since(1).or_only(1));
    c(cluster_id);
    c(controller_id);
    c(brokers);
    c(authorized_operations);
}

void DescribeClusterRequest::fields(Codec& c) {
    c(include_authorized_operations);
    c(endpoint_type, since(1).or_only(1));
}

void DescribeLogDirsResponse::LogDir::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(size_bytes);
    c(offset_lag);
    c(is_future);
}

void DescribeLogDirsResponse::LogDir::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DescribeLogDirsResponse::LogDir::fields(Codec& c) {
    c(error);
    c(path);
    c(topics);
    c(total_bytes, since(4));
    c(usable_bytes, since(4));
}

void DescribeLogDirsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error, since(3));
    c(log_dirs);
}

void DescribeLogDirsRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DescribeLogDirsRequest::fields(Codec& c) { c(topics); }

void DescribeQuorumResponse::Topic::Partition::Replica::fields(Codec& c) {
    c(replica_id);
    c(directory_id, since(2).or_empty());
    c(log_end_offset);
    c(last_fetch_timestamp_ms, since(1));
    c(last_caught_up_timestamp_ms, since(1));
}

void DescribeQuorumResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(error);
    c(error_message, since(2));
    c(leader_id);
    c(leader_epoch);
    c(high_watermark);
    c(voters);
    c(observers);
}

void DescribeQuorumResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DescribeQuorumResponse::Node::Listener::fields(Codec& c) {
    c(name);
    c(host);
    c(port);
}

void DescribeQuorumResponse::Node::fields(Codec& c) {
    c(node_id);
    c(listeners);
}

void DescribeQuorumResponse::fields(Codec& c) {
    c(error);
    c(error_message, since(2));
    c(topics);
    c(nodes, since(2).or_empty());
}

void DescribeQuorumRequest::Topic::Partition::fields(Codec& c) { c(partition); }

void DescribeQuorumRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DescribeQuorumRequest::fields(Codec& c) { c(topics); }

}  // namespace medic::wire

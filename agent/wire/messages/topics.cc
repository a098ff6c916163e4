#include "agent/wire/messages/topics.h"

namespace medic::wire {

void CreateTopicsRequest::Assignment::fields(Codec& c) {
    c(partition);
    c(broker_ids);
}

void CreateTopicsRequest::Config::fields(Codec& c) {
    c(name);
    c(value);
}

void CreateTopicsRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
    c(replication_factor);
    c(assignments);
    c(configs);
}

void CreateTopicsRequest::fields(Codec& c) {
    c(topics);
    c(timeout_ms);
    c(validate_only, since(1));
}

void CreateTopicsResponse::Config::fields(Codec& c) {
    c(name);
    c(value);
    c(read_only);
    c(source);
    c(is_sensitive);
}

void CreateTopicsResponse::Topic::fields(Codec& c) {
    c(name);
    c(topic_id, since(7));
    c(error);
    c(error_message, since(1));
    c(partitions, since(5));
    c(replication_factor, since(5));
    c(configs, since(5));
    c.tagged(0, topic_config_error, since(5));
}

void CreateTopicsResponse::fields(Codec& c) {
    c(throttle_time_ms, since(2));
    c(topics);
}

void DeleteTopicsResponse::Topic::fields(Codec& c) {
    c(name, since(0).nullable_since(6));
    c(topic_id, since(6));
    c(error);
    c(error_message, since(5));
}

void DeleteTopicsResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(topics);
}

void DeleteTopicsRequest::Topic::fields(Codec& c) {
    c(name);
    c(topic_id);
}

void DeleteTopicsRequest::fields(Codec& c) {
    c(topics, since(6));
    c(names, between(0, 5));
    c(timeout_ms);
}

void CreatePartitionsResponse::Topic::fields(Codec& c) {
    c(name);
    c(error);
    c(error_message);
}

void CreatePartitionsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(topics);
}

void CreatePartitionsRequest::Topic::Assignment::fields(Codec& c) { c(broker_ids); }

void CreatePartitionsRequest::Topic::fields(Codec& c) {
    c(name);
    c(count);
    c(assignments);
}

void CreatePartitionsRequest::fields(Codec& c) {
    c(topics);
    c(timeout_ms);
    c(validate_only);
}

void DeleteRecordsResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(low_watermark);
    c(error);
}

void DeleteRecordsResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DeleteRecordsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(topics);
}

void DeleteRecordsRequest::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(offset);
}

void DeleteRecordsRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DeleteRecordsRequest::fields(Codec& c) {
    c(topics);
    c(timeout_ms);
}

}  // namespace medic::wire

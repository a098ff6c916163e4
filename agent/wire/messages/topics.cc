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

}  // namespace medic::wire

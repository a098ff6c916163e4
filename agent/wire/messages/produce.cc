#include "agent/wire/messages/produce.h"

namespace medic::wire {

void ProduceRequest::Partition::fields(Codec& c) {
    c(partition);
    c.records(records);
}

void ProduceRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ProduceRequest::fields(Codec& c) {
    c(transactional_id, since(3).or_empty());
    c(acks);
    c(timeout_ms);
    c(topics);
}

void ProduceResponse::RecordError::fields(Codec& c) {
    c(batch_index);
    c(message);
}

void ProduceResponse::Partition::fields(Codec& c) {
    c(partition);
    c(error);
    c(base_offset);
    c(log_append_time_ms, since(2));
    c(log_start_offset, since(5));
    c(record_errors, since(8));
    c(error_message, since(8));
}

void ProduceResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void ProduceResponse::fields(Codec& c) {
    c(topics);
    c(throttle_time_ms, since(1));
}

}  // namespace medic::wire

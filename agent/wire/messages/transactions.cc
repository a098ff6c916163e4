#include "agent/wire/messages/transactions.h"

namespace medic::wire {

void ListTransactionsResponse::Transaction::fields(Codec& c) {
    c(transactional_id);
    c(producer_id);
    c(state);
}

void ListTransactionsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error);
    c(unknown_states);
    c(transactions);
}

void ListTransactionsRequest::fields(Codec& c) {
    c(states);
    c(producer_ids);
    c(duration_ms_min, since(1).or_only(-1));
}

void DescribeTransactionsResponse::Transaction::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DescribeTransactionsResponse::Transaction::fields(Codec& c) {
    c(error);
    c(transactional_id);
    c(state);
    c(timeout_ms);
    c(started_at_ms);
    c(producer_id);
    c(producer_epoch);
    c(topics);
}

void DescribeTransactionsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(transactions);
}

void DescribeTransactionsRequest::fields(Codec& c) { c(transactional_ids); }

void DescribeProducersResponse::Topic::Partition::Producer::fields(Codec& c) {
    c(producer_id);
    c(producer_epoch);
    c(last_sequence);
    c(last_timestamp_ms);
    c(coordinator_epoch);
    c(transaction_start_offset);
}

void DescribeProducersResponse::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(error);
    c(error_message);
    c(producers);
}

void DescribeProducersResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DescribeProducersResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(topics);
}

void DescribeProducersRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void DescribeProducersRequest::fields(Codec& c) { c(topics); }

void WriteTxnMarkersResponse::Marker::Topic::Partition::fields(Codec& c) {
    c(partition);
    c(error);
}

void WriteTxnMarkersResponse::Marker::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void WriteTxnMarkersResponse::Marker::fields(Codec& c) {
    c(producer_id);
    c(topics);
}

void WriteTxnMarkersResponse::fields(Codec& c) { c(markers); }

void WriteTxnMarkersRequest::Marker::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void WriteTxnMarkersRequest::Marker::fields(Codec& c) {
    c(producer_id);
    c(producer_epoch);
    c(commit);
    c(topics);
    c(coordinator_epoch);
}

void WriteTxnMarkersRequest::fields(Codec& c) { c(markers); }

}  // namespace medic::wire

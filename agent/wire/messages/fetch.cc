#include "agent/wire/messages/fetch.h"

namespace medic::wire {

void FetchRequest::Partition::fields(Codec& c) {
    c(partition);
    c(current_leader_epoch, since(9));
    c(fetch_offset);
    c(last_fetched_epoch, since(12).or_only(-1));
    c(log_start_offset, since(5));
    c(partition_max_bytes);
}

void FetchRequest::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void FetchRequest::ForgottenTopic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void FetchRequest::fields(Codec& c) {
    c(replica_id);
    c(max_wait_ms);
    c(min_bytes);
    c(max_bytes, since(3));
    c(isolation, since(4));
    c(session_id, since(7));
    c(session_epoch, since(7));
    c(topics);
    c(forgotten_topics, since(7).or_empty());
    c(rack_id, since(11));
    c.tagged(0, cluster_id, since(12).nullable_since(12));
}

void FetchResponse::AbortedTransaction::fields(Codec& c) {
    c(producer_id);
    c(first_offset);
}

void EpochEndOffset::fields(Codec& c) {
    c(epoch);
    c(end_offset);
}

void LeaderIdAndEpoch::fields(Codec& c) {
    c(leader_id);
    c(leader_epoch);
}

void SnapshotId::fields(Codec& c) {
    c(end_offset);
    c(epoch);
}

void FetchResponse::Partition::fields(Codec& c) {
    c(partition);
    c(error);
    c(high_watermark);
    c(last_stable_offset, since(4));
    c(log_start_offset, since(5));
    c(aborted_transactions, since(4));
    c(preferred_read_replica, since(11).or_only(-1));
    c.records(records);
    c.tagged(0, diverging_epoch, since(12));
    c.tagged(1, current_leader, since(12));
    c.tagged(2, snapshot_id, since(12));
}

void FetchResponse::Topic::fields(Codec& c) {
    c(name);
    c(partitions);
}

void FetchResponse::fields(Codec& c) {
    c(throttle_time_ms, since(1));
    c(error, since(7));
    c(session_id, since(7).or_only(0));
    c(topics);
}

}  // namespace medic::wire

// Requests between a broker and the controller. They travel in Kafka frames (same header) under API keys that Kafka
// does not use. Clients' own requests that only the controller can
// decide (CreateTopics, AlterPartitionReassignments, …) are passed on as they are and are not listed here.
#pragma once

#include "agent/wire/kafka_error.h"
#include "engine/broker/cluster_image.h"

namespace medic::engine::broker {

using Fault = wire::KafkaError;

// A refusal with the sentence that a person reads; `fault == none` means done.
struct Outcome {
    Fault fault = Fault::none;
    std::string message{};
    [[nodiscard]] bool ok() const { return fault == Fault::none; }
};

enum class PrivateApi : std::int16_t {
    register_broker = 20'001,
    heartbeat = 20'002,
    alter_partitions = 20'003,
    fetch_metadata = 20'004,
    allocate_producer_ids = 20'005,
};

struct RegisterRequest {
    BrokerId id = no_broker;
    std::string incarnation;
    std::string host;
    std::int32_t port = 0;
    std::string cluster_id;  // "" on a first start; a broker of another cluster is refused.
    MEDIC_FIELDS(id, incarnation, host, port, cluster_id)
};
struct RegisterReply {
    Fault fault = Fault::none;
    std::int64_t epoch = -1;
    std::string cluster_id;
    std::int64_t session_timeout_ms = 0;
    MEDIC_FIELDS(fault, epoch, cluster_id, session_timeout_ms)
};

struct HeartbeatRequest {
    BrokerId id = no_broker;
    std::int64_t epoch = -1;
    std::int64_t metadata_offset = 0;  // Records applied so far.
    bool want_shutdown = false;
    bool log_dir_offline = false;
    MEDIC_FIELDS(id, epoch, metadata_offset, want_shutdown, log_dir_offline)
};
struct HeartbeatReply {
    Fault fault = Fault::none;
    bool fenced = true;
    bool may_shut_down = false;
    MEDIC_FIELDS(fault, fenced, may_shut_down)
};

struct AlterPartition {
    std::string topic;
    std::int32_t partition = 0;
    std::int32_t leader_epoch = 0;
    std::int32_t partition_epoch = 0;
    std::vector<BrokerId> isr{};
    MEDIC_FIELDS(topic, partition, leader_epoch, partition_epoch, isr)
};
struct AlterPartitionsRequest {
    BrokerId id = no_broker;
    std::int64_t epoch = -1;
    std::vector<AlterPartition> partitions;
    MEDIC_FIELDS(id, epoch, partitions)
};
struct AlterPartitionsReply {
    Fault fault = Fault::none;
    std::vector<Fault> partitions;  // One per partition asked for. What became of it arrives as a metadata record.
    MEDIC_FIELDS(fault, partitions)
};

struct FetchMetadataRequest {
    BrokerId id = no_broker;
    std::int64_t offset = 0;
    std::string incarnation;  // Of the metadata log that `offset` refers to: its cluster id.
    std::int32_t max_wait_ms = 0;
    MEDIC_FIELDS(id, offset, incarnation, max_wait_ms)
};
struct FetchMetadataReply {
    bool reset = false;  // `records` are a whole image, not a continuation.
    std::int64_t next_offset = 0;
    std::string incarnation;
    std::vector<std::string> records;
    MEDIC_FIELDS(reset, next_offset, incarnation, records)
};

struct AllocateProducerIdsRequest {
    BrokerId id = no_broker;
    MEDIC_FIELDS(id)
};
struct AllocateProducerIdsReply {
    std::int64_t first = 0;
    std::int32_t count = 0;
    MEDIC_FIELDS(first, count)
};

}  // namespace medic::engine::broker

// KafkaProducer: batches records per partition and has all in-sync replicas acknowledge them. For engine processes and
// workloads; one thread at a time. Built on KafkaClient.
//
// Delivery: with `idempotent` (the default) each record is stored exactly once as long as this object lives: a batch
// whose answer was lost is sent again under the same sequence number. A failed flush gives up on what was buffered (the
// error says whether records may have been stored) and the next append starts over with a new producer id. The client's
// stop() ends a flush that waits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/wire/messages/produce.h"
#include "agent/wire/records.h"
#include "agent/world/real/kafka_client.h"

namespace medic {

struct KafkaProducerOptions {
    bool idempotent = true;
    wire::Compression compression = wire::Compression::none;  // none, lz4 or zstd
    // A partition's batch is sent at this size. Kafka's default batch.size is 16 KiB; larger ones carry 500,000 small
    // records a second with a few dozen requests. Stays below the brokers' default message.max.bytes of 1 MiB.
    std::size_t batch_bytes = 512 * 1024;
    // Of all partitions; append sends beyond it. As much again may be on its way.
    std::size_t buffered_bytes_max = 8 << 20;
    Duration request_timeout{10'000};    // What a broker may take to replicate.
    Duration delivery_timeout{120'000};  // Kafka's default: delivery.timeout.ms = 2 min
};

struct KafkaRecord {
    std::string_view topic;
    std::int32_t partition = -1;    // -1: by the key's hash as Java clients do it; without a key in turn.
    std::int64_t timestamp_ms = 0;  // Of the event, Unix time.
    std::optional<wire::BytesView> key;
    std::optional<wire::BytesView> value;
    std::span<const wire::RecordHeader> headers;
};

// Java's murmur2 of the key, positive: partition = hash % partitions.
[[nodiscard]] std::uint32_t kafka_key_hash(wire::BytesView key);

// Destroyed without a flush, it drops what is buffered and waits for what is on its way.
class KafkaProducer {
public:
    // The client must outlive the producer.
    KafkaProducer(KafkaClient& client, KafkaProducerOptions options);

    // Copies the record into its batch. When that batch or the buffer is full, everything buffered starts to leave in
    // the background; append waits only for what left before, and then fails as flush() does. The first record of a
    // topic asks for its metadata.
    [[nodiscard]] Status append(const KafkaRecord& record);

    // Sends what is buffered; ok when all in-sync replicas have all of it.
    [[nodiscard]] Status flush();

    [[nodiscard]] Result<std::int32_t> partition_count(std::string_view topic);
    [[nodiscard]] std::int64_t acknowledged_records() const { return acknowledged_; }
    [[nodiscard]] std::int64_t buffered_records() const { return buffered_records_; }

private:
    struct Partition {
        std::int32_t leader = -1;
        wire::BatchBuilder builder;
        std::int32_t next_sequence = 0;
    };
    struct Topic {
        std::string name;
        std::vector<Partition> partitions;
        std::size_t next_without_key = 0;
    };
    // One finished batch on its way; its bytes stay the same however often it is sent.
    struct Sealed {
        std::string topic;
        std::int32_t partition = 0;
        std::int32_t leader = -1;
        wire::Bytes batch;
        std::int32_t records = 0;
        bool acknowledged = false;
    };
    // What leaves together. Belongs to the sending thread until that is joined.
    struct Round {
        std::vector<Sealed> batches;  // Sorted by topic and partition.
        Status status;
    };

    Result<Topic*> find_topic(std::string_view name);
    Status acquire_producer_id(KafkaDeadline deadline);
    Status seal();
    Status start_round();
    Status finish_round();
    void give_up();

    Status send(Round& round) const;
    Status send_once(Round& round, bool& retry, Error& last) const;
    Status accept(Round& round, const wire::ProduceResponse& response, bool& retry, Error& last) const;
    Status refresh_leaders(Round& round) const;

    KafkaClient& client_;
    const KafkaProducerOptions options_;
    std::map<std::string, Topic, std::less<>> topics_;
    Topic* last_topic_ = nullptr;  // Records come in runs of one topic.
    std::optional<std::pair<std::int64_t, std::int16_t>> producer_id_;
    std::size_t buffered_bytes_ = 0;
    std::int64_t buffered_records_ = 0, acknowledged_ = 0;
    Round round_;
    std::jthread sender_;  // Last: joined before what it uses goes.
};

}  // namespace medic

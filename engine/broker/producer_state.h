// What a partition remembers of its producers. Of idempotent ones the last batches, so that a batch sent twice is
// stored once. Of transactional ones where their open transaction begins, and which transactions were aborted: up to
// where readers of committed records may go, and what they must leave out. Followers keep it too, so that it survives a
// change of leader; snapshots keep it over a restart. No I/O.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/wire/kafka_error.h"
#include "engine/broker/archive.h"
#include "engine/broker/batch.h"

namespace medic::engine::broker {

class ProducerState {
public:
    struct Verdict {
        wire::KafkaError fault = wire::KafkaError::none;
        std::optional<std::int64_t> duplicate_of;  // Base offset under which this very batch is already stored.
    };
    [[nodiscard]] Verdict check(const BatchHeader& batch) const;
    void note(const BatchHeader& batch);  // After it was appended; offsets are final.

    void clear();
    void expire_before(std::int64_t timestamp_ms);  // Never one whose transaction is open.
    [[nodiscard]] std::size_t size() const { return producers_.size(); }

    // A transaction's records become stable once its marker is replicated (Kafka's onHighWatermarkUpdated).
    void note_high_watermark(std::int64_t high_watermark);
    // Where the oldest transaction begins that is open, or whose marker is not replicated yet.
    [[nodiscard]] std::optional<std::int64_t> first_unstable() const;
    struct Aborted {
        std::int64_t producer_id = no_producer_id, first_offset = 0, marker_offset = 0;
        MEDIC_FIELDS(producer_id, first_offset, marker_offset)
    };
    // That have records in [from, to).
    [[nodiscard]] std::vector<Aborted> aborted(std::int64_t from, std::int64_t to) const;
    void forget_aborted_before(std::int64_t log_start);

    struct Described {  // As DescribeProducers tells it.
        std::int64_t id = no_producer_id;
        std::int16_t epoch = -1;
        std::int32_t last_sequence = -1;
        std::int64_t timestamp_ms = no_timestamp;
        std::int32_t coordinator_epoch = -1;
        std::int64_t transaction_start = -1;
    };
    [[nodiscard]] std::vector<Described> describe() const;

    [[nodiscard]] std::string snapshot() const;
    [[nodiscard]] bool restore(std::string_view snapshot);  // False (and empty) when damaged.

private:
    static constexpr std::size_t batches_max = 5;  // Kafka's: as many as a producer may have in flight.

    struct Batch {
        std::int32_t base_sequence = 0;
        std::int32_t last_sequence = 0;
        std::int64_t base_offset = 0;
        MEDIC_FIELDS(base_sequence, last_sequence, base_offset)
    };
    struct Producer {
        std::int64_t id = no_producer_id;
        std::int16_t epoch = -1;
        std::int64_t timestamp_ms = no_timestamp;
        std::vector<Batch> batches;           // Oldest first.
        std::int64_t transaction_start = -1;  // -1: none is open.
        std::int32_t coordinator_epoch = -1;  // Of the last marker.
        MEDIC_FIELDS(id, epoch, timestamp_ms, batches, transaction_start, coordinator_epoch)
    };
    struct Ended {
        std::int64_t first_offset = 0, marker_offset = 0;
        MEDIC_FIELDS(first_offset, marker_offset)
    };
    static Verdict check_marker(const Producer& producer, const BatchHeader& batch);
    void end_transaction(Producer& producer, const BatchHeader& marker);

    std::map<std::int64_t, Producer> producers_;
    std::set<std::int64_t> open_;        // Where open transactions begin.
    std::vector<Ended> not_replicated_;  // By marker's offset.
    std::vector<Aborted> aborted_;       // By marker's offset.
};

}  // namespace medic::engine::broker

// What a partition remembers of idempotent producers: the last batches of each, so that a batch sent twice is stored
// once. Followers keep it too, so that it survives a change of leader; snapshots keep it over a restart. No I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
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

    void clear() { producers_.clear(); }
    void expire_before(std::int64_t timestamp_ms);
    [[nodiscard]] std::size_t size() const { return producers_.size(); }

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
        std::vector<Batch> batches;  // Oldest first.
        MEDIC_FIELDS(id, epoch, timestamp_ms, batches)
    };
    std::map<std::int64_t, Producer> producers_;
};

}  // namespace medic::engine::broker

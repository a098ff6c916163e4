#include "engine/broker/offset_lookup.h"

#include "agent/wire/messages/list_offsets.h"
#include "agent/wire/records.h"

namespace medic::engine::broker {

Result<Log::TimedOffset> find_offset(const Log& log, std::int64_t end_offset, std::int64_t timestamp_ms) {
    const bool newest = timestamp_ms == wire::kMaxTimestampOffset;
    const std::int64_t wanted = newest ? log.max_timestamp() : timestamp_ms;
    const auto batch = log.find_timestamp(wanted);
    if (wanted < 0 || !batch) return Log::TimedOffset{};
    MEDIC_TRY(const std::string bytes,
              log.read(batch->base_offset, {.bytes_max = batch->size_bytes, .offset_end = end_offset}));
    wire::BatchReader batches(bytes);
    while (const auto view = batches.next()) {
        wire::RecordReader records(*view);
        wire::Record record;
        while (records.next(record)) {
            const bool below_start = record.offset < log.start_offset();
            if (record.timestamp_ms >= wanted && !below_start && record.offset < end_offset) {
                return Log::TimedOffset{record.offset, record.timestamp_ms};
            }
        }
        MEDIC_CHECK(records.status());
    }
    MEDIC_CHECK(batches.status());
    return Log::TimedOffset{};
}

}  // namespace medic::engine::broker

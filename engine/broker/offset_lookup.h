// ListOffsets by time: the first record at or after a timestamp, or the one with the largest timestamp.
#pragma once

#include "engine/broker/log.h"

namespace medic::engine::broker {

// `timestamp_ms` may be wire::kMaxTimestampOffset. Offset -1 when there is no such record below `end_offset`.
// Errors: those of the log, and batches that can't be unpacked.
[[nodiscard]] Result<Log::TimedOffset> find_offset(const Log& log, std::int64_t end_offset, std::int64_t timestamp_ms);

}  // namespace medic::engine::broker

// A view of one record batch (message format 2) as it lies on disk and on the wire. Batches are stored as they arrive:
// only base offset and leader epoch, which the checksum leaves out, are filled in by the leader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace medic::engine::broker {

inline constexpr std::size_t batch_header_bytes = 61;
inline constexpr std::size_t batch_log_overhead = 12;  // Base offset and length: not counted by the length itself.
inline constexpr std::int64_t no_timestamp = -1;
inline constexpr std::int64_t no_producer_id = -1;

// What the only record of a control batch says: how a producer's transaction has ended.
struct TransactionMarker {
    bool commit = false;
    std::int32_t coordinator_epoch = -1;
};

struct BatchHeader {
    std::int64_t base_offset = 0;
    std::int32_t size_bytes = 0;  // Whole batch, overhead included.
    std::int32_t leader_epoch = -1;
    std::int8_t magic = 2;
    std::uint32_t crc = 0;
    std::int16_t attributes = 0;
    std::int32_t last_offset_delta = 0;
    std::int64_t base_timestamp = no_timestamp;
    std::int64_t max_timestamp = no_timestamp;
    std::int64_t producer_id = no_producer_id;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t record_count = 0;
    std::optional<TransactionMarker> marker{};  // Of a control batch that was read whole, see read_marker().

    [[nodiscard]] std::int64_t last_offset() const { return base_offset + last_offset_delta; }
    [[nodiscard]] std::int64_t next_offset() const { return last_offset() + 1; }
    [[nodiscard]] bool is_transactional() const { return (attributes & 0x10) != 0; }
    [[nodiscard]] bool is_control() const { return (attributes & 0x20) != 0; }
    [[nodiscard]] bool is_compressed() const { return (attributes & 0x07) != 0; }
    // Sequence numbers wrap from 2^31 - 1 to 0.
    [[nodiscard]] std::int32_t last_sequence() const;
};

// Reads the header at the front of `bytes`; nothing when there are fewer than batch_header_bytes, or when the length
// is too small to be one. The batch itself may be longer than `bytes`.
[[nodiscard]] std::optional<BatchHeader> read_batch_header(std::string_view bytes);

// `batch` is exactly one batch.
[[nodiscard]] bool checksum_holds(std::string_view batch);
[[nodiscard]] std::optional<TransactionMarker> read_marker(std::string_view batch);  // nullopt: it is none.

// Patches in place; `batch` points at a whole batch.
void stamp_batch(char* batch, std::int64_t base_offset, std::int32_t leader_epoch);
// message.timestamp.type = LogAppendTime: sets type and time and so must renew the checksum.
void stamp_append_time(char* batch, std::size_t size_bytes, std::int64_t timestamp_ms);

}  // namespace medic::engine::broker

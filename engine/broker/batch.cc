#include "engine/broker/batch.h"

#include "agent/wire/bytes.h"
#include "agent/wire/crc32c.h"
#include "agent/wire/records.h"

namespace medic::engine::broker {
namespace {

constexpr std::size_t crc_at = 17;
constexpr std::size_t crc_from = 21;  // Attributes to the end.
constexpr std::int16_t log_append_time_bit = 0x08;

}  // namespace

std::int32_t BatchHeader::last_sequence() const {
    return static_cast<std::int32_t>(
        (static_cast<std::uint32_t>(base_sequence) + static_cast<std::uint32_t>(last_offset_delta)) & 0x7FFF'FFFFu);
}

std::optional<BatchHeader> read_batch_header(std::string_view bytes) {
    if (bytes.size() < batch_header_bytes) return std::nullopt;
    const char* at = bytes.data();
    const std::int32_t length = wire::load_int32(at + 8);
    constexpr auto length_min = static_cast<std::int32_t>(batch_header_bytes - batch_log_overhead);
    constexpr std::int32_t length_max = INT32_MAX - static_cast<std::int32_t>(batch_log_overhead);
    if (length < length_min || length > length_max) return std::nullopt;
    return BatchHeader{.base_offset = wire::load_int64(at),
                       .size_bytes = length + static_cast<std::int32_t>(batch_log_overhead),
                       .leader_epoch = wire::load_int32(at + 12),
                       .magic = static_cast<std::int8_t>(at[16]),
                       .crc = static_cast<std::uint32_t>(wire::load_int32(at + crc_at)),
                       .attributes = wire::load_int16(at + 21),
                       .last_offset_delta = wire::load_int32(at + 23),
                       .base_timestamp = wire::load_int64(at + 27),
                       .max_timestamp = wire::load_int64(at + 35),
                       .producer_id = wire::load_int64(at + 43),
                       .producer_epoch = wire::load_int16(at + 51),
                       .base_sequence = wire::load_int32(at + 53),
                       .record_count = wire::load_int32(at + 57)};
}

bool checksum_holds(std::string_view batch) {
    return batch.size() >= batch_header_bytes &&
           static_cast<std::uint32_t>(wire::load_int32(batch.data() + crc_at)) == wire::crc32c(batch.substr(crc_from));
}

std::optional<TransactionMarker> read_marker(std::string_view batch) {
    const auto view = wire::BatchView::parse(batch);
    if (!view || !view->is_control()) return std::nullopt;
    wire::RecordReader records(*view);
    wire::Record record;
    if (!records.next(record)) return std::nullopt;
    const auto type = wire::control_type(record);
    const auto epoch = wire::coordinator_epoch(record);
    if (!type || !epoch) return std::nullopt;
    return TransactionMarker{*type == wire::ControlType::commit, *epoch};
}

void stamp_batch(char* batch, std::int64_t base_offset, std::int32_t leader_epoch) {
    wire::store_int64(batch, base_offset);
    wire::store_int32(batch + 12, leader_epoch);
}

void stamp_append_time(char* batch, std::size_t size_bytes, std::int64_t timestamp_ms) {
    wire::store_int16(batch + 21, static_cast<std::int16_t>(wire::load_int16(batch + 21) | log_append_time_bit));
    wire::store_int64(batch + 35, timestamp_ms);
    const std::uint32_t crc = wire::crc32c(std::string_view(batch, size_bytes).substr(crc_from));
    wire::store_int32(batch + crc_at, static_cast<std::int32_t>(crc));
}

}  // namespace medic::engine::broker

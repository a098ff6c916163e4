// Record batches, format v2 (Kafka 0.11 and later): read in place, patched in place, built.
// Used by the embedded broker (which stores batches as they come and only patches their offsets) and by producers and
// consumers. The older message formats (magic 0 and 1) are refused: Kafka 4.0 dropped them.
//
//     BatchReader batches(records);                     // a view: a Fetch response, a segment file
//     while (auto batch = batches.next()) {
//         RecordReader reader(*batch);
//         Record record;
//         while (reader.next(record)) use(record.offset, record.value);
//         MEDIC_CHECK(reader.status());
//     }
//     MEDIC_CHECK(batches.status());
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/wire/bytes.h"
#include "agent/wire/compression.h"

namespace medic::wire {

inline constexpr std::size_t kBatchHeaderBytes = 61;
inline constexpr std::int64_t kNoProducerId = -1;
inline constexpr std::int16_t kNoProducerEpoch = -1;
inline constexpr std::int32_t kNoSequence = -1;

enum class TimestampType : std::uint8_t { create_time, log_append_time };

// One whole batch within a span that must outlive it. Nothing is copied; fields are read where they lie.
class BatchView {
public:
    // The first batch of `bytes`. invalid when it is cut off, too short or not format v2. The checksum is not looked
    // at.
    [[nodiscard]] static Result<BatchView> parse(BytesView bytes);

    [[nodiscard]] BytesView bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] BytesView payload() const {
        return bytes_.substr(kBatchHeaderBytes);
    }  // Records, perhaps compressed.

    [[nodiscard]] std::int64_t base_offset() const { return load_int64(at(0)); }
    [[nodiscard]] std::int64_t last_offset() const { return base_offset() + last_offset_delta(); }
    [[nodiscard]] std::int64_t next_offset() const { return last_offset() + 1; }
    [[nodiscard]] std::int32_t leader_epoch() const { return load_int32(at(12)); }
    [[nodiscard]] std::uint32_t crc() const { return static_cast<std::uint32_t>(load_int32(at(17))); }
    [[nodiscard]] std::int16_t attributes() const { return load_int16(at(21)); }
    [[nodiscard]] std::int32_t last_offset_delta() const { return load_int32(at(23)); }
    [[nodiscard]] std::int64_t base_timestamp_ms() const { return load_int64(at(27)); }
    [[nodiscard]] std::int64_t max_timestamp_ms() const { return load_int64(at(35)); }
    [[nodiscard]] std::int64_t producer_id() const { return load_int64(at(43)); }
    [[nodiscard]] std::int16_t producer_epoch() const { return load_int16(at(51)); }
    [[nodiscard]] std::int32_t base_sequence() const { return load_int32(at(53)); }
    [[nodiscard]] std::int32_t record_count() const { return load_int32(at(57)); }

    [[nodiscard]] Compression compression() const { return static_cast<Compression>(attributes() & 7); }
    [[nodiscard]] TimestampType timestamp_type() const {
        return (attributes() & 8) ? TimestampType::log_append_time : TimestampType::create_time;
    }
    [[nodiscard]] bool is_transactional() const { return (attributes() & 16) != 0; }
    [[nodiscard]] bool is_control() const { return (attributes() & 32) != 0; }

    [[nodiscard]] bool crc_matches() const;

    // What a broker asks of a batch before it stores it: checksum, at least one record, offsets without gaps.
    [[nodiscard]] Status check() const;

private:
    explicit BatchView(BytesView bytes) : bytes_(bytes) {}
    [[nodiscard]] const char* at(std::size_t offset) const { return bytes_.data() + offset; }

    BytesView bytes_;
};

// Goes through a span of batches. A batch that is cut off at the end (Fetch may do that) ends the walk without an
// error.
class BatchReader {
public:
    explicit BatchReader(BytesView bytes) : rest_(bytes) {}

    [[nodiscard]] std::optional<BatchView> next();
    [[nodiscard]] const Status& status() const { return status_; }
    [[nodiscard]] BytesView rest() const { return rest_; }  // What was not walked through: a cut-off or broken tail.

private:
    BytesView rest_;
    Status status_;
};

// Patches within a mutable copy of a whole, parsed batch. Base offset and leader epoch lie outside the checksum: a
// leader assigns them. The others change it and so compute it anew.
void set_base_offset(std::span<char> batch, std::int64_t offset);
void set_leader_epoch(std::span<char> batch, std::int32_t epoch);
void set_producer(std::span<char> batch, std::int64_t producer_id, std::int16_t producer_epoch,
                  std::int32_t base_sequence);
void set_log_append_time(std::span<char> batch, std::int64_t unix_ms);

struct RecordHeader {
    BytesView key;
    std::optional<BytesView> value;
    bool operator==(const RecordHeader&) const = default;
};

// Views into the batch, or into its RecordReader's buffer when the batch was compressed.
struct Record {
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = -1;  // -1: none.
    std::optional<BytesView> key, value;
    std::vector<RecordHeader> headers;
};

// Goes through one batch's records. Reuse one reader (reset) and one Record to go without allocations.
class RecordReader {
public:
    RecordReader() = default;
    explicit RecordReader(const BatchView& batch) { reset(batch); }

    // Unpacks if needed; the views of earlier records end here.
    void reset(const BatchView& batch);

    // False at the end and on the first error. `record.headers` keeps its capacity.
    [[nodiscard]] bool next(Record& record);
    [[nodiscard]] Status status() const;

private:
    void read_headers(Reader& reader, Record& record);

    Bytes unpacked_;
    Reader reader_{BytesView()};
    Status unpack_status_;
    std::int64_t base_offset_ = 0, base_timestamp_ms_ = 0;
    std::optional<std::int64_t> append_time_ms_;
    std::int32_t left_ = 0;
};

// Builds batches. The first record fixes the base timestamp; offsets count from `base_offset`.
class BatchBuilder {
public:
    struct Options {
        Compression compression = Compression::none;  // none, lz4 or zstd
        std::int64_t base_offset = 0;                 // A producer leaves it to the broker.
        std::int32_t leader_epoch = -1;
        std::int64_t producer_id = kNoProducerId;
        std::int16_t producer_epoch = kNoProducerEpoch;
        std::int32_t base_sequence = kNoSequence;
        bool transactional = false;
        bool control = false;
    };

    BatchBuilder() = default;
    explicit BatchBuilder(const Options& options) : options_(options) {}

    void append(std::int64_t timestamp_ms, std::optional<BytesView> key, std::optional<BytesView> value,
                std::span<const RecordHeader> headers = {});

    [[nodiscard]] std::int32_t record_count() const { return count_; }
    [[nodiscard]] std::size_t size_bytes() const { return kBatchHeaderBytes + records_.size(); }  // Before compression.
    [[nodiscard]] Options& options() { return options_; }

    // Appends the batch to `out` and starts the next one, with the same options. invalid without records.
    [[nodiscard]] Status finish(Bytes& out);

private:
    Options options_;
    Bytes records_;
    std::int32_t count_ = 0;
    std::int64_t base_timestamp_ms_ = 0, max_timestamp_ms_ = -1;
};

// The marker that ends a transaction: the only record of a control batch.
enum class ControlType : std::int16_t { abort = 0, commit = 1 };
[[nodiscard]] std::optional<ControlType> control_type(const Record& record);  // nullopt: another or a broken marker.
[[nodiscard]] std::optional<std::int32_t> coordinator_epoch(const Record& record);
void append_control(BatchBuilder& builder, ControlType type, std::int64_t timestamp_ms, std::int32_t coordinator_epoch);

}  // namespace medic::wire

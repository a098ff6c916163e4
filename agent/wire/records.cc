#include "agent/wire/records.h"

#include <algorithm>
#include <limits>

#include "agent/wire/crc32c.h"

namespace medic::wire {
namespace {

// Layout (offsets in bytes): 0 base offset, 8 length of what follows, 12 leader epoch, 16 magic, 17 CRC of what
// follows, 21 attributes, 23 last offset delta, 27 base timestamp, 35 max timestamp, 43 producer id, 51 producer epoch,
// 53 base sequence, 57 record count, 61 records.
constexpr std::size_t kLengthAt = 8, kEpochAt = 12, kMagicAt = 16, kCrcAt = 17, kAttributesAt = 21,
                      kMaxTimestampAt = 35, kProducerAt = 43;
constexpr std::size_t kPrefixBytes = 12;  // Base offset and length, which the length doesn't count.
constexpr std::int8_t kMagic = 2;
constexpr std::int16_t kLogAppendTimeBit = 8, kTransactionalBit = 16, kControlBit = 32;

void store_crc(std::span<char> batch) {
    const BytesView covered(batch.data() + kAttributesAt, batch.size() - kAttributesAt);
    store_int32(batch.data() + kCrcAt, static_cast<std::int32_t>(crc32c(covered)));
}

std::size_t nullable_size(const std::optional<BytesView>& bytes) {
    if (!bytes) return 1;  // The varint of -1.
    return varlong_size(static_cast<std::int64_t>(bytes->size())) + bytes->size();
}

void write_nullable(Writer& writer, const std::optional<BytesView>& bytes) {
    writer.varlong(bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
    if (bytes) writer.raw(*bytes);
}

std::optional<BytesView> read_nullable(Reader& reader) {
    const std::int32_t size = reader.varint();
    if (size == -1) return std::nullopt;
    if (size < 0) {
        reader.fail(fmt::format("negative length {}", size));
        return std::nullopt;
    }
    return reader.take(static_cast<std::size_t>(size));
}

// The size announced in the first twelve bytes, prefix included.
std::int64_t announced_size(BytesView bytes) {
    return std::int64_t{load_int32(bytes.data() + kLengthAt)} + static_cast<std::int64_t>(kPrefixBytes);
}

}  // namespace

Result<BatchView> BatchView::parse(BytesView bytes) {
    if (bytes.size() <= kMagicAt) return fail(ErrorCode::invalid, "record batch cut off after {} bytes", bytes.size());
    if (bytes[kMagicAt] != kMagic)
        return fail(ErrorCode::invalid, "record format {}: only format 2 is supported",
                    static_cast<int>(bytes[kMagicAt]));
    const std::int64_t size = announced_size(bytes);
    if (size < static_cast<std::int64_t>(kBatchHeaderBytes))
        return fail(ErrorCode::invalid, "record batch of {} bytes: its header alone takes {}", size, kBatchHeaderBytes);
    if (size > static_cast<std::int64_t>(bytes.size()))
        return fail(ErrorCode::invalid, "record batch of {} bytes cut off after {}", size, bytes.size());
    return BatchView(bytes.substr(0, static_cast<std::size_t>(size)));
}

bool BatchView::crc_matches() const { return crc32c(bytes_.substr(kAttributesAt)) == crc(); }

Status BatchView::check() const {
    if (!crc_matches())
        return fail(ErrorCode::invalid, "record batch at offset {}: checksum does not match", base_offset());
    if (record_count() < 1 || last_offset_delta() != record_count() - 1)
        return fail(ErrorCode::invalid, "record batch at offset {}: {} records, but last offset delta {}",
                    base_offset(), record_count(), last_offset_delta());
    if (compression() > Compression::zstd)
        return fail(ErrorCode::invalid, "record batch at offset {}: unknown compression {}", base_offset(),
                    attributes() & 7);
    return {};
}

std::optional<BatchView> BatchReader::next() {
    if (!status_ || rest_.size() <= kMagicAt) return std::nullopt;
    const bool whole = announced_size(rest_) <= static_cast<std::int64_t>(rest_.size());
    auto batch = BatchView::parse(rest_);
    if (!batch) {
        if (whole || rest_[kMagicAt] != kMagic) status_ = std::unexpected(batch.error());
        return std::nullopt;
    }
    rest_.remove_prefix(batch->size());
    return *batch;
}

void set_base_offset(std::span<char> batch, std::int64_t offset) { store_int64(batch.data(), offset); }
void set_leader_epoch(std::span<char> batch, std::int32_t epoch) { store_int32(batch.data() + kEpochAt, epoch); }

void set_producer(std::span<char> batch, std::int64_t producer_id, std::int16_t producer_epoch,
                  std::int32_t base_sequence) {
    store_int64(batch.data() + kProducerAt, producer_id);
    store_int16(batch.data() + kProducerAt + 8, producer_epoch);
    store_int32(batch.data() + kProducerAt + 10, base_sequence);
    store_crc(batch);
}

void set_log_append_time(std::span<char> batch, std::int64_t unix_ms) {
    char* const attributes = batch.data() + kAttributesAt;
    store_int16(attributes, static_cast<std::int16_t>(load_int16(attributes) | kLogAppendTimeBit));
    store_int64(batch.data() + kMaxTimestampAt, unix_ms);
    store_crc(batch);
}

void RecordReader::reset(const BatchView& batch) {
    base_offset_ = batch.base_offset();
    base_timestamp_ms_ = batch.base_timestamp_ms();
    append_time_ms_.reset();
    if (batch.timestamp_type() == TimestampType::log_append_time) append_time_ms_ = batch.max_timestamp_ms();
    left_ = batch.record_count();
    BytesView records = batch.payload();
    unpack_status_ = {};
    if (batch.compression() != Compression::none) {
        unpack_status_ = decompress(batch.compression(), records, unpacked_);
        records = unpack_status_ ? BytesView(unpacked_) : BytesView();
    }
    reader_ = Reader(records);
    if (left_ < 0) reader_.fail(fmt::format("record count {}", left_));
}

bool RecordReader::next(Record& record) {
    if (left_ <= 0 || !unpack_status_ || !reader_.ok()) return false;
    const std::int32_t size = reader_.varint();
    const BytesView body = reader_.take(size < 0 ? SIZE_MAX : static_cast<std::size_t>(size));
    Reader fields(body);
    fields.int8();  // Attributes: none are in use.
    const std::int64_t timestamp_delta = fields.varlong();
    const std::int32_t offset_delta = fields.varint();
    // Added as unsigned numbers: what a broken batch claims may overflow.
    const auto add = [](std::int64_t a, std::int64_t b) {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    };
    record.offset = add(base_offset_, offset_delta);
    record.timestamp_ms = append_time_ms_ ? *append_time_ms_ : add(base_timestamp_ms_, timestamp_delta);
    record.key = read_nullable(fields);
    record.value = read_nullable(fields);
    read_headers(fields, record);
    if (fields.ok() && fields.remaining() > 0) fields.fail(fmt::format("{} bytes left over", fields.remaining()));
    if (!fields.ok())
        reader_.fail(fmt::format("record {} of the batch: {}", offset_delta, fields.status().error().message));
    --left_;
    return reader_.ok();
}

void RecordReader::read_headers(Reader& reader, Record& record) {
    record.headers.clear();
    const std::int32_t count = reader.varint();
    // A header takes at least two bytes.
    if (count < 0 || static_cast<std::size_t>(count) > reader.remaining() / 2) {
        reader.fail(fmt::format("{} headers in {} bytes", count, reader.remaining()));
        return;
    }
    for (std::int32_t i = 0; i < count && reader.ok(); ++i) {
        const auto key = read_nullable(reader);
        if (!key) reader.fail("header without a key");
        const auto value = read_nullable(reader);
        if (reader.ok()) record.headers.push_back({*key, value});
    }
}

Status RecordReader::status() const {
    MEDIC_CHECK(unpack_status_);
    MEDIC_CHECK(reader_.status());
    if (left_ == 0 && reader_.remaining() > 0)
        return fail(ErrorCode::invalid, "{} bytes left after the batch's last record", reader_.remaining());
    return {};
}

void BatchBuilder::append(std::int64_t timestamp_ms, std::optional<BytesView> key, std::optional<BytesView> value,
                          std::span<const RecordHeader> headers) {
    if (count_ == 0) base_timestamp_ms_ = timestamp_ms;
    max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
    const std::int64_t timestamp_delta = timestamp_ms - base_timestamp_ms_;
    std::size_t size = 1 + varlong_size(timestamp_delta) + varlong_size(count_) + nullable_size(key) +
                       nullable_size(value) + varlong_size(static_cast<std::int64_t>(headers.size()));
    for (const RecordHeader& header : headers) size += nullable_size(header.key) + nullable_size(header.value);
    Writer writer(records_);
    writer.varlong(static_cast<std::int64_t>(size));
    writer.int8(0);
    writer.varlong(timestamp_delta);
    writer.varlong(count_);
    write_nullable(writer, key);
    write_nullable(writer, value);
    writer.varlong(static_cast<std::int64_t>(headers.size()));
    for (const RecordHeader& header : headers) {
        write_nullable(writer, header.key);
        write_nullable(writer, header.value);
    }
    ++count_;
}

Status BatchBuilder::finish(Bytes& out) {
    if (count_ == 0) return fail(ErrorCode::invalid, "a record batch needs at least one record");
    const std::size_t start = out.size();
    Writer writer(out);
    writer.int64(options_.base_offset);
    writer.int32(0);  // Length, known below.
    writer.int32(options_.leader_epoch);
    writer.int8(kMagic);
    writer.int32(0);  // CRC, known below.
    auto attributes = static_cast<std::int16_t>(options_.compression);
    if (options_.transactional) attributes |= kTransactionalBit;
    if (options_.control) attributes |= kControlBit;
    writer.int16(attributes);
    writer.int32(count_ - 1);
    writer.int64(base_timestamp_ms_);
    writer.int64(max_timestamp_ms_);
    writer.int64(options_.producer_id);
    writer.int16(options_.producer_epoch);
    writer.int32(options_.base_sequence);
    writer.int32(count_);
    const Status packed = compress(options_.compression, records_, out);
    records_.clear();
    count_ = 0;
    max_timestamp_ms_ = -1;
    const std::size_t length = out.size() - start - kPrefixBytes;
    if (!packed || length > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        out.resize(start);
        MEDIC_CHECK(packed);
        return fail(ErrorCode::invalid, "record batch of {} bytes does not fit the format", length);
    }
    store_int32(out.data() + start + kLengthAt, static_cast<std::int32_t>(length));
    store_crc(std::span(out).subspan(start));
    return {};
}

std::optional<ControlType> control_type(const Record& record) {
    if (!record.key) return std::nullopt;
    Reader reader(*record.key);
    const std::int16_t version = reader.int16();
    const std::int16_t type = reader.int16();
    if (!reader.ok() || version < 0 || type < 0 || type > static_cast<std::int16_t>(ControlType::commit))
        return std::nullopt;
    return static_cast<ControlType>(type);
}

std::optional<std::int32_t> coordinator_epoch(const Record& record) {
    if (!record.value) return std::nullopt;
    Reader reader(*record.value);
    const std::int16_t version = reader.int16();
    const std::int32_t epoch = reader.int32();
    return reader.ok() && version >= 0 ? std::optional(epoch) : std::nullopt;
}

void append_control(BatchBuilder& builder, ControlType type, std::int64_t timestamp_ms,
                    std::int32_t coordinator_epoch) {
    Bytes key, value;
    Writer key_writer(key), value_writer(value);
    key_writer.int16(0);  // Version.
    key_writer.int16(static_cast<std::int16_t>(type));
    value_writer.int16(0);
    value_writer.int32(coordinator_epoch);
    builder.append(timestamp_ms, key, value);
}

}  // namespace medic::wire

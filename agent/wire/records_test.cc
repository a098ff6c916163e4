#include "agent/wire/records.h"

#include <gtest/gtest.h>
#include <snappy-c.h>

#include <random>

#include "agent/wire/crc32c.h"

namespace medic::wire {
namespace {

using namespace std::string_view_literals;

TEST(Crc32c, of_the_check_value) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);  // The check value of the CRC catalogue.
    EXPECT_EQ(crc32c_portable("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32c, is_the_same_in_hardware_and_by_table) {
    std::mt19937 random(1);
    Bytes bytes;
    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(crc32c(bytes), crc32c_portable(bytes)) << i;
        bytes.push_back(static_cast<char>(random()));
    }
}

Bytes three_records(const BatchBuilder::Options& options) {
    BatchBuilder builder(options);
    const RecordHeader headers[] = {{"h1", "v1"}, {"h2", std::nullopt}};
    builder.append(1000, "key", "value", headers);
    builder.append(990, std::nullopt, "older");
    builder.append(1200, "gone", std::nullopt);
    Bytes out;
    EXPECT_TRUE(builder.finish(out));
    return out;
}

std::vector<Record> read_all(BytesView bytes) {
    const auto batch = BatchView::parse(bytes);
    EXPECT_TRUE(batch);
    RecordReader reader(*batch);
    std::vector<Record> records;
    static thread_local std::vector<Bytes> kept;  // The reader's buffer ends here; the records are compared after it.
    kept.clear();
    kept.reserve(100);
    const auto keep = [&](BytesView view) { return BytesView(kept.emplace_back(view)); };
    Record record;
    while (reader.next(record)) {
        Record copy = record;
        if (copy.key) copy.key = keep(*copy.key);
        if (copy.value) copy.value = keep(*copy.value);
        for (auto& header : copy.headers) {
            header.key = keep(header.key);
            if (header.value) header.value = keep(*header.value);
        }
        records.push_back(copy);
    }
    EXPECT_TRUE(reader.status()) << reader.status().error().message;
    return records;
}

class EveryPacking : public ::testing::TestWithParam<Compression> {};

TEST_P(EveryPacking, records_come_back) {
    const Bytes bytes = three_records({.compression = GetParam(),
                                       .base_offset = 50,
                                       .leader_epoch = 3,
                                       .producer_id = 9,
                                       .producer_epoch = 2,
                                       .base_sequence = 17,
                                       .transactional = true});
    const auto batch = BatchView::parse(bytes);
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->check()) << batch->check().error().message;
    EXPECT_EQ(batch->size(), bytes.size());
    EXPECT_EQ(batch->base_offset(), 50);
    EXPECT_EQ(batch->next_offset(), 53);
    EXPECT_EQ(batch->leader_epoch(), 3);
    EXPECT_EQ(batch->producer_id(), 9);
    EXPECT_EQ(batch->producer_epoch(), 2);
    EXPECT_EQ(batch->base_sequence(), 17);
    EXPECT_EQ(batch->base_timestamp_ms(), 1000);
    EXPECT_EQ(batch->max_timestamp_ms(), 1200);
    EXPECT_EQ(batch->compression(), GetParam());
    EXPECT_TRUE(batch->is_transactional());
    EXPECT_FALSE(batch->is_control());

    const auto records = read_all(bytes);
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[0].offset, 50);
    EXPECT_EQ(records[0].key, "key");
    EXPECT_EQ(records[0].headers, (std::vector<RecordHeader>{{"h1", "v1"}, {"h2", std::nullopt}}));
    EXPECT_EQ(records[1].timestamp_ms, 990);
    EXPECT_EQ(records[1].key, std::nullopt);
    EXPECT_EQ(records[2].offset, 52);
    EXPECT_EQ(records[2].value, std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Compression, EveryPacking,
                         ::testing::Values(Compression::none, Compression::lz4, Compression::zstd),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST(Batch, is_the_documented_layout) {
    BatchBuilder builder;
    builder.append(5, std::nullopt, "v");
    Bytes out;
    ASSERT_TRUE(builder.finish(out));
    ASSERT_EQ(out.size(), 69u);
    EXPECT_EQ(BytesView(out).substr(0, 17), "\0\0\0\0\0\0\0\0\0\0\0\x39\xff\xff\xff\xff\2"sv);
    EXPECT_EQ(BytesView(out).substr(21),
              "\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\5\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
              "\xff\xff\xff\xff\0\0\0\1\x0e\0\0\0\1\2v\0"sv);
}

TEST(Batch, offset_and_epoch_are_patched_without_a_new_checksum) {
    Bytes bytes = three_records({});
    const auto before = BatchView::parse(bytes)->crc();
    set_base_offset(bytes, 1'000'000);
    set_leader_epoch(bytes, 12);
    const auto batch = BatchView::parse(bytes);
    EXPECT_EQ(batch->base_offset(), 1'000'000);
    EXPECT_EQ(batch->leader_epoch(), 12);
    EXPECT_EQ(batch->crc(), before);
    EXPECT_TRUE(batch->crc_matches());
    EXPECT_EQ(read_all(bytes)[2].offset, 1'000'002);
}

TEST(Batch, producer_and_append_time_are_patched_with_a_new_checksum) {
    Bytes bytes = three_records({});
    set_producer(bytes, 77, 1, 500);
    set_log_append_time(bytes, 9999);
    const auto batch = BatchView::parse(bytes);
    EXPECT_TRUE(batch->crc_matches());
    EXPECT_EQ(batch->producer_id(), 77);
    EXPECT_EQ(batch->producer_epoch(), 1);
    EXPECT_EQ(batch->base_sequence(), 500);
    for (const Record& record : read_all(bytes)) EXPECT_EQ(record.timestamp_ms, 9999);
}

TEST(Batch, check_refuses_bad_checksums_counts_and_compressions) {
    const Bytes good = three_records({});
    Bytes bytes = good;
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    EXPECT_FALSE(BatchView::parse(bytes)->check());
    bytes = good;
    store_int32(bytes.data() + 57, 2);  // Two records, but a last offset delta of 2.
    set_producer(bytes, -1, -1, -1);    // Makes the checksum right again.
    EXPECT_FALSE(BatchView::parse(bytes)->check());
    bytes = good;
    store_int16(bytes.data() + 21, 7);
    set_producer(bytes, -1, -1, -1);
    EXPECT_FALSE(BatchView::parse(bytes)->check());
}

TEST(Batch, of_an_old_format_is_refused_by_name) {
    Bytes bytes = three_records({});
    bytes[16] = 1;
    const auto batch = BatchView::parse(bytes);
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().message, "record format 1: only format 2 is supported");
    BatchReader batches(bytes);
    EXPECT_FALSE(batches.next());
    EXPECT_FALSE(batches.status());
}

TEST(BatchReader, walks_over_several_batches_and_stops_before_a_cut_off_one) {
    Bytes bytes =
        three_records({.base_offset = 0}) + three_records({.compression = Compression::zstd, .base_offset = 3});
    const std::size_t whole = bytes.size();
    bytes += three_records({.base_offset = 6}).substr(0, 40);
    BatchReader batches(bytes);
    EXPECT_EQ(batches.next()->base_offset(), 0);
    EXPECT_EQ(batches.next()->base_offset(), 3);
    EXPECT_FALSE(batches.next());
    EXPECT_TRUE(batches.status());
    EXPECT_EQ(batches.rest().data(), bytes.data() + whole);
}

TEST(BatchBuilder, needs_a_record_and_starts_over_after_finish) {
    BatchBuilder builder;
    Bytes out;
    EXPECT_FALSE(builder.finish(out));
    builder.append(1, std::nullopt, "a");
    ASSERT_TRUE(builder.finish(out));
    EXPECT_EQ(builder.record_count(), 0);
    EXPECT_FALSE(builder.finish(out));
    builder.options().compression = Compression::gzip;
    builder.append(1, std::nullopt, "a");
    const std::size_t before = out.size();
    EXPECT_FALSE(builder.finish(out)) << "gzip is only read";
    EXPECT_EQ(out.size(), before);
}

TEST(ControlBatch, tells_commit_from_abort) {
    for (const ControlType type : {ControlType::abort, ControlType::commit}) {
        BatchBuilder builder({.producer_id = 1, .producer_epoch = 0, .transactional = true, .control = true});
        append_control(builder, type, 10, 4);
        Bytes out;
        ASSERT_TRUE(builder.finish(out));
        EXPECT_TRUE(BatchView::parse(out)->is_control());
        EXPECT_EQ(control_type(read_all(out).at(0)), type);
    }
    EXPECT_EQ(control_type(Record{}), std::nullopt);
}

TEST(RecordReader, refuses_headers_and_records_that_do_not_fit) {
    Bytes bytes = three_records({});
    bytes[kBatchHeaderBytes] = '\x7f';  // The first record's length, now far too short for its fields.
    RecordReader reader(*BatchView::parse(bytes));
    Record record;
    EXPECT_FALSE(reader.next(record));
    EXPECT_FALSE(reader.status());
}

TEST(Decompress, refuses_what_unpacks_to_too_much) {
    for (const Compression compression : {Compression::none, Compression::lz4, Compression::zstd}) {
        Bytes packed, out;
        ASSERT_TRUE(compress(compression, Bytes(200'000, 'a'), packed));
        EXPECT_TRUE(decompress(compression, packed, out, 200'000)) << to_string(compression);
        EXPECT_EQ(out.size(), 200'000u);
        EXPECT_FALSE(decompress(compression, packed, out, 199'999)) << to_string(compression);
    }
}

TEST(Decompress, reads_the_framing_of_java_snappy) {
    const auto pack = [](BytesView text) {
        Bytes block(snappy_max_compressed_length(text.size()), '\0');
        std::size_t size = block.size();
        EXPECT_EQ(snappy_compress(text.data(), text.size(), block.data(), &size), SNAPPY_OK);
        block.resize(size);
        return block;
    };
    Bytes framed("\x82SNAPPY\0\0\0\0\1\0\0\0\1"sv);
    for (const Bytes& block : {pack("hello "), pack("world")}) {
        Writer(framed).int32(static_cast<std::int32_t>(block.size()));
        framed += block;
    }
    Bytes out;
    ASSERT_TRUE(decompress(Compression::snappy, framed, out));
    EXPECT_EQ(out, "hello world");
    EXPECT_FALSE(decompress(Compression::snappy, BytesView(framed).substr(0, framed.size() - 1), out));
    EXPECT_FALSE(decompress(Compression::snappy, "\xff\xff\xff\xff\x0f"sv, out)) << "claims 4 GiB";
}

TEST(Decompress, refuses_nothing_and_garbage) {
    Bytes out;
    for (const Compression compression :
         {Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd}) {
        EXPECT_FALSE(decompress(compression, "", out)) << to_string(compression);
        EXPECT_FALSE(decompress(compression, "garbage garbage garbage", out)) << to_string(compression);
    }
    EXPECT_FALSE(decompress(static_cast<Compression>(7), "x", out));
}

}  // namespace
}  // namespace medic::wire

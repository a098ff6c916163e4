// Frames that real librdkafka sent: read, and written again to the same bytes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/wire/consumer_protocol.h"
#include "agent/wire/frame.h"
#include "agent/wire/messages/all.h"
#include "agent/wire/records.h"

namespace medic::wire {
namespace {

Bytes recorded(const std::string& name) {
    const auto path = std::filesystem::path("agent/wire/testdata/librdkafka_2.0.2") / name;
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

template <class T>
T expect_same_bytes(const RequestView& request) {
    const auto message = decode<T>(request.body, request.header.version);
    EXPECT_TRUE(message) << message.error().message;
    if (!message) return {};
    const auto again = encode_request(request.header, *message);
    EXPECT_TRUE(again);
    const auto reread = decode_request_header(BytesView(*again).substr(kSizePrefixBytes));
    EXPECT_EQ(reread->body, request.body);
    return *message;
}

class Recorded : public ::testing::Test {
protected:
    RequestView open(const std::string& name) {
        frame_ = recorded(name);
        auto request = decode_request_header(frame_);
        EXPECT_TRUE(request) << request.error().message;
        EXPECT_EQ(request->header.client_id, "rdkafka");
        return *request;
    }
    Bytes frame_;
};

TEST_F(Recorded, api_versions) {
    const auto request = expect_same_bytes<ApiVersionsRequest>(open("api_versions_v3.bin"));
    EXPECT_EQ(request.client_software_name, "librdkafka");
}

TEST_F(Recorded, metadata) {
    const auto request = expect_same_bytes<MetadataRequest>(open("metadata_v4.bin"));
    ASSERT_TRUE(request.topics);
    EXPECT_TRUE(request.topics->empty()) << "librdkafka first asks for the brokers alone";
}

TEST_F(Recorded, fetch_and_list_offsets) {
    const auto fetch = expect_same_bytes<FetchRequest>(open("fetch_v11.bin"));
    ASSERT_EQ(fetch.topics.size(), 1u);
    EXPECT_EQ(fetch.topics[0].name, "events");
    EXPECT_EQ(fetch.topics[0].partitions[0].fetch_offset, 0);
    const auto list = expect_same_bytes<ListOffsetsRequest>(open("list_offsets_v2.bin"));
    EXPECT_EQ(list.topics[0].name, "events");
}

TEST_F(Recorded, group_membership) {
    EXPECT_EQ(expect_same_bytes<FindCoordinatorRequest>(open("find_coordinator_v2.bin")).key, "g1");
    EXPECT_EQ(expect_same_bytes<JoinGroupRequest>(open("join_group_v5.bin")).protocols[0].name, "range");
    EXPECT_EQ(expect_same_bytes<SyncGroupRequest>(open("sync_group_v3.bin")).generation_id, 1);
    EXPECT_EQ(expect_same_bytes<HeartbeatRequest>(open("heartbeat_v3.bin")).member_id, "m-1");
    EXPECT_EQ(expect_same_bytes<LeaveGroupRequest>(open("leave_group_v1.bin")).member_id, "m-1");
    EXPECT_EQ(expect_same_bytes<OffsetFetchRequest>(open("offset_fetch_v7.bin")).group_id, "g1");
    EXPECT_EQ(expect_same_bytes<OffsetCommitRequest>(open("offset_commit_v7.bin")).topics[0].name, "events");
}

TEST_F(Recorded, consumer_protocol) {
    const auto subscription = decode_subscription(recorded("subscription.bin"));
    ASSERT_TRUE(subscription) << subscription.error().message;
    EXPECT_EQ(subscription->topics, std::vector<std::string>{"events"});
    const auto assignment = decode_assignment(recorded("assignment.bin"));
    ASSERT_TRUE(assignment) << assignment.error().message;
    ASSERT_EQ(assignment->assigned.size(), 1u);
    EXPECT_EQ(assignment->assigned[0], (TopicPartitions{"events", {0}}));
    EXPECT_FALSE(decode_subscription("\0"));
    EXPECT_EQ(*decode_subscription(*encode_consumer(*subscription, 3)), *subscription);
    EXPECT_FALSE(encode_consumer(*assignment, 4));
}

TEST_F(Recorded, init_producer_id) {
    EXPECT_FALSE(expect_same_bytes<InitProducerIdRequest>(open("init_producer_id_v4.bin")).transactional_id);
}

struct Packed {
    const char* file;
    Compression compression;
};

class RecordedBatch : public Recorded, public ::testing::WithParamInterface<Packed> {};

TEST_P(RecordedBatch, is_read_record_by_record) {
    const auto request = expect_same_bytes<ProduceRequest>(open(GetParam().file));
    BatchReader batches(*request.topics.at(0).partitions.at(0).records);
    const auto batch = batches.next();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->compression(), GetParam().compression);
    EXPECT_TRUE(batch->check()) << batch->check().error().message;
    RecordReader reader(*batch);
    Record record;
    int count = 0;
    while (reader.next(record)) {
        ++count;
        EXPECT_EQ(record.key, "k" + std::to_string(count));
        EXPECT_EQ(record.value, "value number " + std::to_string(count) + " with some repeated repeated repeated text");
        ASSERT_EQ(record.headers.size(), 1u);
        EXPECT_EQ(record.headers[0], (RecordHeader{"trace", "abc"}));
        EXPECT_EQ(record.offset, count - 1);
        EXPECT_GT(record.timestamp_ms, 1'500'000'000'000);
    }
    EXPECT_TRUE(reader.status()) << reader.status().error().message;
    EXPECT_EQ(count, 10);
    EXPECT_FALSE(batches.next());
    EXPECT_TRUE(batches.status());
}

TEST_P(RecordedBatch, cut_off_or_changed_is_an_error) {
    const auto request = expect_same_bytes<ProduceRequest>(open(GetParam().file));
    Bytes records(*request.topics.at(0).partitions.at(0).records);
    for (std::size_t size = 0; size < records.size(); ++size) {
        EXPECT_FALSE(BatchView::parse(BytesView(records).substr(0, size)));
        BatchReader batches(BytesView(records).substr(0, size));
        EXPECT_FALSE(batches.next());
        EXPECT_TRUE(batches.status()) << "a tail that Fetch cut off is no error";
    }
    for (std::size_t at = kBatchHeaderBytes; at < records.size(); ++at) {
        records[at] = static_cast<char>(records[at] ^ 0x55);
        const auto batch = BatchView::parse(records);
        ASSERT_TRUE(batch);
        EXPECT_FALSE(batch->crc_matches());
        RecordReader reader(*batch);  // Even without a look at the checksum nothing is read out of bounds.
        Record record;
        while (reader.next(record)) {
        }
        records[at] = static_cast<char>(records[at] ^ 0x55);
    }
}

INSTANTIATE_TEST_SUITE_P(Librdkafka, RecordedBatch,
                         ::testing::Values(Packed{"produce_v7_none.bin", Compression::none},
                                           Packed{"produce_v7_gzip.bin", Compression::gzip},
                                           Packed{"produce_v7_snappy.bin", Compression::snappy},
                                           Packed{"produce_v7_lz4.bin", Compression::lz4},
                                           Packed{"produce_v7_zstd.bin", Compression::zstd}),
                         [](const auto& test) { return std::string(to_string(test.param.compression)); });

TEST_F(Recorded, idempotent_producer_numbers_its_batches) {
    const auto request = expect_same_bytes<ProduceRequest>(open("produce_v7_idempotent.bin"));
    EXPECT_EQ(request.acks, -1);
    const auto batch = BatchView::parse(*request.topics.at(0).partitions.at(0).records);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->producer_id(), 7000);
    EXPECT_EQ(batch->producer_epoch(), 0);
    EXPECT_EQ(batch->base_sequence(), 0);
}

}  // namespace
}  // namespace medic::wire

#include "agent/wire/frame.h"

#include <gtest/gtest.h>

#include "agent/wire/messages/api_versions.h"
#include "agent/wire/messages/metadata.h"
#include "agent/wire/messages/produce.h"

namespace medic::wire {
namespace {

using namespace std::string_view_literals;

TEST(Reader, sticks_to_its_first_error) {
    Reader reader("\x00\x01\x02"sv);
    EXPECT_EQ(reader.int16(), 1);
    EXPECT_EQ(reader.int32(), 0);
    EXPECT_EQ(reader.int8(), 0) << "nothing is read after an error";
    ASSERT_FALSE(reader.status());
    EXPECT_EQ(reader.status().error().message, "byte 2 of 3: truncated: 4 bytes needed, 1 left");
}

TEST(Reader, refuses_overlong_varints) {
    Reader five("\xff\xff\xff\xff\x0f"sv);
    EXPECT_EQ(five.uvarint(), 0xffffffffu);
    EXPECT_TRUE(five.ok());
    Reader above("\xff\xff\xff\xff\x1f"sv);
    above.uvarint();
    EXPECT_FALSE(above.ok());
    Reader six("\x80\x80\x80\x80\x80\x00"sv);
    six.uvarint();
    EXPECT_FALSE(six.ok());
    Reader cut("\x80"sv);
    cut.varlong();
    EXPECT_FALSE(cut.ok());
}

TEST(Varints, come_back) {
    for (const std::int64_t value :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{63}, std::int64_t{64}, std::int64_t{-65},
          std::int64_t{INT32_MAX}, std::int64_t{INT32_MIN}, INT64_MAX, INT64_MIN}) {
        Bytes out;
        Writer(out).varlong(value);
        EXPECT_EQ(out.size(), varlong_size(value)) << value;
        Reader reader(out);
        EXPECT_EQ(reader.varlong(), value);
        EXPECT_EQ(reader.remaining(), 0u);
        if (value < INT32_MIN || value > INT32_MAX) continue;
        Reader narrow(out);
        EXPECT_EQ(narrow.varint(), value);
    }
}

TEST(Frame, of_metadata_v1_is_what_the_protocol_guide_says) {
    MetadataRequest request;
    request.topics.emplace(1).front().name = "t";
    const auto frame = encode_request({.api = {}, .version = 1, .correlation_id = 7, .client_id = "me"}, request);
    ASSERT_TRUE(frame);
    EXPECT_EQ(*frame, "\0\0\0\x13\0\3\0\1\0\0\0\7\0\2me\0\0\0\1\0\1t"sv);
}

TEST(Frame, null_topics_ask_for_all_and_v0_cannot_say_so) {
    const auto all = encode_request({.api = {}, .version = 9, .correlation_id = 1, .client_id = {}}, MetadataRequest{});
    ASSERT_TRUE(all);
    EXPECT_EQ(*all, "\0\0\0\x10\0\3\0\x09\0\0\0\1\xff\xff\0\0\1\0\0\0"sv);
    const auto v0 = encode_request({.api = {}, .version = 0, .correlation_id = 1, .client_id = {}}, MetadataRequest{});
    ASSERT_FALSE(v0);
    EXPECT_EQ(v0.error().message, "Metadata v0: null array: version 0 needs a value");
}

TEST(Frame, request_header_round_trip) {
    for (const std::int16_t version : {std::int16_t{0}, std::int16_t{3}}) {
        const auto frame = encode_request({.api = {}, .version = version, .correlation_id = -5, .client_id = "c"},
                                          ApiVersionsRequest{"a", "1"});
        ASSERT_TRUE(frame);
        const auto size = frame_size(BytesView(*frame).substr(0, 4));
        ASSERT_TRUE(size);
        EXPECT_EQ(*size + 4, frame->size());
        const auto request = decode_request_header(BytesView(*frame).substr(4));
        ASSERT_TRUE(request) << request.error().message;
        EXPECT_EQ(request->header.api, ApiKey::api_versions);
        EXPECT_EQ(request->header.version, version);
        EXPECT_EQ(request->header.correlation_id, -5);
        EXPECT_EQ(request->header.client_id, "c");
        const auto body = decode<ApiVersionsRequest>(request->body, version);
        ASSERT_TRUE(body) << body.error().message;
        EXPECT_EQ(body->client_software_name, version >= 3 ? "a" : "");
    }
}

TEST(Frame, api_versions_answers_with_header_v0_even_when_flexible) {
    ApiVersionsResponse response;
    response.apis = {{18, 0, 3}};
    const auto frame = encode_response(3, 9, response);
    ASSERT_TRUE(frame);
    EXPECT_EQ(*frame, "\0\0\0\x13\0\0\0\x09\0\0\2\0\x12\0\0\0\3\0\0\0\0\0\0"sv);
    const auto body = decode_response_header(BytesView(*frame).substr(4), ApiKey::api_versions, 3, 9);
    ASSERT_TRUE(body);
    EXPECT_TRUE(decode<ApiVersionsResponse>(*body, 3));
}

TEST(Frame, of_an_unknown_api_versions_version_still_has_a_readable_header) {
    Bytes frame("\0\x12\0\x63\0\0\0\1\0\1c\0\2a\2b\0"sv);
    const auto request = decode_request_header(frame);
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->header.version, 0x63);
    frame[1] = 3;  // The same for Metadata is an error.
    const auto metadata = decode_request_header(frame);
    ASSERT_FALSE(metadata);
    EXPECT_EQ(metadata.error().message, "Metadata version 99: expected 0–12");
}

TEST(Frame, refuses_other_correlation_ids_sizes_and_apis) {
    EXPECT_FALSE(decode_response_header("\0\0\0\1"sv, ApiKey::metadata, 1, 2));
    EXPECT_FALSE(decode_response_header("\0\0\0"sv, ApiKey::metadata, 1, 2));
    EXPECT_FALSE(frame_size("\xff\xff\xff\xff"sv));
    EXPECT_FALSE(frame_size("\x7f\xff\xff\xff"sv));
    EXPECT_FALSE(frame_size("HTTP"sv));
    EXPECT_FALSE(decode_request_header("\x03\xe7\0\0\0\0\0\1\0\1c"sv)) << "API 999";
}

TEST(Decoder, an_array_longer_than_its_message_is_refused_before_it_is_allocated) {
    const auto got = decode<MetadataRequest>("\x7f\xff\xff\xff\0"sv, 1);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().message, "Metadata v1: byte 4 of 5: array of 2147483647 elements, but only 1 bytes left");
}

TEST(Decoder, keeps_within_its_memory_budget) {
    MetadataResponse response;
    response.topics.resize(1000);
    Bytes bytes;
    Encoder encoder(9, true, bytes);
    detail::encode_into(encoder, response);
    MetadataResponse got;
    Decoder decoder(9, true, bytes, 10'000);
    decoder.structure(got);
    EXPECT_FALSE(decoder.finish());
    EXPECT_TRUE(got.topics.empty());
}

TEST(Encoder, refuses_strings_that_do_not_fit) {
    ProduceRequest request;
    request.transactional_id = std::string(40'000, 'x');
    const auto frame = encode_request({.api = {}, .version = 3, .correlation_id = 1, .client_id = {}}, request);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().message, "Produce v3: string of 40000 bytes: at most 32767 fit");
}

TEST(KafkaErrors, have_names_and_meanings) {
    EXPECT_EQ(to_string(KafkaError::not_leader_or_follower), "NOT_LEADER_OR_FOLLOWER");
    EXPECT_EQ(to_string(static_cast<KafkaError>(9999)), "ERROR_9999");
    EXPECT_TRUE(is_retriable(KafkaError::not_controller));
    EXPECT_FALSE(is_retriable(KafkaError::invalid_config));
    const auto status = check(KafkaError::not_controller, "AlterPartitionReassignments", "broker 2");
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::outdated);
    EXPECT_EQ(status.error().message, "AlterPartitionReassignments: NOT_CONTROLLER (41): broker 2");
    EXPECT_TRUE(check(KafkaError::none, "x"));
    for (int code = -1; code <= 129; ++code)
        EXPECT_FALSE(to_string(static_cast<KafkaError>(code)).starts_with("ERROR_")) << code;
}

}  // namespace
}  // namespace medic::wire

// Frames between Kafka 4.1.0's own admin client (or ours) and a Kafka 4.1.0 broker: read, and written again to the same
// bytes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/wire/frame.h"
#include "agent/wire/messages/all.h"

namespace medic::wire {
namespace {

Bytes recorded(const std::string& name) {
    const auto path = std::filesystem::path("agent/wire/testdata/kafka_4.1.0") / name;
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

template <class Request>
Request request_of(const std::string& name) {
    const Bytes frame = recorded(name + ".request.bin");
    const auto view = decode_request_header(frame);
    EXPECT_TRUE(view) << view.error().message;
    if (!view) return {};
    const auto message = decode<Request>(view->body, view->header.version);
    EXPECT_TRUE(message) << message.error().message;
    if (!message) return {};
    EXPECT_EQ(BytesView(*encode_request(view->header, *message)).substr(kSizePrefixBytes), frame);
    return *message;
}

template <class Response>
Response answer_of(const std::string& name, std::int16_t version) {
    const Bytes frame = recorded(name + ".answer.bin");
    Reader reader(frame);
    const std::int32_t id = reader.int32();
    const auto body = decode_response_header(frame, Response::api, version, id);
    EXPECT_TRUE(body) << body.error().message;
    if (!body) return {};
    const auto message = decode<Response>(*body, version);
    EXPECT_TRUE(message) << message.error().message;
    if (!message) return {};
    EXPECT_EQ(BytesView(*encode_response(version, id, *message)).substr(kSizePrefixBytes), frame);
    return *message;
}

TEST(Recorded41, quorum) {
    EXPECT_EQ(request_of<DescribeQuorumRequest>("describe_quorum_v2").topics.at(0).name, "__cluster_metadata");
    const auto answer = answer_of<DescribeQuorumResponse>("describe_quorum_v2", 2);
    const auto& log = answer.topics.at(0).partitions.at(0);
    EXPECT_EQ(log.leader_id, 1);
    ASSERT_EQ(log.voters.size(), 1u);
    EXPECT_GT(log.voters[0].log_end_offset, 0);
    EXPECT_EQ(answer.nodes.at(0).listeners.at(0).name, "CONTROLLER");
}

TEST(Recorded41, client_quotas) {
    EXPECT_TRUE(request_of<DescribeClientQuotasRequest>("describe_client_quotas_v1").components.empty());
    const auto answer = answer_of<DescribeClientQuotasResponse>("describe_client_quotas_v1", 1);
    ASSERT_TRUE(answer.entries);
    ASSERT_EQ(answer.entries->size(), 2u);
    for (const auto& entry : *answer.entries) {
        const bool user = entry.entity.at(0).type == "user";
        EXPECT_EQ(entry.entity[0].name, user ? std::optional<std::string>("alice") : std::nullopt);
        EXPECT_EQ(entry.values.at(0).key, user ? "producer_byte_rate" : "request_percentage");
        EXPECT_EQ(entry.values.at(0).value, user ? 1'048'576 : 12.5);
    }
}

// Not recorded: written out by hand from AlterClientQuotasRequest.json and AlterClientQuotasResponse.json of Kafka 4.1.
TEST(Schema, alter_client_quotas) {
    const auto bytes = [](std::initializer_list<int> all) {
        Bytes text;
        for (const int one : all) text += static_cast<char>(one);
        return text;
    };
    const AlterClientQuotasRequest request{
        .entries = {{.entity = {{"user", "al"}, {"client-id", std::nullopt}},
                     .changes = {{.key = "k", .value = 1.5, .remove = false}, {.key = "r", .remove = true}}}},
        .validate_only = true};
    // The request without its header: entries, entity (type, name), ops (key, float64, remove), validate only.
    const Bytes v0 =
        bytes({0,   0,   0,   1,   0,   0,   0,   2,   0,   4,    'u',  's', 'e', 'r', 0, 2, 'a', 'l', 0,    9,
               'c', 'l', 'i', 'e', 'n', 't', '-', 'i', 'd', 0xff, 0xff, 0,   0,   0,   2, 0, 1,   'k', 0x3f, 0xf8,
               0,   0,   0,   0,   0,   0,   0,   0,   1,   'r',  0,    0,   0,   0,   0, 0, 0,   0,   1,    1});
    // Compact lengths are one more than they say, null is 0, and each struct ends with its tagged fields.
    const Bytes v1 = bytes({2,   3,   5,   'u', 's', 'e', 'r', 3, 'a', 'l',  0,    10, 'c', 'l', 'i', 'e', 'n',
                            't', '-', 'i', 'd', 0,   0,   3,   2, 'k', 0x3f, 0xf8, 0,  0,   0,   0,   0,   0,
                            0,   0,   2,   'r', 0,   0,   0,   0, 0,   0,    0,    0,  1,   0,   0,   1,   0});
    for (const std::int16_t version : {std::int16_t{0}, std::int16_t{1}}) {
        const Bytes& body = version == 0 ? v0 : v1;
        const auto read = decode<AlterClientQuotasRequest>(body, version);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(*read, request);
        const auto frame = encode_request({.version = version, .correlation_id = 7, .client_id = {}}, request);
        ASSERT_TRUE(frame);
        EXPECT_TRUE(frame->ends_with(body)) << version;
    }
    const AlterClientQuotasResponse response{
        .throttle_time_ms = 3,
        .entries = {{.error = KafkaError::invalid_request, .error_message = "no", .entity = {{"user", "al"}}}}};
    const Bytes answer = bytes({0, 0, 0, 3, 2, 0, 42, 3, 'n', 'o', 2, 5, 'u', 's', 'e', 'r', 3, 'a', 'l', 0, 0, 0});
    const auto read = decode<AlterClientQuotasResponse>(answer, 1);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, response);
    EXPECT_TRUE(encode_response(1, 7, response)->ends_with(answer));
}

TEST(Recorded41, transactions) {
    EXPECT_EQ(request_of<ListTransactionsRequest>("list_transactions_v1").states.at(0), "Ongoing");
    const auto listed =
        answer_of<ListTransactionsResponse>("list_transactions_v2", 1);  // Version 1 has the same fields.
    ASSERT_EQ(listed.transactions.size(), 1u);
    EXPECT_EQ(listed.transactions[0].transactional_id, "tx-open");
    EXPECT_EQ(request_of<DescribeTransactionsRequest>("describe_transactions_v0").transactional_ids.at(0), "tx-open");
    const auto described = answer_of<DescribeTransactionsResponse>("describe_transactions_v0", 0);
    ASSERT_EQ(described.transactions.size(), 1u);
    EXPECT_EQ(described.transactions[0].state, "Ongoing");
    EXPECT_EQ(described.transactions[0].timeout_ms, 600'000);
    EXPECT_EQ(described.transactions[0].topics.at(0).partitions, std::vector<std::int32_t>{1});
    EXPECT_EQ(request_of<DescribeProducersRequest>("describe_producers_v0").topics.at(0).name, "t");
    const auto producers = answer_of<DescribeProducersResponse>("describe_producers_v0", 0);
    const auto& partition = producers.topics.at(0).partitions.at(0);
    ASSERT_EQ(partition.producers.size(), 2u);
    EXPECT_EQ(partition.producers[0].transaction_start_offset, -1);
    EXPECT_EQ(partition.producers[1].transaction_start_offset, 100);
}

// Not recorded: written out by hand from WriteTxnMarkersRequest.json and WriteTxnMarkersResponse.json of Kafka 4.1.
TEST(Schema, write_txn_markers) {
    const auto bytes = [](std::initializer_list<int> all) {
        Bytes text;
        for (const int one : all) text += static_cast<char>(one);
        return text;
    };
    const WriteTxnMarkersRequest request{.markers = {{.producer_id = 4000,
                                                      .producer_epoch = 3,
                                                      .commit = false,
                                                      .topics = {{"orders", {0, 2}}},
                                                      .coordinator_epoch = 7}}};
    // Markers: producer id and epoch, false = abort, topics (name, partitions), coordinator epoch.
    const Bytes body = bytes({2,   0,   0, 0, 0, 0, 0, 0x0f, 0xa0, 0, 3, 0, 2, 7, 'o', 'r', 'd', 'e',
                              'r', 's', 3, 0, 0, 0, 0, 0,    0,    0, 2, 0, 0, 0, 0,   7,   0,   0});
    const auto read = decode<WriteTxnMarkersRequest>(body, 1);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, request);
    const auto frame = encode_request({.version = 1, .correlation_id = 7, .client_id = {}}, request);
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame->ends_with(body));
    const WriteTxnMarkersResponse response{
        .markers = {{.producer_id = 4000, .topics = {{"orders", {{2, KafkaError::invalid_producer_epoch}}}}}}};
    const Bytes answer =
        bytes({2, 0, 0, 0, 0, 0, 0, 0x0f, 0xa0, 2, 7, 'o', 'r', 'd', 'e', 'r', 's', 2, 0, 0, 0, 2, 0, 47, 0, 0, 0, 0});
    const auto told = decode<WriteTxnMarkersResponse>(answer, 1);
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(*told, response);
    EXPECT_TRUE(encode_response(1, 7, response)->ends_with(answer));
}

TEST(Recorded41, groups_of_both_protocols) {
    const auto listed = answer_of<ListGroupsResponse>("list_groups_v5", 5);
    ASSERT_EQ(listed.groups.size(), 2u);
    for (const auto& group : listed.groups)
        EXPECT_EQ(group.type, group.group_id == "g-classic" ? "classic" : "consumer");
    EXPECT_EQ(request_of<ConsumerGroupDescribeRequest>("consumer_group_describe_v1").groups.size(), 2u);
    auto described = answer_of<ConsumerGroupDescribeResponse>("consumer_group_describe_v1", 1);
    ASSERT_EQ(described.groups.size(), 2u);
    if (described.groups[0].group_id != "g-consumer") std::swap(described.groups[0], described.groups[1]);
    EXPECT_EQ(described.groups[1].error, KafkaError::group_id_not_found) << "a classic group is none of these";
    EXPECT_EQ(described.groups[0].state, "Stable");
    const auto& member = described.groups[0].members.at(0);
    EXPECT_EQ(member.subscribed_topics, std::vector<std::string>{"t"});
    EXPECT_EQ(member.assignment.topics.at(0).partitions.size(), 3u);
    EXPECT_EQ(member.member_type, 1);
}

TEST(Recorded41, committed_offsets_of_two_groups_in_one_request) {
    EXPECT_EQ(request_of<OffsetFetchRequest>("offset_fetch_v9").groups.size(), 2u);
    const auto answer = answer_of<OffsetFetchResponse>("offset_fetch_v9", 9);
    ASSERT_EQ(answer.groups.size(), 2u);
    for (const auto& group : answer.groups) {
        ASSERT_EQ(group.topics.size(), 1u);
        EXPECT_EQ(group.topics[0].name, "t");
        EXPECT_EQ(group.topics[0].partitions.size(), 3u);
    }
}

}  // namespace
}  // namespace medic::wire

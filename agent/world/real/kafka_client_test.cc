#include "agent/world/real/kafka_client.h"

#include <gtest/gtest.h>

#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_fake_internal.h"

namespace medic {
namespace {

using wire::ApiKey;
using Fate = FakeKafka::Fate;

KafkaClientOptions options_for(const FakeKafka& kafka) { return {.bootstrap = kafka.bootstrap()}; }

TEST(ParseEndpoint, reads_host_and_port) {
    EXPECT_EQ(*parse_endpoint("kafka-1:9092"), (KafkaEndpoint{"kafka-1", 9092}));
    EXPECT_EQ(*parse_endpoint("[::1]:9092"), (KafkaEndpoint{"::1", 9092}));
    EXPECT_EQ(to_string(KafkaEndpoint{"::1", 9092}), "[::1]:9092");
    for (const char* wrong : {"", "kafka", "kafka:", ":9092", "kafka:0", "kafka:65536", "kafka:90x"})
        EXPECT_FALSE(parse_endpoint(wrong)) << wrong;
}

TEST(KafkaClient, learns_the_cluster_from_any_bootstrap_broker_that_answers) {
    FakeKafka kafka(2);
    kafka.stop(0);
    KafkaClient client(options_for(kafka));
    const auto brokers = client.brokers();
    ASSERT_TRUE(brokers) << brokers.error().message;
    EXPECT_EQ(brokers->brokers.size(), 2u);
    EXPECT_EQ(brokers->controller_id, 0);
    EXPECT_EQ(brokers->cluster_id, "fake");
}

TEST(KafkaClient, does_not_believe_a_broker_that_still_starts) {
    FakeKafka kafka(2);
    kafka.starting = {0};
    KafkaClient client(options_for(kafka));
    const auto metadata = client.metadata(std::vector<std::string>{"t"});
    ASSERT_TRUE(metadata) << metadata.error().message;
    EXPECT_EQ(metadata->brokers.size(), 2u);

    FakeKafka young(1);
    young.starting = {0};
    KafkaClient early(options_for(young));
    EXPECT_EQ(early.metadata(std::nullopt).error().code, ErrorCode::unavailable);
    EXPECT_EQ(early.brokers().error().message, "the cluster's metadata names no broker");
}

TEST(KafkaClient, says_what_is_wrong_with_the_bootstrap_list) {
    KafkaClient none({});
    EXPECT_EQ(none.brokers().error().message, "no bootstrap broker given");
    KafkaClient wrong({.bootstrap = {"nonsense"}});
    EXPECT_EQ(wrong.brokers().error().code, ErrorCode::invalid);
    FakeKafka kafka(1);
    kafka.stop(0);
    KafkaClient dead(options_for(kafka));
    EXPECT_EQ(dead.brokers().error().code, ErrorCode::unavailable);
}

TEST(KafkaClient, falls_back_to_api_versions_v0) {
    FakeKafka kafka(1);
    kafka.knows_api_versions_v3 = false;
    KafkaClient client(options_for(kafka));
    EXPECT_TRUE(client.brokers());
    EXPECT_EQ(kafka.requests(ApiKey::api_versions), 2);
}

TEST(KafkaClient, speaks_the_newest_common_version_or_names_both_ranges) {
    FakeKafka kafka(1);
    kafka.versions[ApiKey::metadata] = {1, 5};
    kafka.versions[ApiKey::list_groups] = {99, 100};
    std::int16_t seen = -1;
    kafka.on_request = [&](int, const wire::RequestHeader& header) {
        if (header.api == ApiKey::metadata) seen = header.version;
        return Fate::answer;
    };
    KafkaClient client(options_for(kafka));
    ASSERT_TRUE(client.brokers());
    EXPECT_EQ(seen, 5);
    const auto groups = client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{});
    ASSERT_FALSE(groups);
    EXPECT_EQ(groups.error().code, ErrorCode::invalid);
    EXPECT_NE(groups.error().message.find("speaks ListGroups 99–100, we speak 0–5"), std::string::npos)
        << groups.error().message;
}

TEST(KafkaClient, a_dead_broker_leaves_the_others_answers_alone) {
    FakeKafka kafka(3);
    KafkaClient client(options_for(kafka));
    ASSERT_TRUE(client.brokers());
    kafka.stop(1);
    const auto answers = client.call_every_broker(wire::ListGroupsRequest{});
    ASSERT_TRUE(answers);
    ASSERT_EQ(answers->size(), 3u);
    EXPECT_TRUE(answers->at(0));
    EXPECT_TRUE(answers->at(2));
    ASSERT_FALSE(answers->at(1));
    EXPECT_EQ(answers->at(1).error().code, ErrorCode::unavailable);
}

TEST(KafkaClient, a_frozen_broker_holds_up_only_its_own_call) {
    FakeKafka kafka(2);
    kafka.on_request = [](int broker, const wire::RequestHeader& header) {
        return broker == 1 && header.api == ApiKey::list_groups ? Fate::hang : Fate::answer;
    };
    KafkaClient client(options_for(kafka));
    ASSERT_TRUE(client.brokers());
    Result<wire::ListGroupsResponse> frozen;
    std::jthread caller(
        [&] { frozen = client.call(KafkaTarget::broker(1), wire::ListGroupsRequest{}, Duration{60'000}); });
    kafka.wait_until_hanging();
    EXPECT_TRUE(client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{}));
    kafka.release();
    caller.join();
    ASSERT_FALSE(frozen);
    EXPECT_EQ(frozen.error().code, ErrorCode::unavailable);
}

TEST(KafkaClient, an_unanswered_change_has_an_unknown_outcome_and_an_unanswered_read_has_none) {
    FakeKafka kafka(1);
    kafka.on_request = [](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::delete_topics || header.api == ApiKey::list_groups ? Fate::swallow : Fate::answer;
    };
    KafkaClient client(options_for(kafka));
    EXPECT_EQ(client.call(KafkaTarget::controller(), wire::DeleteTopicsRequest{}).error().code,
              ErrorCode::outcome_unknown);
    EXPECT_EQ(client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{}).error().code, ErrorCode::unavailable);
    kafka.stop(0);
    // Nothing was sent this time.
    EXPECT_EQ(client.call(KafkaTarget::broker(0), wire::DeleteTopicsRequest{}).error().code, ErrorCode::unavailable);
}

TEST(KafkaClient, a_time_out_is_no_answer) {
    FakeKafka kafka(1);
    kafka.on_request = [](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::delete_topics ? Fate::hang : Fate::answer;
    };
    KafkaClient client(options_for(kafka));
    // Connected before, so that the time is the call's alone.
    ASSERT_TRUE(client.call(KafkaTarget::controller(), wire::ListGroupsRequest{}));
    const auto answer = client.call(KafkaTarget::controller(), wire::DeleteTopicsRequest{}, Duration{2'000});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::outcome_unknown);
}

TEST(KafkaClient, finds_a_restarted_broker_again_without_an_error) {
    FakeKafka kafka(1);
    KafkaClient client(options_for(kafka));
    ASSERT_TRUE(client.call(KafkaTarget::controller(), wire::DeleteTopicsRequest{}));
    kafka.stop(0);
    kafka.start(0);
    const auto answer = client.call(KafkaTarget::controller(), wire::DeleteTopicsRequest{});
    EXPECT_TRUE(answer) << answer.error().message;
}

TEST(KafkaClient, stop_ends_a_blocked_call) {
    FakeKafka kafka(1);
    kafka.on_request = [](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::list_groups ? Fate::hang : Fate::answer;
    };
    KafkaClient client(options_for(kafka));
    ASSERT_TRUE(client.brokers());
    Result<wire::ListGroupsResponse> blocked;
    std::jthread caller(
        [&] { blocked = client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{}, Duration{60'000}); });
    kafka.wait_until_hanging();
    client.stop();
    caller.join();
    EXPECT_FALSE(blocked);
    EXPECT_FALSE(client.call(KafkaTarget::broker(0), wire::ListGroupsRequest{}));
}

TEST(KafkaClient, names_an_unknown_topic_and_an_unknown_broker) {
    FakeKafka kafka(1);
    KafkaClient client(options_for(kafka));
    const auto metadata = client.metadata(std::vector<std::string>{"other"});
    ASSERT_TRUE(metadata);
    EXPECT_EQ(metadata->topics.at(0).error, wire::KafkaError::unknown_topic_or_partition);
    EXPECT_EQ(client.call(KafkaTarget::broker(7), wire::ListGroupsRequest{}).error().code, ErrorCode::outdated);
}

}  // namespace
}  // namespace medic

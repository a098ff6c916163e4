// Our own Kafka client, producer and consumer against the embedded brokers: administration, and what is left after a
// broker was killed.
#include <algorithm>
#include <set>

#include "agent/wire/consumer_protocol.h"
#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/placement.h"
#include "agent/world/real/kafka_consumer.h"
#include "agent/world/real/kafka_producer.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

class KafkaClientContract : public ::testing::Test {
protected:
    // A broker is declared dead after 2 s instead of Kafka's 9 s, so that the test need not wait longer.
    KafkaCluster cluster{3, {"broker.session.timeout.ms=2000", "broker.heartbeat.interval.ms=200"}};
    KafkaClient client{{.bootstrap = cluster.bootstrap()}};
};

TEST_F(KafkaClientContract, describes_and_changes_topics) {
    cluster.create_topic("settings", 1, 3);
    wire::IncrementalAlterConfigsRequest alter;
    auto& resource = alter.resources.emplace_back();
    resource.type = static_cast<std::int8_t>(wire::ConfigResource::topic);
    resource.name = "settings";
    resource.configs.push_back({"retention.ms", static_cast<std::int8_t>(wire::ConfigOperation::set), "3600000"});
    const auto altered = client.call(KafkaTarget::controller(), alter);
    ASSERT_TRUE(altered) << altered.error().message;
    ASSERT_TRUE(wire::check(altered->resources.at(0).error, "alter", altered->resources[0].error_message.value_or("")));

    wire::DescribeConfigsRequest describe;
    describe.resources.push_back({.type = resource.type, .name = "settings", .keys = {{"retention.ms"}}});
    const auto has_new_value = [&] {
        const auto described = client.call(KafkaTarget::any(), describe);
        return described && !described->resources.at(0).configs.empty() &&
               described->resources[0].configs[0].value == "3600000";
    };
    EXPECT_TRUE(wait_until(has_new_value));

    wire::DescribeLogDirsRequest sizes;
    const auto log_dirs = client.call_every_broker(sizes);
    ASSERT_TRUE(log_dirs);
    EXPECT_EQ(log_dirs->size(), 3u);
    for (const auto& [broker, answer] : *log_dirs) {
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_GT(answer->log_dirs.at(0).total_bytes, 0) << "broker " << broker;
    }

    wire::DeleteTopicsRequest remove;
    remove.names = {"settings"};
    remove.topics.push_back({.name = "settings"});
    const auto removed = client.call(KafkaTarget::controller(), remove);
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_TRUE(wire::check(removed->topics.at(0).error, "delete"));
    EXPECT_TRUE(wait_until([&] {
        const auto metadata = client.metadata(std::vector<std::string>{"settings"});
        return metadata && metadata->topics.at(0).error == wire::KafkaError::unknown_topic_or_partition;
    }));
}

TEST_F(KafkaClientContract, moves_a_partition_to_other_brokers) {
    cluster.create_topic("moving", 1, 1);
    const auto metadata = client.metadata(std::vector<std::string>{"moving"});
    ASSERT_TRUE(metadata);
    const std::int32_t from = metadata->topics.at(0).partitions.at(0).leader_id;
    const std::int32_t to = from % 3 + 1;
    KafkaProducer producer(client, {});
    for (int i = 0; i < 100; ++i) {
        const std::string value = std::to_string(i);
        ASSERT_TRUE(producer.append({.topic = "moving", .partition = 0, .timestamp_ms = 1, .value = value}));
    }
    ASSERT_TRUE(producer.flush());

    wire::AlterPartitionReassignmentsRequest move;
    move.topics.push_back({.name = "moving", .partitions = {{.partition = 0, .replicas = {{to}}}}});
    const auto started = client.call(KafkaTarget::controller(), move);
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(wire::check(started->topics.at(0).partitions.at(0).error, "move"));
    EXPECT_TRUE(wait_until([&] {
        const auto moving = client.call(KafkaTarget::controller(), wire::ListPartitionReassignmentsRequest{});
        const auto now = client.metadata(std::vector<std::string>{"moving"});
        return moving && moving->topics.empty() && now && now->topics.at(0).partitions.at(0).leader_id == to;
    }));
    // The new leader may hear of it a moment after the broker that was asked above.
    ASSERT_TRUE(wait_until([&] {
        const auto ends = list_offsets(client, {{"moving", 0}}, kFromLatest);
        return ends && ends->at({"moving", 0}) == 100;
    }));
}

TEST_F(KafkaClientContract, loses_and_doubles_nothing_when_a_leader_is_killed) {
    cluster.create_topic("durable", 3, 3);
    KafkaProducer producer(client, {.batch_bytes = 4'000});
    const auto produce = [&](int first, int last) {
        for (int i = first; i < last; ++i) {
            const std::string value = std::to_string(i);
            const auto appended =
                producer.append({.topic = "durable", .timestamp_ms = 1, .key = value, .value = value});
            ASSERT_TRUE(appended) << appended.error().message;
        }
        const auto flushed = producer.flush();
        ASSERT_TRUE(flushed) << flushed.error().message;
    };
    produce(0, 2'000);
    cluster.kill_broker(2);
    produce(2'000, 4'000);
    cluster.start_broker(2);
    EXPECT_TRUE(wait_until([&] {
        const auto metadata = client.metadata(std::vector<std::string>{"durable"});
        return metadata && std::ranges::all_of(metadata->topics.at(0).partitions,
                                               [](const auto& partition) { return partition.isr.size() == 3; });
    })) << "the broker that came back did not catch up";
    produce(4'000, 5'000);
    EXPECT_EQ(producer.acknowledged_records(), 5'000);

    KafkaConsumerOptions options;
    options.client.bootstrap = cluster.bootstrap();
    KafkaConsumer consumer(options);
    ASSERT_TRUE(consumer.assign(
        {{{"durable", 0}, kFromEarliest}, {{"durable", 1}, kFromEarliest}, {{"durable", 2}, kFromEarliest}}));
    std::multiset<int> seen;
    EXPECT_TRUE(wait_until([&] {
        const auto polled = consumer.poll(Duration{500}, [&](const ConsumedRecord& consumed) {
            seen.insert(std::stoi(std::string(consumed.record.value.value_or("-1"))));
        });
        EXPECT_TRUE(polled) << polled.error().message;
        return seen.size() >= 5'000;
    })) << seen.size()
        << " " << consumer.last_trouble();
    EXPECT_EQ(seen.size(), 5'000u);
    EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), 5'000u);
}

TEST_F(KafkaClientContract, sees_the_groups_of_kcat) {
    cluster.create_topic("watched", 2, 3);
    const std::string log = cluster.folder() / "group.out";
    Child member({"kcat", "-b", cluster.bootstrap_list(), "-G", "watchers", "-q", "watched"}, {.out = log, .err = log});
    wire::DescribeGroupsRequest describe;
    describe.groups = {"watchers"};
    Result<wire::DescribeGroupsResponse> described;
    EXPECT_TRUE(wait_until([&] {
        described = client.call(KafkaTarget::coordinator("watchers"), describe);
        return described && described->groups.at(0).state == "Stable";
    }));
    ASSERT_TRUE(described);
    const auto& group = described->groups.at(0);
    ASSERT_EQ(group.members.size(), 1u);
    EXPECT_EQ(group.members[0].client_id, "rdkafka");
    const auto assignment = wire::decode_assignment(group.members[0].assignment);
    ASSERT_TRUE(assignment) << assignment.error().message;
    EXPECT_EQ(assignment->assigned, (std::vector<wire::TopicPartitions>{{"watched", {0, 1}}}));

    const auto lists = client.call_every_broker(wire::ListGroupsRequest{});
    ASSERT_TRUE(lists);
    int found = 0;
    for (const auto& [broker, list] : *lists)
        if (list)
            found += static_cast<int>(
                std::ranges::count(list->groups, "watchers", &wire::ListGroupsResponse::Group::group_id));
    EXPECT_EQ(found, 1) << "exactly one broker coordinates the group";
}

}  // namespace
}  // namespace medic::contract

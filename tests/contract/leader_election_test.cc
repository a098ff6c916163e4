// Preferred-leader elections as the agent sends them, against the embedded brokers: what is elected, what is said of
// what can't be, and that kcat (librdkafka) sees the same leaders.
#include <algorithm>

#include "agent/daemon/kafka_door.h"
#include "agent/wire/messages/placement.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

using wire::KafkaError;

class LeaderElection : public ::testing::Test {
protected:
    void SetUp() override { cluster.create_topic("orders", 6, 3); }

    std::vector<wire::MetadataResponse::Partition> partitions() {
        const auto metadata = client.metadata(std::vector<std::string>{"orders"});
        return metadata ? metadata->topics.at(0).partitions : std::vector<wire::MetadataResponse::Partition>();
    }
    std::size_t displaced() {
        std::size_t count = 0;
        for (const auto& one : partitions()) count += one.leader_id != one.replicas.front() ? 1 : 0;
        return count;
    }
    bool all_in_sync() {
        const auto now = partitions();
        return !now.empty() && std::ranges::all_of(now, [](const auto& one) { return one.isr.size() == 3; });
    }
    // Leaders go elsewhere and stay there, as nobody balances them.
    void restart(int broker) {
        cluster.stop_broker(broker);
        cluster.start_broker(broker);
        ASSERT_TRUE(wait_until([&] { return all_in_sync(); }));
    }
    Result<std::string> elect(std::vector<PartitionOfTopic> what) {
        return change_kafka(client, {.key = "I1/1/1", .cluster = "c", .body = ElectLeaders{std::move(what)}});
    }
    KafkaError answer(const std::string& topic, std::int32_t partition, std::string* message = nullptr) {
        wire::ElectLeadersRequest request;
        request.topics = {{{topic, {partition}}}};
        const auto response = client.call(KafkaTarget::controller(), request);
        if (!response) return KafkaError::network_exception;
        const auto& one = response->topics.at(0).partitions.at(0);
        if (message != nullptr) *message = one.error_message.value_or("");
        return one.error;
    }

    KafkaCluster cluster{3, {"auto.leader.rebalance.enable=false"}};
    KafkaClient client{{.bootstrap = cluster.bootstrap()}};
    std::vector<PartitionOfTopic> all{{"orders", 0}, {"orders", 1}, {"orders", 2},
                                      {"orders", 3}, {"orders", 4}, {"orders", 5}};
};

TEST_F(LeaderElection, GivesBackWhatARestartTookAndDoesNothingTwice) {
    ASSERT_EQ(displaced(), 0U);
    restart(2);
    ASSERT_EQ(displaced(), 2U);
    const auto elected = elect(all);
    ASSERT_TRUE(elected) << elected.error().message;
    EXPECT_EQ(*elected, "6 of 6 are led by their preferred leader");
    EXPECT_TRUE(wait_until([&] { return displaced() == 0; }));
    EXPECT_EQ(elect(all).value_or(""), "6 of 6 are led by their preferred leader");

    const auto listed = cluster.kcat({"-L", "-t", "orders"}).out;
    for (const auto& one : partitions()) {
        const std::string line =
            "partition " + std::to_string(one.partition) + ", leader " + std::to_string(one.replicas.front()) + ",";
        EXPECT_NE(listed.find(line), std::string::npos) << line << "\n" << listed;
    }
}

// As a slow broker is demoted: Kafka takes the same replicas in another order at once, without a new leader or epoch.
TEST_F(LeaderElection, AnotherOrderOfTheSameReplicasMovesNoDataAndLetsAnotherLead) {
    const auto before = partitions();
    AlterReassignments last, back;
    std::vector<PartitionOfTopic> of_2;
    for (const auto& one : before) {
        if (one.replicas.front() != 2) continue;
        const std::vector<int> old(one.replicas.begin(), one.replicas.end());
        back.moves.push_back({"orders", one.partition, old});
        last.moves.push_back({"orders", one.partition, {old[1], old[2], 2}});
        of_2.push_back({"orders", one.partition});
    }
    ASSERT_EQ(of_2.size(), 2U);
    const auto change = [&](OperationBody body) {
        return change_kafka(client, {.key = "I1/1/1", .cluster = "c", .body = std::move(body)});
    };
    const auto led_by_2 = [&] {
        return std::ranges::count(partitions(), 2, &wire::MetadataResponse::Partition::leader_id);
    };
    const auto preferred_2 = [&] {
        return std::ranges::count_if(partitions(), [](const auto& one) { return one.replicas.front() == 2; });
    };

    ASSERT_TRUE(change(last));
    ASSERT_TRUE(wait_until([&] { return preferred_2() == 0; }));
    const auto moving = client.call(KafkaTarget::controller(), wire::ListPartitionReassignmentsRequest{});
    ASSERT_TRUE(moving);
    EXPECT_TRUE(moving->topics.empty()) << "no replica is new, and none goes";
    const auto ordered = partitions();
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        EXPECT_EQ(ordered[i].leader_id, before[i].leader_id) << "an order elects nobody";
        EXPECT_EQ(ordered[i].leader_epoch, before[i].leader_epoch);
        EXPECT_EQ(ordered[i].isr.size(), 3U);
    }
    ASSERT_TRUE(change(ElectLeaders{of_2}));
    EXPECT_TRUE(wait_until([&] { return led_by_2() == 0; }));
    EXPECT_TRUE(all_in_sync());

    ASSERT_TRUE(change(back));
    ASSERT_TRUE(wait_until([&] { return preferred_2() == 2; }));
    EXPECT_EQ(led_by_2(), 0);
    ASSERT_TRUE(change(ElectLeaders{of_2}));
    EXPECT_TRUE(wait_until([&] { return led_by_2() == 2; }));
}

TEST_F(LeaderElection, AnswersAsKafkasControllerDoes) {
    std::string message;
    EXPECT_EQ(answer("orders", 0, &message), KafkaError::election_not_needed);
    EXPECT_EQ(message, "Leader election not needed for topic partition.");
    EXPECT_EQ(answer("no-such", 0, &message), KafkaError::unknown_topic_or_partition);
    EXPECT_EQ(message, "No such topic as no-such");
    EXPECT_EQ(answer("orders", 9, &message), KafkaError::unknown_topic_or_partition);
    EXPECT_EQ(message, "No such partition as orders-9");
    // Of all partitions only those are told of which an election was needed.
    const auto quiet = client.call(KafkaTarget::controller(), wire::ElectLeadersRequest{});
    ASSERT_TRUE(quiet);
    for (const auto& topic : quiet->topics) EXPECT_TRUE(topic.partitions.empty()) << topic.name;
}

TEST_F(LeaderElection, WhatCannotBeElectedIsSaidAndTheRestIsDone) {
    restart(2);
    cluster.stop_broker(3);
    std::vector<PartitionOfTopic> of_2, of_3;
    for (const auto& one : partitions()) {
        if (one.replicas.front() == 2) of_2.push_back({"orders", one.partition});
        if (one.replicas.front() == 3) of_3.push_back({"orders", one.partition});
    }
    ASSERT_EQ(of_2.size(), 2U);
    ASSERT_EQ(of_3.size(), 2U);
    std::string message;
    EXPECT_EQ(answer("orders", of_3[0].partition, &message), KafkaError::preferred_leader_not_available);
    EXPECT_EQ(message, "The preferred leader was not available.");

    const auto none = elect(of_3);
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("PREFERRED_LEADER_NOT_AVAILABLE"), std::string::npos) << none.error().message;
    auto mixed = of_3;
    mixed.insert(mixed.end(), of_2.begin(), of_2.end());
    const auto some = elect(mixed);
    ASSERT_TRUE(some) << some.error().message;
    EXPECT_TRUE(some->starts_with("2 of 4 are led by their preferred leader; ")) << *some;
    EXPECT_FALSE(elect({})) << "nobody means all of them";
}

}  // namespace
}  // namespace medic::contract

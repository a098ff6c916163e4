// A partition whose only in-sync replica is lost, and the unclean election as the agent sends it, against the embedded
// brokers: how far the others' logs reach is told, Kafka takes the first that serves, what only the lost one held is
// gone, and the old leader cuts its log when it comes back. kcat (librdkafka) sees the same.
#include "agent/daemon/kafka_door.h"
#include "agent/wire/messages/list_offsets.h"
#include "agent/wire/messages/placement.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

using wire::KafkaError;

constexpr const char* topic = "orders";

class UncleanElection : public ::testing::Test {
protected:
    void SetUp() override {
        cluster.create_topic(topic, 1, 3);
        replicas = partition().replicas;
        ASSERT_EQ(replicas.size(), 3U);
    }
    wire::MetadataResponse::Partition partition() {
        client.forget_metadata();
        const auto metadata = client.metadata(std::vector<std::string>{topic});
        return metadata && !metadata->topics.empty() && !metadata->topics[0].partitions.empty()
                   ? metadata->topics[0].partitions[0]
                   : wire::MetadataResponse::Partition{};
    }
    std::string produce(int from, int to) {
        std::string lines;
        for (int i = from; i < to; ++i) lines += "record-" + std::to_string(i) + "\n";
        const auto sent = cluster.kcat({"-P", "-t", topic, "-p", "0", "-X", "acks=1"}, lines);
        EXPECT_EQ(sent.exit_code, 0) << sent.err;
        return lines;
    }
    std::string consume() { return cluster.kcat({"-C", "-t", topic, "-p", "0", "-o", "beginning", "-e"}).out; }
    Result<std::string> change(OperationBody body) {
        return change_kafka(client, {.key = "I1/1/1", .cluster = "c", .body = std::move(body)});
    }
    // As the Kafka collector asks a replica that does not lead.
    Result<std::int64_t> end_of_log(std::int32_t broker, std::int32_t replica_id) {
        wire::ListOffsetsRequest request;
        request.replica_id = replica_id;
        request.topics.push_back({topic, {{.partition = 0, .timestamp = wire::kLatestOffset}}});
        MEDIC_TRY(const auto answer, client.call(KafkaTarget::broker(broker), request));
        const auto& one = answer.topics.at(0).partitions.at(0);
        MEDIC_CHECK(wire::check(one.error, "end of log"));
        return one.offset;
    }
    // Everybody has five records, the last in-sync one five more, and then it dies.
    void lose_the_only_one_in_sync() {
        committed = produce(0, 5);
        ASSERT_TRUE(wait_until([&] { return partition().isr.size() == 3; }));
        cluster.stop_broker(replicas[1]);
        cluster.stop_broker(replicas[2]);
        ASSERT_TRUE(wait_until([&] { return partition().isr == std::vector<std::int32_t>{replicas[0]}; }));
        lost = produce(5, 10);
        cluster.kill_broker(replicas[0]);
        cluster.start_broker(replicas[1]);
        cluster.start_broker(replicas[2]);
        ASSERT_TRUE(wait_until([&] {
            const auto now = partition();
            return now.leader_id == -1 && now.offline_replicas == std::vector<std::int32_t>{replicas[0]};
        }));
    }

    KafkaCluster cluster{
        3,
        {"auto.leader.rebalance.enable=false", "broker.session.timeout.ms=2000", "broker.heartbeat.interval.ms=200"}};
    KafkaClient client{{.bootstrap = cluster.bootstrap()}};
    std::vector<std::int32_t> replicas;
    std::string committed, lost;
};

TEST_F(UncleanElection, LetsOneLeadThatWasNotInSyncAndTheOldLeaderCutsItsLog) {
    ASSERT_NO_FATAL_FAILURE(lose_the_only_one_in_sync());
    EXPECT_EQ(partition().isr, std::vector<std::int32_t>{replicas[0]}) << "nobody else holds all of it";
    EXPECT_EQ(end_of_log(replicas[1], -2).value_or(-1), 5);
    EXPECT_EQ(end_of_log(replicas[2], -2).value_or(-1), 5);
    EXPECT_FALSE(end_of_log(replicas[1], -1)) << "a consumer asks leaders only";
    EXPECT_FALSE(change(ElectLeaders{{{topic, 0}}})) << "a preferred election loses nothing, and elects nobody here";

    // Kafka takes the first that serves: the other one is put before it, which moves no data and elects nobody.
    const std::vector<int> order{replicas[2], replicas[0], replicas[1]};
    ASSERT_TRUE(change(AlterReassignments{{{topic, 0, order}}}));
    ASSERT_TRUE(
        wait_until([&] { return partition().replicas == std::vector<std::int32_t>(order.begin(), order.end()); }));
    EXPECT_EQ(partition().leader_id, -1);
    const auto moving = client.call(KafkaTarget::controller(), wire::ListPartitionReassignmentsRequest{});
    ASSERT_TRUE(moving);
    EXPECT_TRUE(moving->topics.empty());

    const auto other = change(ElectUncleanLeader{topic, 0, replicas[1]});
    ASSERT_FALSE(other) << "the loss was estimated for another one";
    EXPECT_EQ(other.error().code, ErrorCode::outdated);
    EXPECT_EQ(partition().leader_id, -1);

    const auto elected = change(ElectUncleanLeader{topic, 0, replicas[2]});
    ASSERT_TRUE(elected) << elected.error().message;
    ASSERT_TRUE(wait_until([&] { return partition().leader_id == replicas[2]; }));
    EXPECT_EQ(consume(), committed);
    const std::string later = produce(20, 23);
    const auto again = change(ElectUncleanLeader{topic, 0, replicas[2]});
    ASSERT_FALSE(again) << "it is led";
    EXPECT_EQ(again.error().code, ErrorCode::outdated);

    cluster.start_broker(replicas[0]);
    ASSERT_TRUE(wait_until([&] { return partition().isr.size() == 3; }));
    EXPECT_EQ(partition().leader_id, replicas[2]);
    EXPECT_EQ(end_of_log(replicas[0], -2).value_or(-1), 8) << "5 of 10, and the 3 that came since";
    EXPECT_EQ(consume(), committed + later);
}

TEST_F(UncleanElection, IsAnsweredAsKafkasControllerDoes) {
    const auto answer = [&](const char* name, std::int32_t number) {
        wire::ElectLeadersRequest request;
        request.election_type = 1;
        request.topics = {{{name, {number}}}};
        const auto response = client.call(KafkaTarget::controller(), request);
        return response ? response->topics.at(0).partitions.at(0).error : KafkaError::network_exception;
    };
    EXPECT_EQ(answer(topic, 0), KafkaError::election_not_needed);
    EXPECT_EQ(answer("no-such", 0), KafkaError::unknown_topic_or_partition);
    EXPECT_EQ(answer(topic, 9), KafkaError::unknown_topic_or_partition);
    EXPECT_FALSE(change(ElectUncleanLeader{"no-such", 0, 1}));
    EXPECT_FALSE(change(ElectUncleanLeader{topic, 9, 1}));
}

}  // namespace
}  // namespace medic::contract

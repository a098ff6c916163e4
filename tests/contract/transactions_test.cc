// A transaction that hangs, on the embedded brokers: what a client that is not ours (librdkafka) reads of it, what the
// brokers tell of it, and that the agent's operation ends that one and no other.
#include "agent/wire/messages/transactions.h"
#include "agent/daemon/kafka_door.h"
#include "agent/wire/messages/list_offsets.h"
#include "engine/workload/kafka_delivery.h"
#include "engine/workload/kafka_reading.h"
#include "engine/workload/open_transaction.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

using engine::workload::KafkaReading;
using wire::KafkaError;
using Isolation = engine::workload::ReadingOptions::Isolation;

constexpr const char* topic = "orders";

// What librdkafka is handed of the topic from its beginning.
class Reader {
public:
    Reader(const std::string& bootstrap, Isolation isolation) {
        auto begun = KafkaReading::begin(bootstrap, {.topic = topic, .isolation = isolation});
        EXPECT_TRUE(begun) << (begun ? "" : begun.error().message);
        if (begun) reading_ = *std::move(begun);
    }
    // Everything up to a record of that value.
    std::vector<std::string> read_to(const std::string& last) {
        std::vector<std::string> values;
        EXPECT_TRUE(wait_until([&] {
            for (std::string& value : reading_->take(Duration(50))) values.push_back(std::move(value));
            return !values.empty() && values.back() == last;
        })) << values.size()
            << " records, the last one is not " << last;
        return values;
    }
    std::vector<std::string> read_for(Duration time) { return reading_->take(time); }

private:
    std::unique_ptr<KafkaReading> reading_;
};

class HangingTransaction : public ::testing::Test {
protected:
    void SetUp() override { cluster.create_topic(topic, 1, 3); }

    void write(const std::string& value) {
        auto delivery = engine::workload::KafkaDelivery::connect(cluster.bootstrap_list());
        ASSERT_TRUE(delivery);
        ASSERT_TRUE((*delivery)->deliver(topic, {{0, "", value}}));
    }
    void leave_open(const std::string& value) {
        const auto left = engine::workload::leave_transaction_open(
            client, {.topic = topic, .partitions = {0}, .value = value, .timestamp_ms = 1'000});
        ASSERT_TRUE(left) << left.error().message;
    }
    std::int32_t leader() {
        client.forget_metadata();
        const auto metadata = client.metadata(std::vector<std::string>{topic});
        return metadata ? metadata->topics.at(0).partitions.at(0).leader_id : -1;
    }
    std::int64_t latest(std::int8_t isolation) {
        wire::ListOffsetsRequest request{.isolation = isolation};
        request.topics.push_back({topic, {{.partition = 0}}});
        const auto answer = client.call(KafkaTarget::broker(leader()), request);
        return answer ? answer->topics.at(0).partitions.at(0).offset : -1;
    }
    // The one producer with an open transaction; nullopt: none, or the leader does not answer.
    std::optional<wire::DescribeProducersResponse::Topic::Partition::Producer> open_one() {
        wire::DescribeProducersRequest request;
        request.topics.push_back({topic, {0}});
        const auto answer = client.call(KafkaTarget::broker(leader()), request);
        if (!answer || answer->topics.at(0).partitions.at(0).error != KafkaError::none) return std::nullopt;
        for (const auto& one : answer->topics[0].partitions[0].producers)
            if (one.transaction_start_offset >= 0) return one;
        return std::nullopt;
    }
    Result<std::string> end_it(const AbortTransaction& what) {
        return change_kafka(client, {.key = "I1/1/1", .cluster = "c", .body = what});
    }

    KafkaCluster cluster{3, {"broker.session.timeout.ms=2000", "broker.heartbeat.interval.ms=200"}};
    KafkaClient client{{.bootstrap = cluster.bootstrap()}};
};

TEST_F(HangingTransaction, HoldsUpReadersOfCommittedRecordsUntilItIsAborted) {
    write("first");
    leave_open("never committed");
    write("second");
    EXPECT_EQ(latest(0), 3);
    EXPECT_EQ(latest(1), 1) << "the last stable offset";
    Reader committed(cluster.bootstrap_list(), Isolation::read_committed),
        all(cluster.bootstrap_list(), Isolation::read_uncommitted);
    EXPECT_EQ(all.read_to("second"), (std::vector<std::string>{"first", "never committed", "second"}));
    EXPECT_EQ(committed.read_to("first"), std::vector<std::string>{"first"});
    EXPECT_TRUE(committed.read_for(Duration(1'500)).empty());

    const auto open = open_one();
    ASSERT_TRUE(open);
    EXPECT_EQ(open->transaction_start_offset, 1);
    EXPECT_EQ(open->last_timestamp_ms, 1'000);
    AbortTransaction what{.topic = topic,
                          .partition = 0,
                          .producer_id = open->producer_id,
                          .producer_epoch = open->producer_epoch,
                          .coordinator_epoch = open->coordinator_epoch,
                          .start_offset = 0};
    EXPECT_EQ(end_it(what).error().code, ErrorCode::outdated) << "another one than was meant";
    EXPECT_EQ(latest(1), 1);
    what.start_offset = 1;
    const auto done = end_it(what);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(committed.read_to("second"), std::vector<std::string>{"second"}) << "aborted records are left out";
    EXPECT_EQ(latest(1), 4);
    EXPECT_FALSE(open_one());
    EXPECT_EQ(end_it(what).error().code, ErrorCode::outdated) << "it is over";
    write("third");
    EXPECT_EQ(committed.read_to("third"), std::vector<std::string>{"third"});
    Reader again(cluster.bootstrap_list(), Isolation::read_committed);
    EXPECT_EQ(again.read_to("third"), (std::vector<std::string>{"first", "second", "third"}));
}

TEST_F(HangingTransaction, OutlivesItsLeaderAndSoDoesItsEnd) {
    leave_open("never committed");
    write("first");
    const auto before = open_one();
    ASSERT_TRUE(before);
    const auto lose_leader = [&] {
        const std::int32_t old = leader();
        cluster.kill_broker(old);
        EXPECT_TRUE(wait_until([&] {
            const std::int32_t now = leader();
            return now >= 0 && now != old;
        }));
        return old;
    };
    cluster.start_broker(lose_leader());
    std::optional<wire::DescribeProducersResponse::Topic::Partition::Producer> open;
    ASSERT_TRUE(wait_until([&] { return (open = open_one()).has_value(); }));
    EXPECT_EQ(open->producer_id, before->producer_id);
    EXPECT_EQ(open->transaction_start_offset, 0);
    const AbortTransaction what{.topic = topic,
                                .partition = 0,
                                .producer_id = open->producer_id,
                                .producer_epoch = open->producer_epoch,
                                .coordinator_epoch = open->coordinator_epoch,
                                .start_offset = 0};
    ASSERT_TRUE(wait_until([&] {
        // Of one whose answer was lost the next try says that it is over.
        const auto done = end_it(what);
        return done || done.error().code == ErrorCode::outdated;
    }));
    cluster.start_broker(lose_leader());
    EXPECT_TRUE(wait_until([&] { return latest(1) == 3; }));
    Reader committed(cluster.bootstrap_list(), Isolation::read_committed);
    EXPECT_EQ(committed.read_to("first"), std::vector<std::string>{"first"});
}

TEST_F(HangingTransaction, IsKnownToNoCoordinator) {
    leave_open("never committed");
    const auto listed = client.call_every_broker(wire::ListTransactionsRequest{});
    ASSERT_TRUE(listed);
    for (const auto& [broker, answer] : *listed) {
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_TRUE(answer->transactions.empty());
    }
    const auto described = client.call(KafkaTarget::any(), wire::DescribeTransactionsRequest{{"payments"}});
    ASSERT_TRUE(described) << described.error().message;
    EXPECT_EQ(described->transactions.at(0).error, KafkaError::not_coordinator);
}

}  // namespace
}  // namespace medic::contract

// A coordinator of which one partition of __consumer_offsets never comes back, against the embedded brokers: who gets
// no answer and who does, and the move of that partition as the agent sends it, after which its groups are served with
// all that they had.
#include <algorithm>

#include "agent/collectors/kafka/kafka.h"
#include "agent/daemon/kafka_door.h"
#include "agent/daemon/kafka_reader.h"
#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/group_offsets.h"
#include "agent/wire/messages/membership.h"
#include "agent/wire/messages/placement.h"
#include "agent/world/real/http_client.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

using wire::KafkaError;

constexpr const char* offsets_topic = "__consumer_offsets";
// Of four partitions "audit" and "billing" lie in the same one, "m" in another (as Java hashes their names).
constexpr int partitions = 4, hanging = 3;

class StuckCoordinator : public ::testing::Test {
protected:
    static std::string at(int port) { return "127.0.0.1:" + std::to_string(port); }
    StuckCoordinator()
        : cluster(
              3,
              {"auto.leader.rebalance.enable=false", "offsets.topic.num.partitions=4",
               "offsets.topic.replication.factor=3"},
              {{1, {"--metrics", at(ports[1])}}, {2, {"--metrics", at(ports[2])}}, {3, {"--metrics", at(ports[3])}}}),
          client({.bootstrap = cluster.bootstrap(), .request_timeout = Duration(3'000)}) {}

    void SetUp() override {
        cluster.create_topic("orders", 1, 3);
        for (const char* group : {"audit", "billing", "m"})
            ASSERT_TRUE(wait_until([&] { return commit(group, 7).has_value(); })) << group;
        ASSERT_TRUE(
            wait_until([&] { return coordinators().size() == partitions && coordinators()[hanging].isr.size() == 3; }));
    }
    std::vector<wire::MetadataResponse::Partition> coordinators() {
        client.forget_metadata();
        auto metadata = client.metadata(std::vector<std::string>{offsets_topic});
        if (!metadata || metadata->topics.empty()) return {};
        auto all = std::move(metadata->topics[0].partitions);
        std::ranges::sort(all, {}, &wire::MetadataResponse::Partition::partition);
        return all;
    }
    // As a client without members commits (kafka-consumer-groups.sh --reset-offsets).
    Status commit(const std::string& group, std::int64_t offset) {
        wire::OffsetCommitRequest request;
        request.group_id = group;
        request.topics.push_back({"orders", {{.partition = 0, .offset = offset}}});
        MEDIC_TRY(const auto answer, client.call(KafkaTarget::coordinator(group), request));
        return wire::check(answer.topics.at(0).partitions.at(0).error, "commit");
    }
    Result<std::string> change(OperationBody body) {
        return change_kafka(client, {.key = "I1/1/1", .cluster = "c", .body = std::move(body)});
    }
    Observation look(KafkaCollector& collector) {
        const auto reader = make_kafka_reader(
            std::make_shared<KafkaClient>(KafkaClientOptions{.bootstrap = cluster.bootstrap()}), Duration(1'000));
        reader->begin();
        return collector.look(*reader, WallTime{1'000});
    }
    static std::optional<double> answers(const Observation& seen, int partition) {
        for (const auto& [labels, value] : seen.samples)
            if (labels.name() == "kafka_coordinator_answers" && labels.get("partition") == std::to_string(partition))
                return value;
        return std::nullopt;
    }

    std::map<int, int> ports{{1, *engine::lasting_port()}, {2, *engine::lasting_port()}, {3, *engine::lasting_port()}};
    KafkaCluster cluster;
    KafkaClient client;
};

TEST_F(StuckCoordinator, KeepsItsOwnGroupsWaitingAndServesThemFromElsewhere) {
    const auto before = coordinators();
    const int old = before[hanging].leader_id;
    KafkaCollector collector({.cluster = "c", .target = "c/kafka"});
    const auto well = look(collector);
    EXPECT_EQ(answers(well, hanging), 1) << well.error;

    const auto blocked = HttpClient().perform(
        {.method = "POST",
         .url = "http://" + at(ports[old]) + "/coordinator-block?partition=" + std::to_string(hanging)});
    ASSERT_TRUE(blocked) << blocked.error().message;
    ASSERT_EQ(blocked->status, 200) << blocked->body;
    for (const char* group : {"audit", "billing"}) EXPECT_FALSE(commit(group, 8)) << group;
    EXPECT_TRUE(commit("m", 8)) << "another partition's groups go on";
    EXPECT_FALSE(client.call(KafkaTarget::broker(old), wire::DescribeGroupsRequest{.groups = {"audit"}}));
    EXPECT_FALSE(client.call(KafkaTarget::broker(old), wire::ListGroupsRequest{})) << "it asks each of its partitions";
    EXPECT_TRUE(client.call(KafkaTarget::broker(old), wire::FindCoordinatorRequest{.key = "audit", .keys = {"audit"}}));
    const auto seen = look(collector);
    EXPECT_EQ(answers(seen, hanging), 0) << seen.error;
    for (const auto& [labels, value] : seen.samples) {
        if (labels.name() != "kafka_coordinator_answers" || labels.get("partition") == std::to_string(hanging))
            continue;
        EXPECT_EQ(value, 1) << labels.get("partition");
    }

    std::vector<int> order;
    for (const int id : before[hanging].replicas)
        if (id != old) order.push_back(id);
    const int heir = order.front();
    order.push_back(old);
    ASSERT_TRUE(change(AlterReassignments{{{offsets_topic, hanging, order}}}));
    ASSERT_TRUE(wait_until([&] { return coordinators()[hanging].replicas.front() == heir; }));
    ASSERT_TRUE(change(ElectLeaders{{{offsets_topic, hanging}}}));
    ASSERT_TRUE(wait_until([&] { return coordinators()[hanging].leader_id == heir; }));

    ASSERT_TRUE(wait_until([&] { return commit("audit", 9).has_value() && commit("billing", 9).has_value(); }));
    EXPECT_TRUE(wait_until([&] {
        return client.call(KafkaTarget::broker(old), wire::ListGroupsRequest{}).has_value();
    })) << "it no longer leads what hangs";
    ASSERT_TRUE(wait_until([&] { return answers(look(collector), hanging) == 1; }));

    // Given back it hangs again: only the end of its process mends it.
    std::vector<int> back(before[hanging].replicas.begin(), before[hanging].replicas.end());
    if (back.front() != old) return;
    ASSERT_TRUE(change(AlterReassignments{{{offsets_topic, hanging, back}}}));
    ASSERT_TRUE(change(ElectLeaders{{{offsets_topic, hanging}}}));
    ASSERT_TRUE(wait_until([&] { return coordinators()[hanging].leader_id == old; }));
    EXPECT_FALSE(commit("audit", 10));
}

TEST_F(StuckCoordinator, TheNextOneKnowsWhatWasCommitted) {
    const auto before = coordinators();
    const int old = before[hanging].leader_id;
    const auto blocked = HttpClient().perform(
        {.method = "POST",
         .url = "http://" + at(ports[old]) + "/coordinator-block?partition=" + std::to_string(hanging)});
    ASSERT_TRUE(blocked && blocked->status == 200);
    std::vector<int> order;
    for (const int id : before[hanging].replicas)
        if (id != old) order.push_back(id);
    order.push_back(old);
    ASSERT_TRUE(change(AlterReassignments{{{offsets_topic, hanging, order}}}));
    ASSERT_TRUE(wait_until([&] { return coordinators()[hanging].replicas.back() == old; }));
    ASSERT_TRUE(change(ElectLeaders{{{offsets_topic, hanging}}}));
    ASSERT_TRUE(wait_until([&] {
        wire::OffsetFetchRequest request{.group_id = "audit"};
        request.groups.push_back({.group_id = "audit", .member_id = {}, .member_epoch = -1, .topics = {}});
        const auto answer = client.call(KafkaTarget::coordinator("audit"), request);
        if (!answer) return false;
        const auto& topics = answer->groups.empty() ? answer->topics : answer->groups[0].topics;
        return !topics.empty() && topics[0].partitions.at(0).offset == 7;
    }));
}

}  // namespace
}  // namespace medic::contract

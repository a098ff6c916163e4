// Dead members taken out of their group as the agent does it, against the embedded brokers: a killed consumer's
// partitions go to who lives at once, and not when its session ends.
#include <algorithm>

#include "agent/daemon/kafka_door.h"
#include "agent/wire/messages/group_admin.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

class GroupMembers : public ::testing::Test {
protected:
    void SetUp() override {
        cluster.create_topic("orders", 2, 3);
        folder = std::filesystem::temp_directory_path() / ("medic-group-members-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    // A consumer of librdkafka. Its session outlasts the test's patience: nothing here ends by itself.
    Child consumer(const std::string& client_id) {
        const std::string out = folder / (client_id + ".out");
        return Child(
            {"kcat", "-b", cluster.bootstrap_list(), "-X", "client.id=" + client_id, "-X", "session.timeout.ms=300000",
             "-X", "max.poll.interval.ms=600000", "-X", "heartbeat.interval.ms=500", "-X", "auto.offset.reset=earliest",
             "-u", "-G", "connect-orders", "orders"},
            {.out = out, .err = folder / (client_id + ".err")});
    }
    wire::DescribeGroupsResponse::Group group() {
        const auto answer = client.call(KafkaTarget::coordinator("connect-orders"),
                                        wire::DescribeGroupsRequest{.groups = {"connect-orders"}});
        return answer && !answer->groups.empty() ? answer->groups.front() : wire::DescribeGroupsResponse::Group{};
    }
    bool stable_with(std::size_t members) {
        const auto now = group();
        return now.state == "Stable" && now.members.size() == members;
    }
    Result<std::string> remove(const std::string& group, std::vector<std::string> client_ids) {
        return change_kafka(client,
                            {.key = "I1/1/1",
                             .cluster = "c",
                             .body = RemoveGroupMembers{{{.group = group, .client_ids = std::move(client_ids)}}}});
    }

    KafkaCluster cluster;
    KafkaClient client{{.bootstrap = cluster.bootstrap()}};
    std::filesystem::path folder;
};

TEST_F(GroupMembers, WhatADeadOneHeldGoesToWhoLives) {
    Child dead = consumer("connector-consumer-orders-0");
    const Child living = consumer("connector-consumer-orders-1");
    ASSERT_TRUE(wait_until([&] { return stable_with(2); })) << group().state;
    dead.stop(SIGKILL);
    ASSERT_EQ(group().members.size(), 2U) << "its session goes on";

    const auto removed = remove("connect-orders", {"connector-consumer-orders-0", "somebody-else"});
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(*removed, "1 members removed");
    ASSERT_TRUE(wait_until([&] { return stable_with(1); })) << group().state;
    EXPECT_EQ(group().members.front().client_id, "connector-consumer-orders-1");
    for (const char* record : {"a", "b", "c", "d", "e", "f", "g", "h"})
        ASSERT_EQ(cluster.kcat({"-P", "-t", "orders", "-X", "partitioner=random"}, record).exit_code, 0);
    const std::string out = folder / "connector-consumer-orders-1.out";
    EXPECT_TRUE(wait_until([&] {
        const std::string got = read_file(out);
        return std::ranges::count(got, '\n') == 8;
    })) << read_file(out);
}

// Somebody else may act by then.
TEST_F(GroupMembers, OnceTheTimeIsOverNoFurtherOneIsRemoved) {
    Child first = consumer("connector-consumer-orders-0"), second = consumer("connector-consumer-orders-1");
    ASSERT_TRUE(wait_until([&] { return stable_with(2); })) << group().state;
    first.stop(SIGKILL);
    second.stop(SIGKILL);
    const Operation both{
        .key = "I1/1/1",
        .cluster = "c",
        .body = RemoveGroupMembers{{{.group = "connect-orders",
                                     .client_ids = {"connector-consumer-orders-0", "connector-consumer-orders-1"}}}}};
    // Over after two calls: whom the group has, and one who leaves it.
    int calls = 0;
    const TimeLeft time(Instant(Duration{10'000}), [&] { return Instant(Duration{++calls > 2 ? 10'000 : 0}); });
    const auto removed = change_kafka(client, both, time);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().message, "1 members removed, then: not sent: the operation's time is over");
    EXPECT_EQ(group().members.size(), 1U);
}

TEST_F(GroupMembers, NobodyThereIsAsItShouldBe) {
    Result<std::string> removed;
    // A cluster that has just begun has no coordinator for a moment.
    ASSERT_TRUE(wait_until([&] {
        removed = remove("connect-orders", {"connector-consumer-orders-0"});
        return removed.has_value();
    })) << removed.error().message;
    EXPECT_EQ(*removed, "0 members removed");
}

// The one that lives finds its place again by itself: to remove it by mistake costs a moment.
TEST_F(GroupMembers, WhoLivesJoinsAgain) {
    const Child living = consumer("connector-consumer-orders-1");
    ASSERT_TRUE(wait_until([&] { return stable_with(1); })) << group().state;
    const std::string before = group().members.front().member_id;
    EXPECT_EQ(remove("connect-orders", {"connector-consumer-orders-1"}).value_or(""), "1 members removed");
    EXPECT_TRUE(wait_until([&] { return stable_with(1) && group().members.front().member_id != before; }));
}

}  // namespace
}  // namespace medic::contract

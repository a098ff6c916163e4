// What the embedded brokers do when something breaks: processes killed, disks full, the controller gone.
#include <algorithm>
#include <set>

#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/list_offsets.h"
#include "agent/wire/messages/membership.h"
#include "agent/wire/messages/produce.h"
#include "agent/wire/records.h"
#include "agent/world/real/http_client.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {
using wire::KafkaError;

// Sessions as short as a busy machine allows: a paused broker must not lose its session by accident.
const std::vector<std::string> short_sessions = {"broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=300",
                                                 "group.initial.rebalance.delay.ms=0"};

std::string numbers(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += "record-" + std::to_string(i) + "\n";
    return text;
}

class BrokerFaults : public ::testing::Test {
protected:
    void up(std::vector<std::string> config = short_sessions, std::map<int, std::vector<std::string>> arguments = {}) {
        cluster_ = std::make_unique<KafkaCluster>(3, std::move(config), std::move(arguments));
        client_ = std::make_unique<KafkaClient>(KafkaClientOptions{.bootstrap = cluster_->bootstrap()});
    }
    wire::MetadataResponse::Partition partition(const std::string& topic) {
        client_->forget_metadata();
        const auto metadata = client_->metadata(std::vector<std::string>{topic});
        if (!metadata || metadata->topics.at(0).partitions.empty()) return {};
        return metadata->topics[0].partitions[0];
    }
    bool wait_for_isr(const std::string& topic, std::size_t size) {
        return wait_until([&] { return partition(topic).isr.size() == size; });
    }
    void produce(const std::string& topic, const std::string& lines) {
        const auto produced =
            cluster_->kcat({"-P", "-t", topic, "-X", "acks=all", "-X", "enable.idempotence=true"}, lines);
        ASSERT_EQ(produced.exit_code, 0) << produced.err;
    }
    std::string consume(const std::string& topic) {
        return cluster_->kcat({"-C", "-t", topic, "-o", "beginning", "-e", "-q"}).out;
    }
    // One batch, straight to one broker, without retries.
    KafkaError produce_once(const std::string& topic, std::int32_t broker, const std::string& batch) {
        wire::ProduceRequest request;
        request.topics.push_back({.name = topic, .partitions = {{.partition = 0, .records = batch}}});
        const auto response = client_->call(KafkaTarget::broker(broker), request);
        return response ? response->topics.at(0).partitions.at(0).error : KafkaError::network_exception;
    }
    static std::string batch(std::int64_t producer_id, std::int32_t sequence, const std::string& value) {
        wire::BatchBuilder builder({.producer_id = producer_id,
                                    .producer_epoch = static_cast<std::int16_t>(producer_id < 0 ? -1 : 0),
                                    .base_sequence = sequence});
        builder.append(1'000, std::nullopt, value);
        std::string bytes;
        EXPECT_TRUE(builder.finish(bytes));
        return bytes;
    }
    void set_config(const std::string& topic, const std::string& key, const std::string& value) {
        alter(wire::ConfigResource::topic, topic, key, value);
    }
    // No value: back to the default.
    void alter(wire::ConfigResource type, const std::string& name, const std::string& key,
               const std::optional<std::string>& value) {
        const auto operation = value ? wire::ConfigOperation::set : wire::ConfigOperation::remove;
        wire::IncrementalAlterConfigsRequest request;
        request.resources.push_back(
            {.type = static_cast<std::int8_t>(type),
             .name = name,
             .configs = {{.name = key, .operation = static_cast<std::int8_t>(operation), .value = value}}});
        const auto response = client_->call(KafkaTarget::controller(), request);
        ASSERT_TRUE(response) << response.error().message;
        ASSERT_EQ(response->resources.at(0).error, KafkaError::none);
    }
    std::string log_of(int broker, const std::string& topic) {
        return read_file(cluster_->log_dir(broker) / (topic + "-0") / "00000000000000000000.log");
    }

    std::unique_ptr<KafkaCluster> cluster_;
    std::unique_ptr<KafkaClient> client_;
};

// Held to a byte a second it would take eight times eleven seconds: a portion is a megabyte, a mean goes over eleven.
TEST_F(BrokerFaults, a_throttled_replica_catches_up_only_once_the_throttle_is_gone) {
    up();
    cluster_->create_topic("held", 1, 3);
    cluster_->create_topic("free", 1, 3);
    int follower = 1;
    while (follower == partition("held").leader_id || follower == partition("free").leader_id) ++follower;
    cluster_->stop_broker(follower);
    ASSERT_TRUE(wait_for_isr("held", 2) && wait_for_isr("free", 2));
    produce("free", numbers(1, 10));
    std::string lines;
    for (int i = 0; i < 8'000; ++i) lines += std::string(1'000, static_cast<char>('a' + i % 26)) + "\n";
    produce("held", lines);
    const std::string id = std::to_string(follower);
    const char* const rate = "follower.replication.throttled.rate";
    set_config("held", "follower.replication.throttled.replicas", "0:" + id);
    alter(wire::ConfigResource::broker, id, rate, "1");
    cluster_->start_broker(follower);
    ASSERT_TRUE(wait_for_isr("free", 3)) << "in the same fetches";
    EXPECT_EQ(partition("held").isr.size(), 2U);

    alter(wire::ConfigResource::topic, "held", "follower.replication.throttled.replicas", std::nullopt);
    EXPECT_TRUE(wait_for_isr("held", 3));
    alter(wire::ConfigResource::broker, id, rate, std::nullopt);
}

TEST_F(BrokerFaults, a_killed_leader_is_replaced_and_catches_up_when_it_is_back) {
    up();
    cluster_->create_topic("durable", 1, 3);
    produce("durable", numbers(1, 500));
    const int first = partition("durable").leader_id;
    cluster_->kill_broker(first);
    ASSERT_TRUE(wait_until([&] {
        const int leader = partition("durable").leader_id;
        return leader > 0 && leader != first;
    }));
    produce("durable", numbers(501, 1'000));
    cluster_->start_broker(first);
    ASSERT_TRUE(wait_for_isr("durable", 3));
    EXPECT_EQ(consume("durable"), numbers(1, 1'000));
    const std::string leaders_log = log_of(partition("durable").leader_id, "durable");
    EXPECT_FALSE(leaders_log.empty());
    for (const int id : {1, 2, 3}) EXPECT_TRUE(wait_until([&] { return log_of(id, "durable") == leaders_log; })) << id;
}

TEST_F(BrokerFaults, a_batch_sent_again_is_stored_once_even_by_the_next_leader_and_after_a_restart) {
    up();
    cluster_->create_topic("once", 1, 3);
    const int first = partition("once").leader_id;
    const std::string sent = batch(77, 0, "only-once");
    ASSERT_EQ(produce_once("once", first, sent), KafkaError::none);
    ASSERT_EQ(produce_once("once", first, sent), KafkaError::none);
    cluster_->kill_broker(first);
    ASSERT_TRUE(wait_until([&] {
        const int leader = partition("once").leader_id;
        return leader > 0 && leader != first && produce_once("once", leader, sent) == KafkaError::none;
    }));
    EXPECT_EQ(consume("once"), "only-once\n");
    cluster_->start_broker(first);
    ASSERT_TRUE(wait_for_isr("once", 3));
    const int second = partition("once").leader_id;
    EXPECT_EQ(cluster_->stop_broker(second), 0);
    cluster_->start_broker(second);
    ASSERT_TRUE(wait_for_isr("once", 3));
    EXPECT_TRUE(
        wait_until([&] { return produce_once("once", partition("once").leader_id, sent) == KafkaError::none; }));
    EXPECT_EQ(produce_once("once", partition("once").leader_id, batch(77, 5, "gap")),
              KafkaError::out_of_order_sequence_number);
    EXPECT_EQ(consume("once"), "only-once\n");
}

TEST_F(BrokerFaults, acks_of_all_are_refused_below_min_insync_replicas) {
    up();
    cluster_->create_topic("safe", 1, 3);
    set_config("safe", "min.insync.replicas", "3");
    const int leader = partition("safe").leader_id;
    ASSERT_TRUE(wait_until([&] { return produce_once("safe", leader, batch(-1, -1, "a")) == KafkaError::none; }));
    cluster_->kill_broker(leader == 1 ? 2 : 1);
    ASSERT_TRUE(wait_for_isr("safe", 2));
    EXPECT_TRUE(wait_until(
        [&] { return produce_once("safe", leader, batch(-1, -1, "b")) == KafkaError::not_enough_replicas; }));
    set_config("safe", "min.insync.replicas", "2");
    EXPECT_TRUE(wait_until([&] { return produce_once("safe", leader, batch(-1, -1, "c")) == KafkaError::none; }));
}

TEST_F(BrokerFaults, a_clean_stop_moves_leaders_first) {
    // Sessions outlast the test: only the stop itself can move the leader.
    up({"broker.session.timeout.ms=600000", "group.initial.rebalance.delay.ms=0"});
    cluster_->create_topic("moved", 1, 3);
    produce("moved", numbers(1, 10));
    const int leader = partition("moved").leader_id;
    EXPECT_EQ(cluster_->stop_broker(leader), 0);
    EXPECT_TRUE(wait_until([&] {  // Any broker answers, perhaps one that has not heard of it yet.
        const int now = partition("moved").leader_id;
        return now > 0 && now != leader;
    }));
    produce("moved", numbers(11, 20));
    EXPECT_EQ(consume("moved"), numbers(1, 20));
}

TEST_F(BrokerFaults, without_the_controller_data_flows_and_changes_wait_for_it) {
    up();
    cluster_->create_topic("flows", 1, 3);
    cluster_->kill_controller();
    ASSERT_TRUE(wait_until([&] {
        client_->forget_metadata();
        const auto known = client_->brokers();
        return known && known->controller_id == -1;
    })) << "clients are told that nobody decides";
    EXPECT_EQ(produce_once("flows", partition("flows").leader_id, batch(-1, -1, "still here")), KafkaError::none);
    EXPECT_EQ(consume("flows"), "still here\n");
    cluster_->start_controller();
    ASSERT_TRUE(wait_until([&] {
        client_->forget_metadata();
        const auto known = client_->brokers();
        return known && known->controller_id > 0;
    }));
    cluster_->create_topic("later", 1, 3);
    EXPECT_EQ(partition("flows").isr.size(), 3u) << "nobody was fenced for the controller's own absence";
    produce("later", numbers(1, 3));
    EXPECT_EQ(consume("later"), numbers(1, 3));
}

TEST_F(BrokerFaults, a_full_disk_goes_offline_leaders_leave_and_growing_it_brings_it_back) {
    const int port = *engine::lasting_port();
    up(short_sessions, {{2, {"--log-dir-capacity", "3000000", "--metrics", "127.0.0.1:" + std::to_string(port)}}});
    cluster_->create_topic("growing", 1, 3);
    const std::string large(100'000, 'x');
    const auto dir = [&]() -> wire::DescribeLogDirsResponse::LogDir {
        const auto response = client_->call(KafkaTarget::broker(2), wire::DescribeLogDirsRequest{});
        return response && !response->log_dirs.empty() ? response->log_dirs[0]
                                                       : wire::DescribeLogDirsResponse::LogDir{};
    };
    EXPECT_EQ(dir().total_bytes, 3'000'000);
    EXPECT_EQ(dir().error, KafkaError::none);
    int stored = 0;
    const bool failed = wait_until([&] {
        const auto leader = partition("growing").leader_id;
        if (leader > 0 && produce_once("growing", leader, batch(-1, -1, large)) == KafkaError::none) ++stored;
        return dir().error == KafkaError::kafka_storage_error;
    });
    ASSERT_TRUE(failed);
    EXPECT_GE(stored, 25) << "3 MB hold at least 25 records of 100 kB";
    ASSERT_TRUE(wait_for_isr("growing", 2));
    EXPECT_NE(partition("growing").leader_id, 2);
    const auto offline = partition("growing").offline_replicas;
    EXPECT_EQ(std::ranges::count(offline, 2), 1);
    EXPECT_TRUE(wait_until([&] {
        return produce_once("growing", partition("growing").leader_id, batch(-1, -1, "others serve on")) ==
               KafkaError::none;
    }));

    const std::string url = "http://127.0.0.1:" + std::to_string(port);
    HttpClient http;
    const auto page = http.perform({.url = url + "/metrics"});
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_NE(page->body.find("kafka_log_logmanager_offlinelogdirectorycount 1"), std::string::npos);
    const auto shrunk = http.perform({.method = "POST", .url = url + "/log-dir-capacity?bytes=1000"});
    EXPECT_TRUE(shrunk && shrunk->status == 400);
    const auto grown = http.perform({.method = "POST", .url = url + "/log-dir-capacity?bytes=50000000"});
    ASSERT_TRUE(grown && grown->status == 200);
    ASSERT_TRUE(wait_for_isr("growing", 3));
    EXPECT_EQ(dir().error, KafkaError::none);
    EXPECT_EQ(dir().total_bytes, 50'000'000);
    cluster_->stop_broker(2);
    cluster_->start_broker(2);
    ASSERT_TRUE(wait_until([&] { return dir().total_bytes == 50'000'000; })) << "the new capacity is persisted";
}

TEST_F(BrokerFaults, retention_set_at_run_time_frees_the_disk) {
    auto config = short_sessions;
    config.push_back("log.retention.check.interval.ms=200");
    up(config);
    cluster_->create_topic("debug", 1, 3);
    produce("debug", numbers(1, 1'000));
    const auto used = [&] {
        std::size_t bytes = 0;
        for (const int id : {1, 2, 3}) bytes += log_of(id, "debug").size();
        return bytes;
    };
    EXPECT_GT(used(), 0u);
    set_config("debug", "retention.ms", "1");
    EXPECT_TRUE(wait_until([&] { return used() == 0; }));
    wire::ListOffsetsRequest request;
    request.topics.push_back({.name = "debug", .partitions = {{.partition = 0, .timestamp = wire::kEarliestOffset}}});
    EXPECT_TRUE(wait_until([&] {
        const auto offsets = client_->call(KafkaTarget::broker(partition("debug").leader_id), request);
        return offsets && offsets->topics.at(0).partitions.at(0).offset == 1'000;
    }));
}

TEST_F(BrokerFaults, committed_offsets_survive_their_coordinator) {
    up();
    cluster_->create_topic("read", 1, 3);
    produce("read", numbers(1, 10));
    const auto first = cluster_->kcat({"-G", "readers", "-c", "4", "-q", "-X", "auto.offset.reset=earliest", "read"});
    ASSERT_EQ(first.exit_code, 0) << first.err;
    EXPECT_EQ(first.out, numbers(1, 4));
    client_->forget_metadata();
    const auto groups = client_->metadata(std::vector<std::string>{"__consumer_offsets"});
    ASSERT_TRUE(groups);
    std::set<int> leaders;
    for (const auto& partition : groups->topics.at(0).partitions) leaders.insert(partition.leader_id);
    ASSERT_EQ(leaders.size(), 3u);
    // Kill whoever coordinates: the next leader of that partition reads what was replicated to it.
    wire::FindCoordinatorRequest request;
    request.key = "readers";
    request.keys = {"readers"};
    const auto found = client_->call(KafkaTarget::any(), request);
    ASSERT_TRUE(found);
    const int coordinator = found->node_id > 0 ? found->node_id : found->coordinators.at(0).node_id;
    cluster_->kill_broker(coordinator);
    const auto second = cluster_->kcat({"-G", "readers", "-c", "6", "-q", "-X", "auto.offset.reset=earliest", "read"});
    ASSERT_EQ(second.exit_code, 0) << second.err;
    EXPECT_EQ(second.out, numbers(5, 10));
}

}  // namespace
}  // namespace medic::contract

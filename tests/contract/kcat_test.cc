// kcat and librdkafka, as users have them, against the embedded brokers.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <memory>
#include <set>

#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t at = 0;
    for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
        lines.push_back(text.substr(at, end - at));
    std::ranges::sort(lines);
    return lines;
}

std::string numbers(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += "record-" + std::to_string(i) + "\n";
    return text;
}

class Kcat : public ::testing::Test {
protected:
    static void SetUpTestSuite() { cluster = new KafkaCluster(); }
    static void TearDownTestSuite() {
        delete cluster;
        cluster = nullptr;
    }
    static KafkaCluster* cluster;
};
KafkaCluster* Kcat::cluster = nullptr;

TEST_F(Kcat, lists_brokers_topics_and_replicas) {
    cluster->create_topic("listed", 2, 3);
    const auto listed = cluster->kcat({"-L"});
    EXPECT_EQ(listed.exit_code, 0) << listed.err;
    EXPECT_NE(listed.out.find(" 3 brokers:"), std::string::npos) << listed.out;
    EXPECT_NE(listed.out.find("topic \"listed\" with 2 partitions:"), std::string::npos) << listed.out;
}

class KcatCompression : public Kcat, public ::testing::WithParamInterface<const char*> {};

TEST_P(KcatCompression, comes_back_as_it_was_produced) {
    const std::string topic = std::string("packed-") + GetParam();
    cluster->create_topic(topic, 1, 3);
    std::string input;
    for (int i = 0; i < 500; ++i) input += fmt::format("key-{}:value {} value value value\n", i, i);
    const auto produced =
        cluster->kcat({"-P", "-t", topic, "-z", GetParam(), "-K", ":", "-H", "trace=abc", "-X", "acks=all"}, input);
    ASSERT_EQ(produced.exit_code, 0) << produced.err;
    const auto consumed = cluster->kcat({"-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%k:%s\n"});
    EXPECT_EQ(consumed.exit_code, 0) << consumed.err;
    EXPECT_EQ(consumed.out, input);
    const auto header = cluster->kcat({"-C", "-t", topic, "-o", "10", "-c", "1", "-q", "-f", "%o %h"});
    EXPECT_EQ(header.out, "10 trace=abc");
}

INSTANTIATE_TEST_SUITE_P(All, KcatCompression, ::testing::Values("none", "gzip", "snappy", "lz4", "zstd"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(Kcat, produces_idempotently_with_acks_of_all_replicas) {
    cluster->create_topic("exact", 3, 3);
    for (int run = 0; run < 2; ++run) {
        const auto produced =
            cluster->kcat({"-P", "-t", "exact", "-X", "enable.idempotence=true", "-X", "batch.num.messages=50"},
                          numbers(run * 500 + 1, run * 500 + 500));
        ASSERT_EQ(produced.exit_code, 0) << produced.err;
    }
    const auto consumed = cluster->kcat({"-C", "-t", "exact", "-o", "beginning", "-e", "-q"});
    EXPECT_EQ(lines_of(consumed.out), lines_of(numbers(1, 1000)));
}

TEST_F(Kcat, group_consumers_go_on_where_the_group_stopped) {
    cluster->create_topic("grouped", 4, 3);
    ASSERT_EQ(cluster->kcat({"-P", "-t", "grouped"}, numbers(1, 300)).exit_code, 0);
    const std::vector<std::string> read = {"-G", "the-group", "-q", "-X", "auto.offset.reset=earliest", "-c"};
    const auto run = [&](int count) {
        auto arguments = read;
        arguments.insert(arguments.end(), {std::to_string(count), "grouped"});
        return cluster->kcat(arguments);
    };
    const auto first = run(300);
    EXPECT_EQ(lines_of(first.out), lines_of(numbers(1, 300))) << first.err;
    ASSERT_EQ(cluster->kcat({"-P", "-t", "grouped"}, numbers(301, 400)).exit_code, 0);
    const auto second = run(100);
    EXPECT_EQ(lines_of(second.out), lines_of(numbers(301, 400))) << second.err;
}

struct Destroy {
    void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
    void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
    void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};

class Consumer {
public:
    Consumer(const std::string& bootstrap, const char* group, const char* topic) {
        rd_kafka_conf_t* conf = rd_kafka_conf_new();
        char error[512];
        const auto set = [&](const char* key, const char* value) {
            ASSERT_EQ(rd_kafka_conf_set(conf, key, value, error, sizeof error), RD_KAFKA_CONF_OK) << error;
        };
        set("bootstrap.servers", bootstrap.c_str());
        set("group.id", group);
        set("auto.offset.reset", "earliest");
        set("session.timeout.ms", "6000");  // The lowest that brokers accept by default.
        set("heartbeat.interval.ms", "500");
        client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error));
        EXPECT_TRUE(client_) << error;
        rd_kafka_poll_set_consumer(client_.get());
        const std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy> topics(rd_kafka_topic_partition_list_new(1));
        rd_kafka_topic_partition_list_add(topics.get(), topic, RD_KAFKA_PARTITION_UA);
        EXPECT_EQ(rd_kafka_subscribe(client_.get(), topics.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
    }

    // Takes everything that is there, waiting a moment for the first.
    void poll() {
        for (int patience_ms = 50;; patience_ms = 0) {
            const std::unique_ptr<rd_kafka_message_t, Destroy> message(
                rd_kafka_consumer_poll(client_.get(), patience_ms));
            if (!message) return;
            if (!message->err) seen.emplace(static_cast<const char*>(message->payload), message->len);
        }
    }

    [[nodiscard]] std::set<int> partitions() const {
        rd_kafka_topic_partition_list_t* list = nullptr;
        std::set<int> assigned;
        if (rd_kafka_assignment(client_.get(), &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return assigned;
        const std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy> owned(list);
        for (int i = 0; i < list->cnt; ++i) assigned.insert(list->elems[i].partition);
        return assigned;
    }

    void leave() { rd_kafka_consumer_close(client_.get()); }

    std::multiset<std::string> seen;

private:
    std::unique_ptr<rd_kafka_t, Destroy> client_;
};

TEST_F(Kcat, two_librdkafka_consumers_share_a_group_and_one_takes_over) {
    cluster->create_topic("shared", 4, 3);
    Consumer first(cluster->bootstrap_list(), "sharing", "shared");
    ASSERT_TRUE(wait_until([&] {
        first.poll();
        return first.partitions().size() == 4;
    })) << "alone it gets everything";

    Consumer second(cluster->bootstrap_list(), "sharing", "shared");
    ASSERT_TRUE(wait_until([&] {
        first.poll();
        second.poll();
        return first.partitions().size() == 2 && second.partitions().size() == 2;
    })) << "two share evenly";
    std::set<int> all = first.partitions();
    all.merge(second.partitions());
    EXPECT_EQ(all, (std::set<int>{0, 1, 2, 3}));

    ASSERT_EQ(cluster->kcat({"-P", "-t", "shared"}, numbers(1, 200)).exit_code, 0);
    ASSERT_TRUE(wait_until([&] {
        first.poll();
        second.poll();
        return first.seen.size() + second.seen.size() >= 200;
    }));

    second.leave();
    ASSERT_TRUE(wait_until([&] {
        first.poll();
        return first.partitions().size() == 4;
    })) << "the one that stays takes over";
    ASSERT_EQ(cluster->kcat({"-P", "-t", "shared"}, numbers(201, 300)).exit_code, 0);
    ASSERT_TRUE(wait_until([&] {
        first.poll();
        return first.seen.size() + second.seen.size() >= 300;
    }));
    std::multiset<std::string> seen = first.seen;
    seen.merge(second.seen);
    const auto expected = lines_of(numbers(1, 300));
    EXPECT_EQ(seen, std::multiset<std::string>(expected.begin(), expected.end()))
        << "nothing is lost, nothing read twice";
    first.leave();
}

}  // namespace
}  // namespace medic::contract

// Our Kafka calls against Kafka's own command-line tools, on live brokers: the same answers. What moves
// meanwhile is asked before and after, and the tool's figure has to lie between. `make test-live` runs it.
#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "agent/collectors/kafka/kafka.h"
#include "agent/daemon/kafka_door.h"
#include "agent/daemon/kafka_reader.h"
#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/topics.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/kafka_client.h"
#include "engine/workload/open_transaction.h"
#include "tests/live/live_internal.h"

namespace medic::live {
namespace {

using nlohmann::json;
using Partition = std::pair<std::string, std::int32_t>;

const std::set<std::string> user_topics = {"orders", "order-totals", "inventory"};

class KafkaTools : public ::testing::Test {
protected:
    void SetUp() override {
        if (data_folder().empty()) GTEST_SKIP() << "MEDIC_LIVE_DATA names no platform: run `make test-live`";
        const json live = json::parse(text_of(data_folder() + "/live.json"));
        old_tools_ = live.at("kafka").get<std::string>().starts_with("3.6");
        zookeeper_ = live.value("zookeeper", false);
        std::vector<std::string> addresses;
        std::istringstream list(bootstrap());
        for (std::string one; std::getline(list, one, ',');) addresses.push_back(one);
        client_ = std::make_shared<KafkaClient>(KafkaClientOptions{.bootstrap = addresses});
        reader_ = make_kafka_reader(client_, Duration(10'000));
    }

    [[nodiscard]] std::string tool(const std::string& main_class, std::vector<std::string> arguments) const {
        return run_kafka_tool(main_class, std::move(arguments));
    }

    [[nodiscard]] std::map<Partition, std::int64_t> ends(const std::string& topic) const {
        std::map<Partition, std::int64_t> found;
        const auto metadata = client_->metadata(std::vector<std::string>{topic});
        EXPECT_TRUE(metadata);
        if (!metadata) return found;
        for (const auto& partition : metadata->topics.at(0).partitions) {
            wire::ListOffsetsRequest request;
            request.topics.push_back({.name = topic,
                                      .partitions = {{.partition = partition.partition,
                                                      .current_leader_epoch = -1,
                                                      .timestamp = wire::kLatestOffset}}});
            const auto answer = reader_->offsets(partition.leader_id, request);
            EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
            if (answer) found[{topic, partition.partition}] = answer->topics.at(0).partitions.at(0).offset;
        }
        return found;
    }

    [[nodiscard]] std::map<Partition, std::int64_t> committed(const std::string& group) const {
        std::map<Partition, std::int64_t> found;
        const auto coordinator = coordinator_of(group);
        EXPECT_TRUE(coordinator) << "no broker lists the group " << group;
        if (!coordinator) return found;
        const auto answer = reader_->committed(*coordinator, {group});
        EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
        if (!answer || answer->empty()) return found;
        for (const auto& topic : answer->front().topics)
            for (const auto& partition : topic.partitions) found[{topic.name, partition.partition}] = partition.offset;
        return found;
    }

    // The broker that lists a group coordinates it.
    [[nodiscard]] std::optional<std::int32_t> coordinator_of(const std::string& group) const {
        const auto answers = reader_->groups();
        if (!answers) return std::nullopt;
        for (const auto& [broker, answer] : *answers)
            for (const auto& listed : answer ? answer->groups : std::vector<wire::ListGroupsResponse::Group>{})
                if (listed.group_id == group) return broker;
        return std::nullopt;
    }

    // Broker → log dir → partition's name → bytes.
    using Sizes = std::map<std::int32_t, std::map<std::string, std::map<std::string, std::int64_t>>>;
    [[nodiscard]] Sizes sizes() const {
        Sizes found;
        const auto answers = reader_->log_dirs();
        EXPECT_TRUE(answers);
        if (!answers) return found;
        for (const auto& [broker, answer] : *answers) {
            EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
            if (!answer) continue;
            for (const auto& dir : answer->log_dirs)
                for (const auto& topic : dir.topics)
                    for (const auto& partition : topic.partitions)
                        found[broker][dir.path][topic.name + "-" + std::to_string(partition.partition)] =
                            partition.size_bytes;
        }
        return found;
    }

    // Most tools have moved from Kafka's core to its tools since 3.6.
    [[nodiscard]] std::string in_tools(const std::string& now, const std::string& name) const {
        return (old_tools_ ? "kafka.admin." : "org.apache.kafka.tools." + now) + name;
    }

    bool old_tools_ = false, zookeeper_ = false;
    std::shared_ptr<KafkaClient> client_;
    std::unique_ptr<KafkaReader> reader_;
};

std::string numbers(const std::vector<std::int32_t>& ids) {
    std::string text;
    for (const auto id : ids) text += (text.empty() ? "" : ",") + std::to_string(id);
    return text;
}

TEST_F(KafkaTools, topics_have_the_leaders_replicas_and_isr_of_TopicCommand) {
    const std::string said = tool(in_tools("", "TopicCommand"), {"--describe"});
    const auto metadata = reader_->metadata();
    ASSERT_TRUE(metadata) << metadata.error().message;
    std::size_t compared = 0;
    for (const auto& topic : metadata->topics)
        for (const auto& partition : topic.partitions) {
            const std::regex line("Topic: " + *topic.name + "\\s+Partition: " + std::to_string(partition.partition) +
                                  "\\s+Leader: (\\S+)\\s+Replicas: (\\S+)\\s+Isr: (\\S+)");
            std::smatch match;
            ASSERT_TRUE(std::regex_search(said, match, line)) << *topic.name << "\n" << said;
            EXPECT_EQ(match[1], std::to_string(partition.leader_id)) << match[0];
            EXPECT_EQ(match[2], numbers(partition.replicas)) << match[0];
            EXPECT_EQ(match[3], numbers(partition.isr)) << match[0];
            ++compared;
        }
    EXPECT_GT(compared, 20U) << "the internal topics, too";
}

TEST_F(KafkaTools, log_dirs_have_the_replicas_and_sizes_of_LogDirsCommand) {
    const Sizes before = sizes();
    const std::string said = tool("org.apache.kafka.tools.LogDirsCommand", {"--describe"});
    const Sizes after = sizes();
    const auto start = said.find("{\"");
    ASSERT_NE(start, std::string::npos) << said;
    const json document = json::parse(said.substr(start));
    std::size_t compared = 0;
    for (const json& broker : document.at("brokers"))
        for (const json& dir : broker.at("logDirs")) {
            const auto id = broker.at("broker").get<std::int32_t>();
            const auto path = dir.at("logDir").get<std::string>();
            ASSERT_TRUE(before.contains(id) && before.at(id).contains(path)) << id << " " << path;
            EXPECT_EQ(dir.at("partitions").size(), before.at(id).at(path).size());
            for (const json& partition : dir.at("partitions")) {
                const auto name = partition.at("partition").get<std::string>();
                ASSERT_TRUE(before.at(id).at(path).contains(name)) << name;
                if (!user_topics.contains(name.substr(0, name.rfind('-')))) continue;  // Compaction shrinks others.
                EXPECT_GE(partition.at("size").get<std::int64_t>(), before.at(id).at(path).at(name)) << name;
                EXPECT_LE(partition.at("size").get<std::int64_t>(), after.at(id).at(path).at(name)) << name;
                ++compared;
            }
        }
    EXPECT_EQ(compared, 3U * (6 + 3 + 3));
}

TEST_F(KafkaTools, groups_have_the_offsets_and_lag_of_ConsumerGroupCommand) {
    const auto committed_before = committed("order-totals"), ends_before = ends("orders");
    const std::string said =
        tool(in_tools("consumer.group.", "ConsumerGroupCommand"), {"--describe", "--group", "order-totals"});
    const auto committed_after = committed("order-totals"), ends_after = ends("orders");
    const std::regex line(R"(order-totals\s+orders\s+(\d+)\s+(\d+)\s+(\d+)\s+(-?\d+))");
    std::size_t compared = 0;
    for (std::sregex_iterator match(said.begin(), said.end(), line), none; match != none; ++match, ++compared) {
        const Partition partition{"orders", std::stoi((*match)[1])};
        const std::int64_t offset = std::stoll((*match)[2]), end = std::stoll((*match)[3]);
        EXPECT_GE(offset, committed_before.at(partition));
        EXPECT_LE(offset, committed_after.at(partition));
        EXPECT_GE(end, ends_before.at(partition));
        EXPECT_LE(end, ends_after.at(partition));
        EXPECT_EQ(std::stoll((*match)[4]), end - offset);
    }
    EXPECT_EQ(compared, 6U) << said;
}

TEST_F(KafkaTools, the_groups_are_those_of_ConsumerGroupCommand) {
    const std::string said = tool(in_tools("consumer.group.", "ConsumerGroupCommand"), {"--list"});
    const auto answers = reader_->groups();
    ASSERT_TRUE(answers) << answers.error().message;
    std::set<std::string> ours, theirs;
    for (const auto& [broker, answer] : *answers) {
        ASSERT_TRUE(answer) << answer.error().message;
        for (const auto& group : answer->groups)
            // The tool leaves out groups of other kinds, such as Connect's own.
            if (group.protocol_type.empty() || group.protocol_type == "consumer") ours.insert(group.group_id);
    }
    std::istringstream lines(said);
    for (std::string name; std::getline(lines, name);)
        if (!name.empty()) theirs.insert(name);
    EXPECT_EQ(ours, theirs) << said;
}

TEST_F(KafkaTools, settings_of_a_topic_are_those_of_ConfigCommand) {
    const std::string said = tool("kafka.admin.ConfigCommand",
                                  {"--describe", "--all", "--entity-type", "topics", "--entity-name", "orders"});
    wire::DescribeConfigsRequest request;
    request.resources.push_back({.type = static_cast<std::int8_t>(wire::ConfigResource::topic), .name = "orders"});
    const auto answer = reader_->configs(request);
    ASSERT_TRUE(answer) << answer.error().message;
    std::map<std::string, std::string> ours, theirs;
    for (const auto& config : answer->resources.at(0).configs) ours[config.name] = config.value.value_or("null");
    const std::regex line(R"(^\s+([\w.]+)=(.*) sensitive=(?:true|false))");
    std::istringstream lines(said);
    for (std::string text; std::getline(lines, text);)
        if (std::smatch match; std::regex_search(text, match, line)) theirs[match[1]] = match[2];
    EXPECT_GT(theirs.size(), 20U) << said;
    EXPECT_EQ(ours, theirs);
}

TEST_F(KafkaTools, a_quota_that_we_set_is_the_one_that_ConfigCommand_tells) {
    const std::string nobody = "an-id-that-no-client-has";
    const auto set = [&](std::optional<double> value) {
        return change_kafka(*client_, {.key = "I1/1/1",
                                       .cluster = "live",
                                       .body = AlterClientQuota{
                                           .user = {}, .client_id = nobody, .set = {{"producer_byte_rate", value}}}});
    };
    const auto told = [&] {
        return tool("kafka.admin.ConfigCommand", {"--describe", "--entity-type", "clients", "--entity-name", nobody});
    };
    ASSERT_TRUE(set(1'048'576));
    EXPECT_THAT(told(), testing::HasSubstr("producer_byte_rate=1048576"));
    const auto answer = reader_->quotas();
    ASSERT_TRUE(answer) << answer.error().message;
    std::map<std::string, double> ours;
    for (const auto& entry : answer->entries.value_or(std::vector<wire::DescribeClientQuotasResponse::Entry>()))
        for (const auto& value : entry.values) ours[entry.entity.at(0).name.value_or("")] = value.value;
    EXPECT_EQ(ours[nobody], 1'048'576);
    ASSERT_TRUE(set(std::nullopt));
    EXPECT_THAT(told(), testing::Not(testing::HasSubstr("producer_byte_rate")));
}

// A transaction that no coordinator knows, with a record of an hour ago, on a topic of its own. Brokers from 3.6 on ask
// the coordinator before they take such a record (KIP-890): that is switched off for the moment of writing it.
class HangingTransaction : public KafkaTools {
protected:
    void SetUp() override {
        KafkaTools::SetUp();
        if (IsSkipped()) return;
        wire::CreateTopicsRequest request;
        request.topics.push_back({.name = topic, .partitions = 1, .replication_factor = 3});
        const auto created = client_->call(KafkaTarget::controller(), request);
        ASSERT_TRUE(created) << created.error().message;
        verify_partitions("false");
        // Brokers take a changed setting over, and a new topic on, each in its time.
        Result<std::int64_t> left = fail(ErrorCode::not_ready, "not tried");
        const std::int64_t hour_ago = read_clock().wall.unix_ms - 60 * 60'000;
        for (int i = 0; i < 60 && !left; ++i) {
            std::this_thread::sleep_for(std::chrono::seconds(1));
            client_->forget_metadata();
            left = engine::workload::leave_transaction_open(*client_, {.topic = topic, .timestamp_ms = hour_ago});
        }
        ASSERT_TRUE(left) << left.error().message;
        producer_ = *left;
    }
    void TearDown() override {
        if (IsSkipped()) return;
        verify_partitions(std::nullopt);
        wire::DeleteTopicsRequest request;
        request.topics.push_back({.name = topic});
        EXPECT_TRUE(client_->call(KafkaTarget::controller(), request));
    }
    void verify_partitions(const std::optional<std::string>& value) {
        EXPECT_TRUE(change_kafka(
            *client_, {.key = "I1/1/1",
                       .cluster = "live",
                       .body = AlterConfigs{.resource = AlterConfigs::Resource::broker,
                                            .name = "",
                                            .set = {{"transaction.partition.verification.enable", value}}}}));
    }
    // Of the row that kafka-transactions.sh find-hanging prints: producer id and epoch, coordinator epoch, start
    // offset; empty: it finds no such transaction.
    std::vector<std::string> row() {
        said_ = tool("org.apache.kafka.tools.TransactionsCommand", {"find-hanging", "--topic", topic});
        std::smatch match;
        const std::regex line(std::string(topic) + R"(\s+0\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(\d+)\s+\d+\s+\d+)");
        if (!std::regex_search(said_, match, line)) return {};
        return {match[1], match[2], match[3], match[4]};
    }
    // What the agent's collector tells of the topic after enough looks for two readings.
    std::optional<Labels> told() {
        KafkaCollector collector({.cluster = "live", .target = "live/kafka"});
        std::optional<Labels> labels;
        for (int i = 0; i < 9; ++i) {
            labels.reset();
            for (const auto& [series, value] : collector.look(*reader_, read_clock().wall).samples)
                if (series.name() == "kafka_partition_hanging_transaction_seconds" && series.get("topic") == topic)
                    labels = series;
        }
        return labels;
    }

    static constexpr const char* topic = "a-topic-of-a-test";
    std::int64_t producer_ = -1;
    std::string said_;
};

TEST_F(HangingTransaction, is_the_one_that_TransactionsCommand_finds_until_we_abort_it) {
    const auto theirs = row();
    ASSERT_EQ(theirs.size(), 4U) << said_;
    EXPECT_EQ(theirs[0], std::to_string(producer_));
    const auto ours = told();
    ASSERT_TRUE(ours);
    EXPECT_EQ(
        (std::vector<std::string>{std::string(ours->get("producer_id")), std::string(ours->get("producer_epoch")),
                                  std::string(ours->get("coordinator_epoch")), std::string(ours->get("start_offset"))}),
        theirs);
    const Operation abort{.key = "I1/1/2",
                          .cluster = "live",
                          .body = AbortTransaction{.topic = topic,
                                                   .partition = 0,
                                                   .producer_id = producer_,
                                                   .producer_epoch = std::stoi(theirs[1]),
                                                   .coordinator_epoch = std::stoi(theirs[2]),
                                                   .start_offset = std::stoll(theirs[3])}};
    const auto done = change_kafka(*client_, abort);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(row().empty()) << said_;
    EXPECT_FALSE(told());
    EXPECT_EQ(change_kafka(*client_, abort).error().code, ErrorCode::outdated);
}

TEST_F(KafkaTools, nothing_is_being_moved_as_ReassignPartitionsCommand_says) {
    const std::string said = tool(in_tools("reassign.", "ReassignPartitionsCommand"), {"--list"});
    EXPECT_THAT(said, testing::HasSubstr("No partition reassignments found"));
    const auto answer = reader_->reassignments();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->topics.empty());
}

TEST_F(KafkaTools, the_quorum_is_that_of_MetadataQuorumCommand) {
    if (zookeeper_) GTEST_SKIP() << "ZooKeeper keeps the metadata: there is no quorum of controllers";
    const std::string said = tool("org.apache.kafka.tools.MetadataQuorumCommand", {"describe", "--status"});
    wire::DescribeQuorumRequest request;
    request.topics.push_back({.name = "__cluster_metadata", .partitions = {{.partition = 0}}});
    const auto answer = client_->call(KafkaTarget::any(), request);
    ASSERT_TRUE(answer) << answer.error().message;
    const auto& quorum = answer->topics.at(0).partitions.at(0);
    const auto field = [&](const std::string& name) {
        std::smatch match;
        return std::regex_search(said, match, std::regex(name + R"(:\s+(\S+))")) ? match[1].str() : std::string();
    };
    EXPECT_EQ(field("LeaderId"), std::to_string(quorum.leader_id)) << said;
    EXPECT_EQ(field("LeaderEpoch"), std::to_string(quorum.leader_epoch)) << said;
    EXPECT_EQ(quorum.voters.size(), 3U);
    EXPECT_LE(std::stoll(field("HighWatermark")), quorum.high_watermark);
}

}  // namespace
}  // namespace medic::live

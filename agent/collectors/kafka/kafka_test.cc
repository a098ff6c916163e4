#include "agent/collectors/kafka/kafka.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <fmt/format.h>

#include "agent/collectors/recorded_internal.h"
#include "agent/store/broker_needs.h"

namespace medic {
namespace {

using recorded::count;
using recorded::value;

// Two brokers, one topic of two partitions, one group; parts can be made to fail.
struct FakeKafka : KafkaReader {
    bool metadata_fails = false, broker_2_silent = false, broker_2_gone = false;
    std::int64_t committed_offset = 90;
    int config_calls = 0;
    bool old = false;  // Knows none of the newer calls.
    bool forbidden = false;
    bool open_transaction = false, modern_group = false;
    int leader_of_1 = 2;  // Its preferred leader is broker 2.
    std::vector<std::int32_t> isr_of_1 = {2};
    std::string leader_rebalance = "false", throttled = "0:1,1:2", rate_of_2;
    wire::ConfigSource rate_source = wire::ConfigSource::dynamic_broker;

    Result<wire::MetadataResponse> metadata() override {
        if (metadata_fails) return fail(ErrorCode::unavailable, "nobody answers");
        wire::MetadataResponse answer;
        answer.brokers.push_back({.node_id = 1, .host = "h", .port = 9092, .rack = "r1"});
        if (!broker_2_gone) answer.brokers.push_back({.node_id = 2, .host = "h", .port = 9093, .rack = std::nullopt});
        answer.controller_id = 1;
        wire::MetadataResponse::Topic topic;
        topic.name = "t";
        topic.partitions.push_back({.partition = 0, .leader_id = 1, .replicas = {1, 2}, .isr = {1, 2}});
        topic.partitions.push_back(
            {.partition = 1, .leader_id = broker_2_gone ? -1 : leader_of_1, .replicas = {2, 1}, .isr = isr_of_1});
        answer.topics.push_back(topic);
        return answer;
    }
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override {
        ByBroker<wire::DescribeLogDirsResponse> all;
        wire::DescribeLogDirsResponse answer;
        answer.log_dirs.push_back({.error = wire::KafkaError::none,
                                   .path = "/d",
                                   .topics = {{"t", {{.partition = 0, .size_bytes = 70}}}},
                                   .total_bytes = 1000,
                                   .usable_bytes = 400});
        answer.log_dirs.push_back({.error = wire::KafkaError::kafka_storage_error,
                                   .path = "/e",
                                   .topics = {},
                                   .total_bytes = -1,
                                   .usable_bytes = -1});
        all.emplace(1, answer);
        if (broker_2_silent)
            all.emplace(2, fail(ErrorCode::unavailable, "no answer within 2 s"));
        else if (!broker_2_gone)
            all.emplace(2, answer);
        return all;
    }
    Result<ByBroker<wire::ListGroupsResponse>> groups() override {
        ByBroker<wire::ListGroupsResponse> all;
        wire::ListGroupsResponse answer;
        answer.groups.push_back({.group_id = "g", .protocol_type = "consumer", .state = "Stable", .type = ""});
        if (modern_group)
            answer.groups.push_back(
                {.group_id = "m", .protocol_type = "consumer", .state = "Stable", .type = "Consumer"});
        all.emplace(1, answer);
        return all;
    }
    Result<wire::DescribeGroupsResponse> describe_groups(std::int32_t, const std::vector<std::string>& ids) override {
        wire::DescribeGroupsResponse answer;
        for (const std::string& id : ids) {
            wire::DescribeGroupsResponse::Group group;
            group.group_id = id;
            group.state = "Stable";
            group.protocol_type = "consumer";
            group.members.resize(2);
            answer.groups.push_back(group);
        }
        return answer;
    }
    Result<wire::ConsumerGroupDescribeResponse> describe_consumer_groups(std::int32_t,
                                                                         const std::vector<std::string>& ids) override {
        if (old) return fail(ErrorCode::invalid, "broker 1 does not offer ConsumerGroupDescribe");
        wire::ConsumerGroupDescribeResponse answer;
        for (const std::string& id : ids) {
            answer.groups.emplace_back().group_id = id;
            answer.groups.back().state = "Reconciling";
            answer.groups.back().members.resize(3);
        }
        return answer;
    }
    Result<std::vector<wire::OffsetFetchResponse::Group>> committed(std::int32_t,
                                                                    const std::vector<std::string>& ids) override {
        std::vector<wire::OffsetFetchResponse::Group> groups;
        for (const std::string& id : ids)
            groups.push_back(
                {id, {{"t", {{.partition = 0, .offset = committed_offset}, {.partition = 1, .offset = -1}}}}});
        return groups;
    }
    Result<wire::ListOffsetsResponse> offsets(std::int32_t, const wire::ListOffsetsRequest& request) override {
        wire::ListOffsetsResponse answer;
        for (const auto& topic : request.topics) {
            answer.topics.push_back({topic.name, {}});
            for (const auto& partition : topic.partitions)
                answer.topics.back().partitions.push_back(
                    {.partition = partition.partition,
                     .offset = request.isolation == 1 && open_transaction && partition.partition == 0 ? 60
                               : partition.timestamp == wire::kLatestOffset                           ? 100
                                                                                                      : 10});
        }
        return answer;
    }
    Result<wire::ListPartitionReassignmentsResponse> reassignments() override {
        wire::ListPartitionReassignmentsResponse answer;
        answer.topics.push_back({"t", {{.partition = 1, .replicas = {1, 2}, .adding = {1}, .removing = {}}}});
        return answer;
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest&) override {
        ++config_calls;
        wire::DescribeConfigsResponse answer;
        wire::DescribeConfigsResponse::Resource resource;
        resource.name = "t";
        resource.configs.push_back({.name = "retention.ms",
                                    .value = "86400000",
                                    .source = static_cast<std::int8_t>(wire::ConfigSource::topic)});
        resource.configs.push_back({.name = "segment.bytes",
                                    .value = "1073741824",
                                    .source = static_cast<std::int8_t>(wire::ConfigSource::default_value)});
        resource.configs.push_back({.name = "follower.replication.throttled.replicas", .value = throttled});
        answer.resources.push_back(resource);
        return answer;
    }
    Result<ByBroker<wire::DescribeConfigsResponse>> broker_configs(const std::vector<std::string>& keys) override {
        ByBroker<wire::DescribeConfigsResponse> all;
        for (const int broker : {1, 2}) {
            wire::DescribeConfigsResponse answer;
            auto& resource = answer.resources.emplace_back();
            resource.name = std::to_string(broker);
            if (forbidden) resource.error = wire::KafkaError::cluster_authorization_failed;
            if (!forbidden) resource.configs.push_back({.name = keys.at(0), .value = leader_rebalance});
            // A throttle is told only while it is set; one of all brokers alike comes from elsewhere.
            if (!forbidden && broker == 2 && !rate_of_2.empty())
                resource.configs.push_back({.name = "leader.replication.throttled.rate",
                                            .value = rate_of_2,
                                            .source = static_cast<std::int8_t>(rate_source)});
            all.emplace(broker, answer);
        }
        if (broker_2_silent) all.at(2) = fail(ErrorCode::unavailable, "no answer within 2 s");
        return all;
    }
    template <class Response>
    Result<Response> newer(Response answer) const {
        if (old) return fail(ErrorCode::invalid, "broker 1 does not offer it");
        if constexpr (requires { answer.error; })
            if (forbidden) answer.error = wire::KafkaError::cluster_authorization_failed;
        return answer;
    }
    Result<wire::DescribeQuorumResponse> quorum() override {
        wire::DescribeQuorumResponse answer;
        wire::DescribeQuorumResponse::Topic::Partition log;
        log.leader_id = 1;
        log.leader_epoch = 7;
        log.voters = {{.replica_id = 1, .log_end_offset = 50, .last_caught_up_timestamp_ms = 1'000},
                      {.replica_id = 2, .log_end_offset = 40, .last_caught_up_timestamp_ms = -1}};
        log.observers = {{.replica_id = 3, .log_end_offset = 50, .last_caught_up_timestamp_ms = 500}};
        answer.topics.push_back({"__cluster_metadata", {log}});
        return newer(answer);
    }
    Result<wire::DescribeClientQuotasResponse> quotas() override {
        wire::DescribeClientQuotasResponse answer;
        answer.entries.emplace();
        answer.entries->push_back(
            {.entity = {{"user", "alice"}, {"client-id", std::nullopt}}, .values = {{"producer_byte_rate", 1024}}});
        return newer(answer);
    }
    Result<ByBroker<wire::ListTransactionsResponse>> transactions() override {
        ByBroker<wire::ListTransactionsResponse> all;
        wire::ListTransactionsResponse answer;
        if (open_transaction) answer.transactions.push_back({"tx-1", 9, "Ongoing"});
        all.emplace(1, newer(answer));
        return all;
    }
    Result<wire::DescribeTransactionsResponse> describe_transactions(std::int32_t,
                                                                     const std::vector<std::string>& ids) override {
        wire::DescribeTransactionsResponse answer;
        for (const std::string& id : ids)
            answer.transactions.push_back({.transactional_id = id, .state = "Ongoing", .started_at_ms = 400});
        return answer;
    }
    Result<wire::DescribeProducersResponse> producers(std::int32_t,
                                                      const wire::DescribeProducersRequest& request) override {
        ++producer_calls;
        wire::DescribeProducersResponse answer;
        wire::DescribeProducersResponse::Topic::Partition partition{.partition = request.topics.at(0).partitions.at(0)};
        partition.producers = {{.producer_id = 9, .last_timestamp_ms = 1'000, .transaction_start_offset = 60},
                               {.producer_id = 10, .last_timestamp_ms = 1'000, .transaction_start_offset = -1}};
        answer.topics.push_back({"t", {partition}});
        return answer;
    }
    int producer_calls = 0;
};

KafkaCollector collector() { return KafkaCollector({.cluster = "c", .target = "c/kafka"}); }

TEST(Kafka, AHealthyClusterBecomesCanonicalSeries) {
    FakeKafka kafka;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_active_controller{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_cluster_partitions{cluster="c"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_broker_partitions{broker="1",cluster="c"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_broker_leaders{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_partition_in_sync_replicas{cluster="c",partition="1",topic="t"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_replicas_out_of_sync{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_replicas_out_of_sync{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_usable_bytes{broker="1",cluster="c",log_dir="/d"})"), 400);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_online{broker="1",cluster="c",log_dir="/e"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_usable_bytes{broker="1",cluster="c",log_dir="/e"})"), std::nullopt);
    EXPECT_EQ(value(seen, R"(kafka_replica_size_bytes{broker="1",cluster="c",log_dir="/d",partition="0",topic="t"})"),
              70);
    EXPECT_EQ(value(seen, R"(kafka_group_lag_records{cluster="c",group="g",partition="0",topic="t"})"), 10);
    EXPECT_EQ(count(seen, "kafka_group_lag_records"), 1u);
    EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="g"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_partition_reassigning{cluster="c",partition="1",topic="t"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_cluster_partitions_reassigning{cluster="c"})"), 1);
    ASSERT_EQ(seen.under_way.size(), 1u);
    EXPECT_EQ(seen.under_way[0].kind, "reassignment");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("assignment"), "0:1,2;1:2,1");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("retention.ms"), "86400000");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("overridden"), "retention.ms");
    EXPECT_EQ(value(seen, R"(kafka_quorum_leader{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_quorum_replica_lag_records{cluster="c",node="2",role="voter"})"), 10);
    EXPECT_EQ(value(seen, R"(kafka_quorum_replica_behind_seconds{cluster="c",node="3",role="observer"})"), 0.5);
    EXPECT_EQ(count(seen, "kafka_quorum_replica_behind_seconds"), 2u) << "a replica that never was is no zero";
    EXPECT_EQ(
        value(seen, R"(kafka_client_quota{client="<default>",cluster="c",quota="producer_byte_rate",user="alice"})"),
        1024);
    EXPECT_EQ(value(seen, R"(kafka_transactions_open{cluster="c"})"), 0);
    EXPECT_EQ(count(seen, "kafka_partition_last_stable_offset"), 0u);
}

TEST(Kafka, WhatOlderBrokersOrOurRightsHideIsSaidAndTheLookStaysWhole) {
    FakeKafka kafka;
    kafka.modern_group = true;
    for (bool FakeKafka::* hidden : {&FakeKafka::old, &FakeKafka::forbidden}) {
        kafka.old = kafka.forbidden = false;
        kafka.*hidden = true;
        auto look = collector();
        (void)look.look(kafka, {1000});
        const auto seen = look.look(kafka, {2000});
        EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
        const std::string& what = seen.attributes.at({"c", "cluster", "c"}).at("kafka_not_visible");
        for (const char* part : {"controllers' quorum: ", "quotas: ", "transactions: "})
            EXPECT_NE(what.find(part), std::string::npos) << what;
        EXPECT_EQ(count(seen, "kafka_quorum_leader"), 0u);
        EXPECT_EQ(count(seen, "kafka_transactions_open"), 0u) << "not told is not none";
        EXPECT_EQ(count(seen, "kafka_client_quota"), 0u);
        EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="g"})"), 2);
        EXPECT_EQ(value(seen, R"(kafka_group_lag_records{cluster="c",group="m",partition="0",topic="t"})"), 10);
    }
}

TEST(Kafka, GroupsOfTheConsumerProtocolAreDescribedInTheirOwnWay) {
    FakeKafka kafka;
    kafka.modern_group = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="m"})"), 3);
    EXPECT_EQ(value(seen, R"(kafka_group_state{cluster="c",group="m",state="Reconciling"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_group_lag_records{cluster="c",group="m",partition="0",topic="t"})"), 10);
    EXPECT_EQ(std::ranges::count(seen.under_way, std::string("rebalance"), &WorkUnderWay::kind), 1);
}

TEST(Kafka, ATransactionThatHoldsUpReadersIsSeenFromBothSides) {
    FakeKafka kafka;
    kafka.open_transaction = true;
    auto look = collector();
    auto seen = look.look(kafka, {1'000});
    EXPECT_EQ(value(seen, R"(kafka_transactions_open{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_transaction_open_seconds{cluster="c",state="Ongoing",transactional_id="tx-1"})"),
              0.6);
    EXPECT_EQ(value(seen, R"(kafka_partition_last_stable_offset{cluster="c",partition="0",topic="t"})"), 60);
    EXPECT_EQ(kafka.producer_calls, 0) << "one look can't tell whether it stands still";
    for (int i = 2; i <= 4; ++i) seen = look.look(kafka, {i * 1'000});
    EXPECT_EQ(kafka.producer_calls, 1);
    EXPECT_EQ(
        value(seen,
              R"(kafka_partition_transaction_silent_seconds{cluster="c",partition="0",producer_id="9",topic="t"})"),
        3);
    EXPECT_EQ(count(seen, "kafka_partition_transaction_silent_seconds"), 1u);
}

TEST(Kafka, ABrokerThatLeftMetadataIsToldAsDown) {
    FakeKafka kafka;
    auto look = collector();
    (void)look.look(kafka, {1000});
    kafka.broker_2_gone = true;
    const auto seen = look.look(kafka, {2000});
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_partition_leader{cluster="c",partition="1",topic="t"})"), -1);
    EXPECT_EQ(kafka.config_calls, 1);
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("retention.ms"), "86400000");
}

TEST(Kafka, ABrokerThatHoldsReplicasIsMissedThoughItWasNeverSeen) {
    FakeKafka kafka;
    kafka.broker_2_gone = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 0);
}

TEST(Kafka, ASilentBrokerIsUnreachableAndTheLookPartial) {
    FakeKafka kafka;
    kafka.broker_2_silent = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_NE(seen.error.find("broker 2: no answer"), std::string::npos);
}

TEST(Kafka, NobodyAnsweringIsAFailedLook) {
    FakeKafka kafka;
    kafka.metadata_fails = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_TRUE(seen.samples.empty());
}

TEST(Kafka, ALeaderIsDisplacedWhileThePreferredOneIsInSyncAndDoesNotLead) {
    FakeKafka kafka;
    const auto displaced = [&](const char* broker) {
        auto look = collector();
        const auto seen = look.look(kafka, {1000});
        EXPECT_EQ(value(seen, R"(kafka_broker_leaders_preferred{broker="2",cluster="c"})"), 1);
        const auto& about = seen.attributes.at({"c", "broker", "2"});
        const auto named = about.find("displaced_partitions");
        return std::pair(
            value(seen, fmt::format(R"(kafka_broker_leaders_displaced{{broker="{}",cluster="c"}})", broker)),
            named == about.end() ? std::string() : named->second);
    };
    EXPECT_EQ(displaced("2"), std::pair(std::optional(0.0), std::string()));
    kafka.leader_of_1 = 1;
    kafka.isr_of_1 = {1};
    EXPECT_EQ(displaced("2"), std::pair(std::optional(0.0), std::string())) << "out of sync: it can't lead yet";
    kafka.isr_of_1 = {1, 2};
    EXPECT_EQ(displaced("2"), std::pair(std::optional(1.0), std::string("t:1")));
    EXPECT_EQ(displaced("1"), std::pair(std::optional(0.0), std::string("t:1")));
    kafka.broker_2_gone = true;
    auto look = collector();
    EXPECT_EQ(value(look.look(kafka, {1000}), R"(kafka_broker_leaders_displaced{broker="2",cluster="c"})"), 0)
        << "no leader at all is another trouble";
}

TEST(Kafka, EachBrokersOwnSettingsAreToldAndWhatIsHiddenIsSaid) {
    FakeKafka kafka;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("auto.leader.rebalance.enable"), "false");
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("address"), "h:9093");
    kafka.broker_2_gone = true;
    const auto gone = look.look(kafka, {2000}).attributes.at({"c", "broker", "2"});
    EXPECT_FALSE(gone.contains("auto.leader.rebalance.enable"));
    EXPECT_EQ(gone.at("kafka_broker_needed_by"), needed_by_nothing) << "also of one that the cluster no longer lists";
    kafka.broker_2_gone = false;
    kafka.forbidden = true;
    auto other = collector();
    const auto hidden = other.look(kafka, {1000});
    EXPECT_FALSE(hidden.attributes.at({"c", "broker", "2"}).contains("auto.leader.rebalance.enable"));
    EXPECT_NE(hidden.attributes.at({"c", "cluster", "c"}).at("kafka_not_visible").find("settings of broker 2"),
              std::string::npos);
}

TEST(Kafka, ThrottlesThatNameReplicasAreToldWithTheirRates) {
    FakeKafka kafka;
    kafka.rate_of_2 = "1000";
    const auto look_at = [&] {
        auto look = collector();
        return look.look(kafka, {1000});
    };
    auto seen = look_at();
    const char* const throttled = R"(kafka_topic_throttled_replicas{cluster="c",side="follower",topic="t"})";
    EXPECT_EQ(value(seen, throttled), 2);
    EXPECT_EQ(
        value(seen, R"(kafka_broker_replication_throttle_bytes_per_second{broker="2",cluster="c",side="leader"})"),
        1000);
    EXPECT_EQ(count(seen, "kafka_broker_replication_throttle_bytes_per_second"), 1u) << "not set is no limit";
    EXPECT_EQ(seen.attributes.at({"c", "broker", "1"}).at("leader.replication.throttled.rate"), "none");
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("leader.replication.throttled.rate"), "1000");
    kafka.throttled = "*";
    kafka.rate_source = wire::ConfigSource::dynamic_default_broker;
    seen = look_at();
    EXPECT_EQ(count(seen, "kafka_broker_replication_throttle_bytes_per_second"), 0u) << "of all brokers alike";
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("leader.replication.throttled.rate"), "none");
    EXPECT_EQ(count(seen, "kafka_topic_throttled_replicas"), 0u) << "a standing limit";
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("follower.replication.throttled.replicas"), "*");
    kafka.throttled = "";
    EXPECT_EQ(look_at().attributes.at({"c", "topic", "t"}).at("follower.replication.throttled.replicas"), "none");
}

TEST(Kafka, AGroupAheadOfTheEndThatWasReadHasNoLag) {
    FakeKafka kafka;
    kafka.committed_offset = 120;
    auto look = collector();
    EXPECT_EQ(
        value(look.look(kafka, {1000}), R"(kafka_group_lag_records{cluster="c",group="g",partition="0",topic="t"})"),
        0);
}

// Brokers 1, 2 and 3, all of them voters; one partition with the in-sync replicas that the test says.
struct ThreeBrokers : FakeKafka {
    std::vector<std::int32_t> isr{1, 2, 3};
    std::optional<std::string> least = "2";  // min.insync.replicas
    std::int64_t third_voter_at_ms = 10'000;
    std::size_t partitions = 1;

    Result<wire::MetadataResponse> metadata() override {
        wire::MetadataResponse answer;
        for (const std::int32_t id : {1, 2, 3})
            answer.brokers.push_back({.node_id = id, .host = "h", .port = 9092, .rack = std::nullopt});
        wire::MetadataResponse::Topic topic;
        topic.name = "t";
        for (std::size_t i = 0; i < partitions; ++i)
            topic.partitions.push_back({.partition = static_cast<std::int32_t>(i),
                                        .leader_id = isr.empty() ? -1 : isr.front(),
                                        .replicas = {1, 2, 3},
                                        .isr = isr});
        answer.topics.push_back(topic);
        return answer;
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest&) override {
        wire::DescribeConfigsResponse answer;
        wire::DescribeConfigsResponse::Resource resource;
        resource.name = "t";
        if (least) resource.configs.push_back({.name = "min.insync.replicas", .value = least, .source = 5});
        answer.resources.push_back(resource);
        return answer;
    }
    Result<wire::DescribeQuorumResponse> quorum() override {
        wire::DescribeQuorumResponse answer;
        wire::DescribeQuorumResponse::Topic::Partition log;
        log.leader_id = 1;
        log.voters = {{.replica_id = 1, .log_end_offset = 9, .last_caught_up_timestamp_ms = 10'000},
                      {.replica_id = 2, .log_end_offset = 9, .last_caught_up_timestamp_ms = 9'900},
                      {.replica_id = 3, .log_end_offset = 9, .last_caught_up_timestamp_ms = third_voter_at_ms}};
        answer.topics.push_back({"__cluster_metadata", {log}});
        return newer(answer);
    }
};

std::string needed_by(ThreeBrokers& kafka, const char* broker) {
    auto look = collector();
    return look.look(kafka, {10'000}).attributes.at({"c", "broker", broker}).at("kafka_broker_needed_by");
}

TEST(Kafka, ABrokerWhoseCopiesAreElsewhereIsNeededByNothing) {
    ThreeBrokers kafka;
    for (const char* broker : {"1", "2", "3"}) EXPECT_EQ(needed_by(kafka, broker), needed_by_nothing);
}

TEST(Kafka, WhatABrokerIsNeededForIsNamed) {
    ThreeBrokers kafka;
    kafka.isr = {1, 2};
    EXPECT_EQ(needed_by(kafka, "2"), "below min.insync.replicas without it: t-0");
    EXPECT_EQ(needed_by(kafka, "3"), needed_by_nothing) << "it is behind: nothing rests on it";
    kafka.isr = {1, 2, 3};
    kafka.least = "3";
    EXPECT_EQ(needed_by(kafka, "3"), "below min.insync.replicas without it: t-0") << "as many must be in sync as are";
    kafka.isr = {2};
    kafka.partitions = 6;
    EXPECT_EQ(needed_by(kafka, "2"), "no other in-sync replica: t-0, t-1, t-2, t-3 and 2 more");
    EXPECT_EQ(needed_by(kafka, "1"), needed_by_nothing);
    kafka.isr = {};
    EXPECT_EQ(needed_by(kafka, "2"), needed_by_nothing) << "a partition without a leader is lost already";
}

TEST(Kafka, ABrokerIsNotSpareWhileTheLeastNumberOfCopiesIsNotKnown) {
    ThreeBrokers kafka;
    kafka.least.reset();
    EXPECT_EQ(needed_by(kafka, "1"), "min.insync.replicas not known: t-0");
}

TEST(Kafka, AMajorityOfTheQuorumMustKeepUpWithoutIt) {
    ThreeBrokers kafka;
    kafka.third_voter_at_ms = 7'000;  // Three seconds behind.
    EXPECT_EQ(needed_by(kafka, "2"), "the controllers' quorum: 1 of 2 others keep up, 2 must");
    EXPECT_EQ(needed_by(kafka, "3"), needed_by_nothing) << "the one that is behind may go";
    kafka.old = true;
    EXPECT_EQ(needed_by(kafka, "2"), needed_by_nothing) << "no such quorum: ZooKeeper, or controllers of their own";
}

}  // namespace
}  // namespace medic

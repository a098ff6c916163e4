// For tests: an outside that plays recorded REST answers of real products and a made-up Kafka cluster of three brokers.
// Parts can be made silent, refusing, or to lose things.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/collectors/recorded_internal.h"
#include "agent/discovery/outside.h"

namespace medic::discovery {

struct FakeKafkaCluster : KafkaReader {
    bool silent = false;
    std::int32_t silent_broker = 0;                   // 0: none.
    std::map<std::string, wire::KafkaError> refuses;  // By API name.
    std::vector<std::string> topics = {"orders", "orders-agg", "events-json", "lines", "ticks", "__consumer_offsets"};
    std::map<std::string, std::vector<std::string>> reads = {
        {"connect-json-sink", {"events-json"}}, {"orders-by-customer", {"orders"}}, {"billing", {"orders", "lines"}}};
    std::int64_t total_bytes = 1'000'000'000;  // -1: too old to tell.

    [[nodiscard]] wire::KafkaError error(const std::string& api) const {
        const auto found = refuses.find(api);
        return found == refuses.end() ? wire::KafkaError::none : found->second;
    }
    Result<wire::MetadataResponse> metadata() override {
        if (silent) return fail(ErrorCode::unavailable, "broker kafka-1:9092: cannot connect: Connection refused");
        wire::MetadataResponse answer;
        for (const int id : {1, 2, 3})
            answer.brokers.push_back(
                {.node_id = id, .host = "kafka-" + std::to_string(id), .port = 9092, .rack = "r" + std::to_string(id)});
        answer.controller_id = 2;
        answer.cluster_id = "Fk3m-cluster";
        for (const std::string& name : topics) {
            wire::MetadataResponse::Topic topic;
            topic.name = name;
            topic.is_internal = name.starts_with("__");
            for (int partition = 0; partition < 2; ++partition)
                topic.partitions.push_back(
                    {.partition = partition, .leader_id = partition + 1, .replicas = {1, 2, 3}, .isr = {1, 2, 3}});
            answer.topics.push_back(std::move(topic));
        }
        return answer;
    }
    template <class Response>
    ByBroker<Response> from_all(const Response& answer) const {
        ByBroker<Response> all;
        for (const int id : {1, 2, 3}) {
            if (id == silent_broker)
                all.emplace(id, fail(ErrorCode::unavailable, "no answer in time"));
            else
                all.emplace(id, answer);
        }
        return all;
    }
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override {
        wire::DescribeLogDirsResponse answer;
        answer.error = error("DescribeLogDirs");
        wire::DescribeLogDirsResponse::LogDir dir{.error = wire::KafkaError::none,
                                                  .path = "/data",
                                                  .topics = {},
                                                  .total_bytes = total_bytes,
                                                  .usable_bytes = total_bytes};
        for (std::size_t i = 0; i < topics.size(); ++i)
            dir.topics.push_back(
                {topics[i],
                 {{.partition = 0, .size_bytes = static_cast<std::int64_t>(1'000'000 * (topics.size() - i))}}});
        if (answer.error == wire::KafkaError::none) answer.log_dirs.push_back(std::move(dir));
        return from_all(answer);
    }
    Result<ByBroker<wire::ListGroupsResponse>> groups() override {
        wire::ListGroupsResponse answer;
        answer.error = error("ListGroups");
        for (const auto& [id, topics_read] : reads)
            if (answer.error == wire::KafkaError::none)
                answer.groups.push_back({.group_id = id, .protocol_type = "consumer", .state = "Stable", .type = ""});
        auto all = from_all(answer);
        for (auto& [broker, listed] : all)  // A group is listed by the one broker that coordinates it.
            if (listed && broker != 1) listed->groups.clear();
        return all;
    }
    Result<wire::DescribeGroupsResponse> describe_groups(std::int32_t, const std::vector<std::string>& ids) override {
        wire::DescribeGroupsResponse answer;
        for (const std::string& id : ids) {
            wire::DescribeGroupsResponse::Group group;
            group.error = error("DescribeGroups");
            group.group_id = id;
            group.state = id == "orders-by-customer" ? "Empty" : "Stable";
            group.protocol_type = "consumer";
            if (group.state == "Stable")
                group.members.push_back({.member_id = "m",
                                         .group_instance_id = {},
                                         .client_id = id + "-client",
                                         .client_host = "/10.0.0.7",
                                         .metadata = {},
                                         .assignment = {}});
            answer.groups.push_back(std::move(group));
        }
        return answer;
    }
    Result<wire::ConsumerGroupDescribeResponse> describe_consumer_groups(std::int32_t,
                                                                         const std::vector<std::string>&) override {
        return wire::ConsumerGroupDescribeResponse{};
    }
    Result<std::vector<wire::OffsetFetchResponse::Group>> committed(std::int32_t,
                                                                    const std::vector<std::string>& ids) override {
        std::vector<wire::OffsetFetchResponse::Group> groups;
        for (const std::string& id : ids) {
            wire::OffsetFetchResponse::Group group;
            group.group_id = id;
            group.error = error("OffsetFetch");
            for (const std::string& topic : reads.at(id))
                group.topics.push_back({topic, {{.partition = 0, .offset = 90}}});
            groups.push_back(std::move(group));
        }
        return groups;
    }
    Result<wire::ListOffsetsResponse> offsets(std::int32_t, const wire::ListOffsetsRequest& request) override {
        wire::ListOffsetsResponse answer;
        for (const auto& topic : request.topics) {
            answer.topics.push_back({topic.name, {}});
            for (const auto& partition : topic.partitions)
                answer.topics.back().partitions.push_back(
                    {.partition = partition.partition,
                     .offset = partition.timestamp == wire::kLatestOffset ? 100 : 10});
        }
        return answer;
    }
    Result<wire::ListPartitionReassignmentsResponse> reassignments() override {
        wire::ListPartitionReassignmentsResponse answer;
        answer.error = error("ListPartitionReassignments");
        return answer;
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest&) override {
        return wire::DescribeConfigsResponse{};
    }
    Result<ByBroker<wire::DescribeConfigsResponse>> broker_configs(const std::vector<std::string>&) override {
        return from_all(wire::DescribeConfigsResponse{});
    }
    Result<wire::DescribeQuorumResponse> quorum() override {
        wire::DescribeQuorumResponse answer;
        answer.error = error("DescribeQuorum");
        answer.topics.push_back(
            {"__cluster_metadata", {{.leader_id = 2, .leader_epoch = 7, .high_watermark = 900, .voters = {}}}});
        return answer;
    }
    Result<wire::DescribeClientQuotasResponse> quotas() override {
        wire::DescribeClientQuotasResponse answer;
        answer.error = error("DescribeClientQuotas");
        return answer;
    }
    Result<ByBroker<wire::ListTransactionsResponse>> transactions() override {
        wire::ListTransactionsResponse answer;
        answer.error = error("ListTransactions");
        return from_all(answer);
    }
    Result<ByBroker<wire::ListTransactionsResponse>> transactions_of(const std::vector<std::int64_t>&) override {
        return transactions();
    }
    Result<wire::DescribeTransactionsResponse> describe_transactions(std::int32_t,
                                                                     const std::vector<std::string>&) override {
        return wire::DescribeTransactionsResponse{};
    }
    Result<wire::DescribeProducersResponse> producers(std::int32_t, const wire::DescribeProducersRequest&) override {
        return wire::DescribeProducersResponse{};
    }
};

struct FakeOutside : Outside {
    FakeKafkaCluster cluster;
    std::string folder = "kafka-3.9.1-flink-1.20.1", job = "f3354c755bba6d905a16c736d2ee5153";
    WallTime wall{1795339769000};
    std::set<std::string> silent_hosts;         // "jm:8081"
    std::map<std::string, std::string> bodies;  // By whole URL; before anything recorded.
    std::map<std::string, int> statuses;        // By whole URL.
    Duration skew{0};                           // Of the other side's clock.
    std::vector<std::string> asked;

    Now now() override { return {Instant{Duration{wall.unix_ms}}, wall}; }
    KafkaReader& kafka(const ClusterConfig&) override { return cluster; }
    Result<KafkaReader::ByBroker<wire::ApiVersionsResponse>> kafka_versions(const ClusterConfig&) override {
        wire::ApiVersionsResponse versions;
        versions.apis = {{1, 0, 17}, {35, 1, 4}, {60, 0, 1}, {75, 0, 0}};
        return cluster.from_all(versions);
    }
    std::vector<Got> get(const std::vector<Get>& requests) override {
        std::vector<Got> all;
        for (const Get& one : requests) {
            asked.push_back(one.url);
            Got got;
            got.took = Duration{7};
            got.at = wall;
            got.answer = answer(one.url);
            if (got.answer && got.answer->content_type == "application/json") got.server_time = wall + skew;
            all.push_back(std::move(got));
        }
        return all;
    }
    [[nodiscard]] Result<HttpAnswer> answer(const std::string& url) const {
        const auto ends = [&](std::string_view tail) { return url.ends_with(tail); };
        const auto give = [&](const std::string& name) { return recorded::ok(recorded::file(folder + "/" + name)); };
        const std::string host =
            url.substr(url.find("://") + 3, url.find('/', url.find("://") + 3) - url.find("://") - 3);
        if (silent_hosts.contains(host)) return fail(ErrorCode::unavailable, "{}: Connection refused", host);
        if (const auto status = statuses.find(url); status != statuses.end())
            return HttpAnswer{status->second, "text/plain", ""};
        if (const auto body = bodies.find(url); body != bodies.end())
            return HttpAnswer{200, ends("/metrics") ? "text/plain" : "application/json", body->second};
        if (host.starts_with("jm:")) {
            if (ends("/jobs/overview")) return give("flink-jobs-overview.json");
            if (ends("/taskmanagers")) return give("flink-taskmanagers.json");
            if (ends("/jobs/" + job)) return give("flink-job.json");
            if (ends("/jobs/" + job + "/config")) return give("flink-job-config.json");
            if (ends("/config")) return give("flink-config.json");
            if (ends("/checkpoints")) return give("flink-checkpoints.json");
            if (url.find("/exceptions") != std::string::npos) return give("flink-exceptions.json");
            if (url.find("get=numRestarts") != std::string::npos)
                return recorded::ok(R"([{"id":"numRestarts","value":"0"}])");
            if (ends("/backpressure")) return give("flink-vertex-backpressure.json");
            if (ends("/watermarks")) return give("flink-vertex-watermarks.json");
            if (ends("/subtasks/metrics"))
                return recorded::ok(
                    R"([{"id":"Source__orders.KafkaSourceReader.topic.orders.partition.0.currentOffset"},{"id":"numRecordsIn"}])");
            if (url.find("/vertices/") != std::string::npos) return give("flink-vertex.json");
        }
        if (host.starts_with("worker")) {
            if (ends(":8083/")) return give("connect-root.json");
            if (url.find("/connectors?") != std::string::npos) return give("connect-connectors.json");
            if (ends("/connectors/json-sink/topics"))
                return recorded::ok(R"({"json-sink":{"topics":["events-json"]}})");
        }
        return HttpAnswer{404, "text/plain", ""};
    }
};

inline ClusterConfig whole_cluster() {
    ClusterConfig cluster;
    cluster.name = "shop";
    cluster.kafka.bootstrap = {"kafka-1:9092"};
    cluster.connect_urls = {"http://worker-1:8083"};
    cluster.flink_urls = {"http://jm:8081"};
    return cluster;
}

// What a broker's JMX exporter gives with its catch-all rule, cut down.
inline std::string broker_page(const std::string& id) {
    return "kafka_server_app_info_starttimems{id=\"" + id +
           "\"} 1.0\n"
           "kafka_server_BrokerTopicMetrics_Count{name=\"BytesInPerSec\"} 7\n"
           "kafka_server_BrokerTopicMetrics_Count{name=\"BytesOutPerSec\"} 9\n"
           "kafka_server_BrokerTopicMetrics_OneMinuteRate{name=\"BytesInPerSec\"} 0.5\n"
           "kafka_log_LogManager_Value{name=\"OfflineLogDirectoryCount\"} 0\n";
}

}  // namespace medic::discovery

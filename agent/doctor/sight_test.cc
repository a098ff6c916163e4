#include "agent/doctor/sight.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/doctor/test_support_internal.h"

namespace medic::doctor {
namespace {

using discovery::FakeOutside;
using discovery::look_once;
using discovery::whole_cluster;

const DarkSpot* find(const Sight& sight, const std::string& reason) {
    const auto found = std::ranges::find_if(
        sight.dark, [&](const DarkSpot& one) { return one.reason.find(reason) != std::string::npos; });
    return found == sight.dark.end() ? nullptr : &*found;
}

bool hides(const DarkSpot* spot, const std::string& id) {
    return spot != nullptr && std::ranges::any_of(spot->hides, [&](const Hidden& one) { return one.id == id; });
}

TEST(Sight, of_a_cluster_with_everything_hides_only_what_only_logs_tell) {
    FakeOutside outside;
    const ClusterConfig cluster = all_configured(outside);
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    EXPECT_EQ(sight.series_told, sight.series);
    for (const DarkSpot& one : sight.dark) EXPECT_NE(one.reason.find("logs of "), std::string::npos) << one.reason;
}

TEST(Sight, without_processes_a_dead_task_manager_cant_be_told_from_a_frozen_one) {
    FakeOutside outside;
    ClusterConfig cluster = all_configured(outside);
    std::erase_if(cluster.nodes, [](const NodeConfig& one) { return one.role == "taskmanager"; });
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    const DarkSpot* spot = find(sight, "no driver can look at task managers");
    EXPECT_TRUE(hides(spot, "flink.taskmanager-lost"));
    EXPECT_TRUE(hides(spot, "flink.taskmanager-frozen"));
    ASSERT_EQ(spot->mend.size(), 2u);
    EXPECT_EQ(spot->mend[0], "medic.yaml, under clusters.shop:");
    EXPECT_EQ(spot->mend[1], "nodes: [{name: NAME, role: taskmanager, driver: {kind: systemd, unit: UNIT.service}}]");
}

TEST(Sight, without_a_worker_page_a_stuck_task_is_hidden_and_the_line_is_named) {
    FakeOutside outside;
    ClusterConfig cluster = all_configured(outside);
    cluster.pages.pop_back();
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    const DarkSpot* spot = find(sight, "no connect-worker page is read");
    ASSERT_NE(spot, nullptr);
    EXPECT_NE(std::ranges::find(spot->series, "connect_task_records_total"), spot->series.end());
    EXPECT_NE(spot->mend.at(1).find("kind: connect-worker"), std::string::npos);
    // A trace may still name the cause: it is seen, less well.
    const auto stuck = std::ranges::find(spot->hides, "connect.task-stuck", &Hidden::id);
    if (stuck != spot->hides.end()) {
        EXPECT_TRUE(stuck->weaker);
    }
}

TEST(Sight, a_page_whose_exporter_leaves_something_out_gets_the_exporters_line) {
    FakeOutside outside;
    ClusterConfig cluster = all_configured(outside);
    outside.bodies["http://kafka-1:7071/metrics"] = discovery::broker_page("1");
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    const DarkSpot* spot = find(sight, "the kafka-broker pages lack");
    ASSERT_NE(spot, nullptr);
    EXPECT_NE(spot->mend.back().find("includeObjectNames: [\"kafka."), std::string::npos) << spot->mend.back();
}

TEST(Sight, what_is_not_configured_at_all_is_one_line) {
    FakeOutside outside;
    ClusterConfig cluster = whole_cluster();
    cluster.flink_urls.clear();
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    const DarkSpot* spot = find(sight, "Flink is not watched");
    ASSERT_NE(spot, nullptr);
    EXPECT_GT(spot->hides.size(), 5u);
    EXPECT_EQ(spot->mend[1], "flink: [{url: \"http://HOST:8081\"}]");
    EXPECT_LT(sight.causes_seen, sight.causes);
}

TEST(Sight, a_silent_part_is_no_missing_line) {
    FakeOutside outside;
    outside.silent_hosts = {"jm:8081"};
    const ClusterConfig cluster = whole_cluster();
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    EXPECT_NE(find(sight, "Flink does not answer"), nullptr);
    EXPECT_EQ(find(sight, "Flink is not watched"), nullptr);
}

TEST(Sight, without_kafka_the_faults_of_brokers_are_hidden_and_the_line_is_named) {
    FakeOutside outside;
    ClusterConfig cluster = whole_cluster();
    EXPECT_EQ(find(sight_of(cluster, look_once(outside, cluster), knowing()), "Kafka is not watched"), nullptr);
    cluster.kafka.bootstrap.clear();
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    const DarkSpot* spot = find(sight, "Kafka is not watched");
    EXPECT_TRUE(hides(spot, "kafka.disk-nearly-full"));
    EXPECT_EQ(spot->mend,
              (std::vector<std::string>{"medic.yaml, under clusters.shop:", "kafka: {bootstrap: [\"HOST:9092\"]}"}));
}

TEST(Sight, a_kafka_that_does_not_answer_hides_the_same_and_its_line_is_shown) {
    struct SilentKafka : discovery::FakeKafkaCluster {
        Result<wire::MetadataResponse> metadata() override {
            return fail(ErrorCode::unavailable, "broker kafka-1:9092: cannot connect");
        }
    } silent;
    struct Silent : FakeOutside {
        KafkaReader* reader = nullptr;
        KafkaReader& kafka(const ClusterConfig&) override { return *reader; }
    } outside;
    outside.reader = &silent;
    const ClusterConfig cluster = whole_cluster();
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    const DarkSpot* spot = find(sight, "Kafka does not answer: broker kafka-1:9092: cannot connect");
    EXPECT_TRUE(hides(spot, "kafka.disk-nearly-full"));
    EXPECT_TRUE(spot->mend.at(1).starts_with("kafka: {bootstrap: [\"kafka-1:9092\"]}")) << spot->mend.at(1);
}

TEST(Sight, a_brokers_log_brings_up_what_only_it_tells) {
    FakeOutside outside;
    ClusterConfig cluster = whole_cluster();
    const auto look = look_once(outside, cluster);
    EXPECT_NE(find(sight_of(cluster, look, knowing()), "logs of brokers are not read"), nullptr);
    cluster.logs.emplace_back().component = "kafka";
    EXPECT_EQ(find(sight_of(cluster, look, knowing()), "logs of brokers are not read"), nullptr);
}

TEST(Sight, brokers_too_old_to_tell_their_disks_hide_a_filling_disk) {
    FakeOutside outside;
    outside.cluster.total_bytes = -1;
    const ClusterConfig cluster = whole_cluster();
    const Sight sight = sight_of(cluster, look_once(outside, cluster), knowing());
    const DarkSpot* spot = find(sight, "older than Kafka 3.3");
    EXPECT_TRUE(hides(spot, "kafka.disk-filling"));
}

// Derived, not listed: what holds for rules that do not exist yet.
Knowing with_rule(const std::string& expression) {
    Knowing own;
    const RuleFileText file{"own.yaml", "groups:\n  - name: g\n    rules:\n      - {alert: Own, expr: '" + expression +
                                            "', annotations: {summary: 'topic {{ $labels.topic }} is odd'}}\n"};
    own.rules = RuleSet::parse(std::span(&file, 1)).value();
    return own;
}

TEST(Sight, a_new_rule_is_covered_by_itself) {
    FakeOutside outside;
    const ClusterConfig cluster = whole_cluster();
    const auto look = look_once(outside, cluster);
    const Sight sight = sight_of(cluster, look, with_rule("rate(kafka_topic_bytes_in_total[5m]) > 1"));
    const DarkSpot* spot = find(sight, "no kafka-broker page is read");
    ASSERT_TRUE(hides(spot, "Own"));
    EXPECT_EQ(std::ranges::find(spot->hides, "Own", &Hidden::id)->words, "topic TOPIC is odd");
    const Sight other = sight_of(cluster, look, with_rule("kafka_broker_up == 0"));
    EXPECT_FALSE(hides(find(other, "no kafka-broker page is read"), "Own"));
}

}  // namespace
}  // namespace medic::doctor

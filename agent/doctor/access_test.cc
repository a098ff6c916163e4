#include "agent/doctor/access.h"

#include <gtest/gtest.h>

#include "agent/doctor/test_support_internal.h"

namespace medic::doctor {
namespace {

using discovery::FakeOutside;
using discovery::look_once;
using discovery::whole_cluster;

TEST(Access, a_prometheus_that_lacks_targets_is_no_good_source) {
    FakeOutside outside;
    ClusterConfig cluster = whole_cluster();
    auto look = look_once(outside, cluster);
    Observation server;
    server.target = "shop/prometheus";
    look.observations.push_back(server);
    EXPECT_TRUE(pages_and_clocks(look).empty());  // It sees all.
    look.observations.back().lacks("Prometheus cannot scrape 1 of 3 targets: kafka-2:7071 (job kafka)");
    const auto checks = pages_and_clocks(look);
    ASSERT_EQ(checks.size(), 1u);
    EXPECT_EQ(checks[0].grade, Grade::bad);
    EXPECT_NE(checks[0].text.find("kafka-2:7071"), std::string::npos);
}

TEST(Access, refused_calls_name_the_right_and_the_lines_to_copy) {
    FakeOutside outside;
    const auto look = look_once(outside, whole_cluster());
    EXPECT_EQ(right_of("ListGroups"), "Describe on the cluster");
    const auto lines = acl_lines(look, "kafka-1:9092", "User:medic");
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0],
              "kafka-acls.sh --bootstrap-server kafka-1:9092 --add --allow-principal 'User:medic' --operation Describe "
              "--operation DescribeConfigs --cluster");
    EXPECT_EQ(lines[1],
              "kafka-acls.sh --bootstrap-server kafka-1:9092 --add --allow-principal 'User:medic' --operation Describe "
              "--group '*'");
    EXPECT_EQ(lines[2],
              "kafka-acls.sh --bootstrap-server kafka-1:9092 --add --allow-principal 'User:medic' --operation Describe "
              "--operation DescribeConfigs --topic '*'");
    EXPECT_EQ(lines[3],
              "kafka-acls.sh --bootstrap-server kafka-1:9092 --add --allow-principal 'User:medic' --operation Describe "
              "--transactional-id '*'");
    for (const std::string& line : lines)
        for (const char* writing : {"Alter", "Write", "Create", "Delete", "All"})
            EXPECT_EQ(line.find(writing), std::string::npos) << line;
    ClusterConfig without;
    without.name = "x";
    without.flink_urls = {"http://jm:8081"};
    EXPECT_TRUE(acl_lines(look_once(outside, without), "", "User:medic").empty());
}

TEST(Access, every_kafka_call_of_the_agent_has_its_right) {
    FakeOutside outside;
    for (const auto& call : look_once(outside, whole_cluster()).calls)
        if (call.part == "kafka") {
            EXPECT_NE(right_of(call.name), "") << call.name;
        }
}

TEST(Access, versions_are_held_against_those_tested) {
    EXPECT_EQ(check_version("Kafka", "3.9").grade, Grade::good);
    EXPECT_EQ(check_version("Kafka", "4.1+").grade, Grade::good);
    EXPECT_EQ(check_version("Kafka", "3.5–3.6").grade, Grade::advice);
    EXPECT_EQ(check_version("Kafka", "2.3–2.6").grade, Grade::bad);
    EXPECT_EQ(check_version("Kafka", "before 2.3").grade, Grade::bad);
    EXPECT_EQ(check_version("Flink", "1.20.1").grade, Grade::good);
    EXPECT_EQ(check_version("Flink", "1.9.3").grade, Grade::bad);
    EXPECT_EQ(check_version("Flink", "2.1.0").grade, Grade::advice);
    EXPECT_EQ(check_version("Flink", "nightly").grade, Grade::advice);
    FakeOutside outside;
    const auto found = versions(look_once(outside, whole_cluster()));
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].what, "Connect 3.9.1");
    EXPECT_EQ(found[1].what, "Flink 1.20.1");
    EXPECT_EQ(found[2].what, "Kafka 3.9");
}

TEST(Access, brokers_of_different_releases_are_a_fact_that_is_told) {
    discovery::ClusterLook look;
    look.broker_versions = {{1, "3.9"}, {2, "3.9"}, {3, "4.0"}};
    const auto found = versions(look);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[2].grade, Grade::advice);
    EXPECT_NE(found[2].text.find("broker 1, 2 like 3.9; broker 3 like 4.0"), std::string::npos) << found[2].text;
    look.broker_versions = {{1, "3.9"}, {2, "3.9"}, {3, ""}};
    EXPECT_EQ(versions(look).size(), 1u) << "one whose release is not known is no other one";
    look.broker_versions = {};
    EXPECT_TRUE(versions(look).empty());
}

TEST(Access, a_clock_that_is_off_is_told_and_a_second_is_not) {
    FakeOutside outside;
    outside.skew = Duration{1'500};
    EXPECT_TRUE(pages_and_clocks(look_once(outside, whole_cluster())).empty());
    outside.skew = Duration{-90'000};
    const auto checks = pages_and_clocks(look_once(outside, whole_cluster()));
    ASSERT_FALSE(checks.empty());
    EXPECT_EQ(checks[0].grade, Grade::bad);
    EXPECT_NE(checks[0].text.find("90 s ahead of it"), std::string::npos) << checks[0].text;
}

TEST(Access, an_expensive_page_gets_advice_and_a_stale_or_wrong_one_is_bad) {
    FakeOutside outside;
    ClusterConfig cluster = all_configured(outside);
    const auto at = [&](const std::string& body) {
        outside.bodies["http://kafka-1:7071/metrics"] = body;
        return pages_and_clocks(look_once(outside, cluster)).front();
    };
    EXPECT_EQ(at(discovery::broker_page("1")).grade, Grade::good);
    std::string big = discovery::broker_page("1");
    for (int i = 0; i < 6'000; ++i)
        big += "kafka_server_something_long_that_nobody_reads{n=\"" + std::to_string(i) + "\"} 1\n";
    EXPECT_EQ(at(big).grade, Grade::advice);
    EXPECT_NE(at(big).text.find("medic doctor --print kafka-broker"), std::string::npos);
    EXPECT_EQ(at("kafka_connect_worker_metrics_task_count 0\n").grade, Grade::bad);
    EXPECT_EQ(at("kafka_server_x 1 1500000000000\n").grade, Grade::bad);
    EXPECT_EQ(at("<html>").grade, Grade::bad);
}

}  // namespace
}  // namespace medic::doctor

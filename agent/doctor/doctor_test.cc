#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>

#include "agent/collectors/prometheus/canonical.h"
#include "agent/discovery/fake_outside_internal.h"
#include "agent/doctor/access.h"
#include "agent/doctor/exporter.h"
#include "agent/doctor/local.h"
#include "agent/doctor/sight.h"
#include "agent/doctor/sources.h"
#include "classifiers/rules/promql/parser.h"

namespace medic::doctor {
namespace {

using discovery::FakeOutside;
using discovery::look_once;
using discovery::whole_cluster;

const Knowing& knowing() {
    static const Knowing all = built_in_knowledge().value();
    return all;
}

NodeConfig watched(const std::string& name, const std::string& role) {
    NodeConfig node{.name = name, .role = role};
    node.driver.kind = NodeDriverConfig::Kind::command;
    node.driver.commands["status"] = {"true"};
    return node;
}

// Everything that can be configured, on products that answer.
ClusterConfig all_configured(FakeOutside& outside) {
    ClusterConfig cluster = whole_cluster();
    for (const char* role : {"broker", "connect-worker", "taskmanager"})
        cluster.nodes.push_back(watched(std::string(role) + "-1", role));
    std::string page;
    for (const CanonicalSeries& series : CanonicalNames::built_in().series())
        for (const PageOrigin& origin : series.pages) {
            if (origin.mbean.empty() || page_kind_of(origin.page) != "kafka-broker") continue;
            const auto name = origin.mbean.find(",name=");
            page +=
                origin.page +
                (name == std::string::npos ? "{listener=\"L\"" : "{name=\"" + origin.mbean.substr(name + 6) + "\"") +
                "} 1\n" + origin.page +
                (name == std::string::npos ? "{listener=\"M\"" : "{name=\"" + origin.mbean.substr(name + 6) + "\"") +
                ",topic=\"orders\"} 1\n";
        }
    outside.bodies["http://kafka-1:7071/metrics"] = page;
    outside.bodies["http://worker-1:7072/metrics"] = recorded::file("kafka-3.9.1-flink-1.20.1/connect-worker.prom");
    cluster.pages = {{.url = "http://kafka-1:7071/metrics", .kind = "kafka-broker", .node = "broker-1"},
                     {.url = "http://worker-1:7072/metrics", .kind = "connect-worker", .node = "connect-worker-1"}};
    return cluster;
}

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

// --- Derived, not listed: what holds for rules that do not exist yet
// ----------------------------------------------------

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

TEST(Needs, either_side_of_or_is_enough_and_recorded_series_are_followed) {
    const RuleFileText file{
        "own.yaml", "groups:\n  - name: g\n    rules:\n      - {record: \"a:rate\", expr: 'rate(a_total[5m])'}\n"};
    const RuleSet rules = RuleSet::parse(std::span(&file, 1)).value();
    const auto told = [](const std::string& series, const std::string& role) {
        return series == "a_total" || role == "broker";
    };
    const auto see = [&](const char* expression) {
        std::set<std::string> missing;
        const bool seen = can_be_seen(expression, told, rules, missing);
        return std::pair(seen, std::vector<std::string>(missing.begin(), missing.end()));
    };
    using Names = std::vector<std::string>;
    EXPECT_EQ(see("a_total or b"), std::pair(true, Names{}));
    EXPECT_EQ(see("b or c"), std::pair(false, Names{"b", "c"}));
    EXPECT_EQ(see("a_total and b > 1"), std::pair(false, Names{"b"}));
    EXPECT_EQ(see("a_total unless b"), std::pair(true, Names{}));
    EXPECT_EQ(see("sum by (x) (a:rate) / b"), std::pair(false, Names{"b"}));
    EXPECT_EQ(see("process_up{role=\"broker\"}"), std::pair(true, Names{}));
    EXPECT_EQ(see("process_up{role=\"taskmanager\"}"), std::pair(false, Names{"process_up@taskmanager"}));
    EXPECT_EQ(see(""), std::pair(true, Names{}));
}

TEST(Needs, of_every_analyzer_are_series_that_exist_and_that_it_reads) {
    for (const auto& analyzer : knowing().analyzers) {
        std::ifstream in("classifiers/analyzers/" + std::string(analyzer.name) + "/" + std::string(analyzer.name) +
                         ".cc");
        const std::string source(std::istreambuf_iterator<char>(in), {});
        ASSERT_FALSE(source.empty()) << analyzer.name;
        EXPECT_FALSE(analyzer.needs.empty()) << analyzer.name << ": say in `needs` which series it can't do without";
        std::set<std::string> named;
        const auto collect = [&](const std::string& series, const std::string&) { return named.insert(series), false; };
        std::set<std::string> missing;
        ASSERT_NE(promql::parse(analyzer.needs).root, nullptr) << analyzer.name << ": `needs` is no expression";
        EXPECT_FALSE(can_be_seen(analyzer.needs, collect, knowing().rules, missing));
        for (const std::string& series : named)
            EXPECT_NE(CanonicalNames::built_in().find(series), nullptr) << analyzer.name << ": " << series;
    }
}

// What collectors tell in tests of their own must be what the data says that they tell.
TEST(Sources, agree_with_what_the_collectors_told) {
    FakeOutside outside;
    const auto look = look_once(outside, whole_cluster());
    for (const Observation& one : look.observations) {
        const std::string part = one.target.substr(
            one.target.find('/') + 1, one.target.find('/', one.target.find('/') + 1) - one.target.find('/') - 1);
        for (const auto& [labels, value] : one.samples) {
            const CanonicalSeries* series = CanonicalNames::built_in().find(labels.name());
            ASSERT_NE(series, nullptr) << labels.name() << " is not in rules/canonical";
            EXPECT_EQ(series->told_by, part) << series->name << ": say `told_by: " << part << "` in rules/canonical";
        }
    }
}

TEST(Sources, series_of_tasks_are_not_missed_where_there_is_no_connector) {
    FakeOutside outside;
    ClusterConfig cluster = all_configured(outside);
    outside.bodies["http://worker-1:8083/connectors?expand=status&expand=info"] = "{}";
    outside.bodies["http://worker-1:7072/metrics"] = "kafka_connect_worker_metrics_task_count 0\n";
    const auto look = look_once(outside, cluster);
    EXPECT_TRUE(Sources(cluster, look).tells("connect_task_records_total"));
    cluster.pages.pop_back();
    EXPECT_FALSE(Sources(cluster, look_once(outside, cluster)).tells("connect_task_records_total"));
}

TEST(Exporter, includes_exactly_the_beans_that_series_come_from) {
    const std::string kafka = *exporter_file("kafka-broker"), connect = *exporter_file("connect-worker");
    EXPECT_NE(kafka.find("  - \"kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,*\"\n"), std::string::npos)
        << kafka;
    EXPECT_NE(kafka.find(R"(  - pattern: 'kafka\.server<type=BrokerTopicMetrics, name=BytesInPerSec(, .*)?><>Count:')"),
              std::string::npos)
        << kafka;
    EXPECT_NE(kafka.find(R"(kafka\.server<type=socket-server-metrics(, .*)?><>connection-count:)"), std::string::npos);
    EXPECT_EQ(kafka.find("connect"), kafka.find("connection-count"));
    EXPECT_NE(connect.find("kafka.connect:type=sink-task-metrics,*"), std::string::npos);
    EXPECT_FALSE(exporter_file("flunk"));
    EXPECT_NE(exporter_file("flink")->find("numRestarts"), std::string::npos);
}

// The names that the exporter's catch-all rule makes of an entry's bean are the entry's own name.
TEST(Exporter, beans_give_the_names_that_the_data_reads) {
    std::size_t beans = 0;
    for (const CanonicalSeries& series : CanonicalNames::built_in().series()) {
        bool jmx = false, any = false;
        for (const PageOrigin& origin : series.pages) {
            jmx = jmx || page_kind_of(origin.page) == "kafka-broker" || page_kind_of(origin.page) == "connect-worker";
            if (origin.mbean.empty()) continue;
            any = true;
            ++beans;
            EXPECT_EQ(default_name(origin.mbean, origin.attribute), origin.page) << series.name;
        }
        EXPECT_EQ(jmx, any) << series.name
                            << ": give `mbean` and `attribute` to the name that the catch-all rule makes";
    }
    EXPECT_GT(beans, 10u);
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

struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "doctor-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

const Check& named(const std::vector<Check>& checks, const std::string& what) {
    return *std::ranges::find_if(checks, [&](const Check& one) { return one.what.starts_with(what); });
}

TEST(Local, secrets_that_everybody_reads_and_a_corrupt_journal_are_bad) {
    const Folder folder;
    Config config;
    config.data_dir = folder.path.string();
    config.api_token_file = (folder.path / "token").string();
    std::ofstream(config.api_token_file) << "ana 0123456789abcdef\n";
    std::filesystem::permissions(config.api_token_file, std::filesystem::perms(0600));
    for (const Check& one : local(config, {1})) EXPECT_EQ(one.grade, Grade::good) << one.what << ": " << one.text;
    std::filesystem::permissions(config.api_token_file, std::filesystem::perms(0644));
    std::ofstream(folder.path / "journal.db") << std::string(8'192, 'x');
    const auto checks = local(config, {1});
    EXPECT_EQ(named(checks, "token_file").grade, Grade::bad);
    EXPECT_NE(named(checks, "token_file").text.find("chmod 600"), std::string::npos);
    EXPECT_EQ(named(checks, "journal").grade, Grade::bad);
    EXPECT_EQ(named(checks, "data_dir").grade, Grade::good);
}

TEST(Local, a_running_agent_is_seen_by_its_lock) {
    const Folder folder;
    Config config;
    config.data_dir = folder.path.string();
    EXPECT_EQ(named(local(config, {1}), "agents").text, "none runs");
    const int fd = open((folder.path / "lock").c_str(), O_CREAT | O_RDWR, 0600);
    ASSERT_EQ(flock(fd, LOCK_EX), 0);
    EXPECT_NE(named(local(config, {1}), "agents").text.find("one runs"), std::string::npos);
    close(fd);
}

TEST(Local, a_data_dir_that_is_a_file_or_in_nowhere_is_told_with_the_command) {
    const Folder folder;
    Config config;
    config.data_dir = (folder.path / "file").string();
    std::ofstream(config.data_dir) << "x";
    EXPECT_EQ(named(local(config, {1}), "data_dir").text, "is not a folder");
    config.data_dir = (folder.path / "not" / "yet").string();
    EXPECT_EQ(named(local(config, {1}), "data_dir").text, "is not there yet; the agent will make it");
    EXPECT_FALSE(std::filesystem::exists(folder.path / "not"));
}

}  // namespace
}  // namespace medic::doctor

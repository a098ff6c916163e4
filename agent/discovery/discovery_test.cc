#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "agent/discovery/config_text.h"
#include "agent/discovery/fake_outside_internal.h"
#include "agent/discovery/picture_json.h"
#include "agent/discovery/probe_pages.h"
#include "agent/discovery/telling_reader_internal.h"

namespace medic::discovery {
namespace {

Picture picture_of(FakeOutside& outside, const ClusterConfig& cluster = whole_cluster()) {
    return draw(outside, cluster, look_once(outside, cluster));
}

const Call* find(const std::vector<Call>& calls, const std::string& name) {
    const auto found = std::ranges::find(calls, name, &Call::name);
    return found == calls.end() ? nullptr : &*found;
}

TEST(Draw, finds_everything_of_a_healthy_platform) {
    FakeOutside outside;
    const Picture seen = picture_of(outside);
    EXPECT_TRUE(seen.problems.empty()) << seen.problems.front();
    EXPECT_TRUE(seen.kafka_whole && seen.connect_whole && seen.flink_whole);
    ASSERT_EQ(seen.brokers.size(), 3u);
    EXPECT_EQ(seen.brokers[1].address, "kafka-2:9092");
    EXPECT_EQ(seen.brokers[1].rack, "r2");
    EXPECT_EQ(seen.brokers[1].version, "3.9");
    EXPECT_TRUE(seen.brokers[1].controller);
    EXPECT_FALSE(seen.brokers[0].controller);
    const auto orders = std::ranges::find(seen.topics, "orders", &Topic::name);
    ASSERT_NE(orders, seen.topics.end());
    EXPECT_EQ(orders->partitions, 2u);
    EXPECT_EQ(orders->replication, 3u);
    EXPECT_EQ(orders->bytes, 18'000'000);
    ASSERT_EQ(seen.connectors.size(), 4u);
    const auto sink = std::ranges::find(seen.connectors, "json-sink", &Connector::name);
    ASSERT_EQ(sink->reads.size(), 1u);
    EXPECT_EQ(sink->reads[0].name, "events-json");
    EXPECT_EQ(sink->tasks_running, 1u);
    ASSERT_EQ(seen.flinks.size(), 1u);
    EXPECT_EQ(seen.flinks[0].version, "1.20.1");
    EXPECT_EQ(seen.flinks[0].mode, "session");
    EXPECT_EQ(seen.flinks[0].taskmanagers.size(), 2u);
}

TEST(Draw, says_which_topics_a_job_reads_and_writes_and_how_sure_it_is) {
    FakeOutside outside;
    const Picture seen = picture_of(outside);
    const Job* job = seen.job("orders-by-customer");
    ASSERT_NE(job, nullptr);
    EXPECT_EQ(job->reads, (std::vector<Link>{{"orders", Sure::told, "metrics of its Kafka source"}}));
    EXPECT_EQ(job->writes, (std::vector<Link>{{"orders-agg", Sure::likely, "an operator is named after it"}}));
    ASSERT_EQ(job->groups.size(), 1u);
    EXPECT_EQ(job->groups[0].sure, Sure::told);
    const auto billing = std::ranges::find(seen.groups, "billing", &Group::id);
    EXPECT_EQ(billing->belongs_to, "");
    EXPECT_EQ(billing->clients, std::vector<std::string>{"billing-client @ 10.0.0.7"});
    EXPECT_EQ(std::ranges::find(seen.groups, "connect-json-sink", &Group::id)->belongs_to, "connector/json-sink");
}

TEST(Draw, a_silent_part_is_a_problem_and_the_rest_goes_on) {
    FakeOutside outside;
    outside.silent_hosts = {"jm:8081"};
    const Picture seen = picture_of(outside);
    EXPECT_EQ(seen.brokers.size(), 3u);
    EXPECT_EQ(seen.connectors.size(), 4u);
    ASSERT_EQ(seen.flinks.size(), 1u);
    EXPECT_FALSE(seen.flinks[0].reachable);
    EXPECT_FALSE(seen.flink_whole);
    ASSERT_EQ(seen.problems.size(), 1u);
    EXPECT_NE(seen.problems[0].find("Connection refused"), std::string::npos);
}

TEST(Draw, nobody_answering_is_no_picture_of_an_empty_cluster) {
    FakeOutside outside;
    outside.cluster.silent = true;
    outside.silent_hosts = {"jm:8081", "worker-1:8083"};
    const Picture seen = picture_of(outside);
    EXPECT_FALSE(seen.kafka_whole || seen.connect_whole || seen.flink_whole);
    EXPECT_EQ(seen.problems.size(), 3u);
    EXPECT_TRUE(seen.topics.empty());
}

TEST(Draw, a_silent_broker_leaves_sizes_unknown_not_smaller) {
    FakeOutside outside;
    outside.cluster.silent_broker = 3;
    const Picture seen = picture_of(outside);
    EXPECT_FALSE(seen.brokers[2].reachable);
    EXPECT_EQ(std::ranges::find(seen.topics, "orders", &Topic::name)->bytes, std::nullopt);
    EXPECT_FALSE(seen.kafka_whole);
}

TEST(Draw, a_worker_that_only_assignments_name_is_told) {
    FakeOutside outside;
    const Picture seen = picture_of(outside);
    const auto other = std::ranges::find(seen.workers, "127.0.0.1:28083", &ConnectWorker::address);
    ASSERT_NE(other, seen.workers.end());
    EXPECT_FALSE(other->listed);
    EXPECT_EQ(other->tasks, 4u);
}

TEST(Draw, a_connect_of_another_kafka_is_noted) {
    FakeOutside outside;
    const Picture seen = picture_of(outside);
    ASSERT_FALSE(seen.notes.empty());
    EXPECT_NE(seen.notes[0].find("works on Kafka cluster"), std::string::npos);
    EXPECT_NE(seen.notes[0].find("Fk3m-cluster"), std::string::npos);
}

TEST(Links, topics_stand_in_the_names_of_a_sources_metrics) {
    const std::vector<Topic> known = {{.name = "pay.ments"}};
    EXPECT_EQ(topics_in_metric_names({"Source__a.KafkaSourceReader.topic.a.b.partition.7.currentOffset", "numRecordsIn",
                                      "x.KafkaSourceReader.topic.pay_ments.partition.0.committedOffset"},
                                     known),
              (std::vector<std::string>{"a.b", "pay.ments"}));
    EXPECT_TRUE(topics_in_metric_names({"KafkaSourceReader.topic.", "KafkaSourceReader.commitsFailed"}, known).empty());
}

TEST(Links, an_operators_name_is_a_hint_only_when_it_fits_one_topic) {
    const std::vector<Topic> known = {
        {.name = "orders"}, {.name = "orders-agg"}, {.name = "in"}, {.name = "__x", .internal = true}};
    EXPECT_EQ(topic_by_name("Sink: orders", known)->sure, Sure::likely);
    EXPECT_EQ(topic_by_name("orders-agg: Writer", known)->name, "orders-agg");
    const auto table = topic_by_name("Sink(table=[default_catalog.default_database.orders_agg])", known);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->name, "orders-agg");
    EXPECT_EQ(table->sure, Sure::guess);
    EXPECT_FALSE(topic_by_name("Sink: report in html", known));
    EXPECT_FALSE(topic_by_name("orders and orders-agg", known));
}

TEST(Links, two_jobs_that_fit_a_group_equally_leave_it_open) {
    Picture picture;
    picture.groups.push_back(
        {.id = "pay-eu", .state = "Empty", .protocol = "consumer", .topics = {"pay"}, .belongs_to = ""});
    picture.flinks.push_back(
        {.url = "u",
         .version = "",
         .mode = "",
         .jobs = {{.name = "pay-e", .id = "", .state = ""}, {.name = "pay-eu-x", .id = "", .state = ""}}});
    for (Job& job : picture.flinks[0].jobs) job.reads = {{"pay", Sure::told, ""}};
    tie_groups(picture);
    EXPECT_EQ(picture.groups[0].belongs_to, "job/pay-e");
    picture.groups[0].belongs_to = "";
    picture.flinks[0].jobs[1].name = "ay-eu";
    tie_groups(picture);
    EXPECT_EQ(picture.groups[0].belongs_to, "");
}

TEST(Look, every_call_is_noted_with_its_outcome) {
    FakeOutside outside;
    outside.cluster.refuses = {{"ListGroups", wire::KafkaError::cluster_authorization_failed}};
    outside.statuses["http://jm:8081/taskmanagers"] = 401;
    const ClusterLook look = look_once(outside, whole_cluster());
    const Call* groups = find(look.calls, "ListGroups");
    ASSERT_NE(groups, nullptr);
    EXPECT_EQ(groups->outcome, Call::Outcome::refused);
    EXPECT_NE(groups->detail.find("CLUSTER_AUTHORIZATION_FAILED"), std::string::npos) << groups->detail;
    EXPECT_EQ(find(look.calls, "Metadata")->outcome, Call::Outcome::answered);
    EXPECT_EQ(find(look.calls, "GET /taskmanagers")->outcome, Call::Outcome::refused);
    EXPECT_EQ(find(look.calls, "GET /jobs/:id/checkpoints")->outcome, Call::Outcome::answered);
    EXPECT_EQ(find(look.calls, "GET /jobs/:id/vertices/:id/watermarks")->count, 3u);
}

TEST(Look, only_reading_requests_are_made) {
    FakeOutside outside;
    (void)picture_of(outside);
    for (const std::string& url : outside.asked) {
        for (const char* word : {"/restart", "/cancel", "/stop", "/savepoints", "/run", "/pause"})
            EXPECT_EQ(url.find(word), std::string::npos) << url;
    }
}

TEST(CallShape, leaves_out_names_and_logins) {
    EXPECT_EQ(
        call_shape("http://h:1/jobs/f3354c755bba6d905a16c736d2ee5153/vertices/45b0254a46cabbc3efeea5d2e170ea5b?x=y"),
        "/jobs/:id/vertices/:id");
    EXPECT_EQ(call_shape("http://h:1/connectors/my-sink/status"), "/connectors/:id/status");
    EXPECT_EQ(call_shape("http://h:1"), "/");
    EXPECT_EQ(shown_address("https://me:secret@h:8081/x"), "h:8081");
}

TEST(KafkaRelease, follows_from_what_a_broker_offers) {
    const auto speaks = [](std::vector<wire::ApiVersionsResponse::Api> apis) {
        wire::ApiVersionsResponse versions;
        versions.apis = std::move(apis);
        return kafka_release(versions);
    };
    EXPECT_EQ(speaks({{1, 4, 18}}), "4.1+");
    EXPECT_EQ(speaks({{1, 4, 17}}), "4.0");
    EXPECT_EQ(speaks({{1, 0, 17}}), "3.9");
    EXPECT_EQ(speaks({{1, 0, 16}, {75, 0, 0}}), "3.8");
    EXPECT_EQ(speaks({{1, 0, 13}, {35, 0, 4}}), "3.3–3.4");
    EXPECT_EQ(speaks({{1, 0, 12}, {60, 0, 0}}), "2.8–3.0");
    EXPECT_EQ(speaks({{1, 0, 12}}), "2.7");
    EXPECT_EQ(speaks({{1, 0, 4}}), "before 2.3");
    EXPECT_EQ(speaks({}), "");
}

TEST(Probe, finds_pages_on_known_hosts_and_whose_they_are) {
    FakeOutside outside;
    outside.bodies["http://kafka-2:7071/metrics"] = broker_page("2");
    outside.bodies["http://jm:9249/metrics"] = recorded::file("kafka-3.9.1-flink-1.20.1/flink-jobmanager.prom");
    outside.bodies["http://kafka-1:9100/metrics"] = "<html>hello</html>";
    const ClusterConfig cluster = whole_cluster();
    const auto found = probe_pages(outside, cluster, picture_of(outside), usual_page_ports());
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].config.kind, "flink-jobmanager");
    EXPECT_EQ(found[1].config.kind, "kafka-broker");
    EXPECT_EQ(found[1].config.node, "broker-2");
    EXPECT_EQ(found[1].used, 3u);
}

TEST(ConfigText, is_valid_and_says_what_is_missing) {
    FakeOutside outside;
    ClusterConfig cluster = whole_cluster();
    Picture picture = picture_of(outside, cluster);
    const auto text = config_text(cluster, picture, {.data_dir = "/var/lib/x", .command = "medic discover"});
    const auto config = load_config(text, "medic.yaml");
    ASSERT_TRUE(config) << config.error().message << "\n" << text;
    EXPECT_EQ(config->clusters[0].kafka.bootstrap,
              (std::vector<std::string>{"kafka-1:9092", "kafka-2:9092", "kafka-3:9092"}));
    EXPECT_NE(
        text.find("Worker 127.0.0.1:28083 runs 4 tasks and was not given; add \"http://127.0.0.1:28083\" to urls."),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("#   - {url: \"http://kafka-3:PORT/metrics\", kind: kafka-broker, node: \"broker-3\"}"),
              std::string::npos)
        << text;

    outside.bodies["http://kafka-2:7071/metrics"] = broker_page("2");
    for (PageLook& page : probe_pages(outside, cluster, picture, usual_page_ports())) picture.pages.push_back(page);
    const auto more = load_config(config_text(cluster, picture, {.data_dir = "/d", .command = "x"}), "medic.yaml");
    ASSERT_TRUE(more) << more.error().message;
    ASSERT_EQ(more->clusters[0].pages.size(), 1u);
    EXPECT_EQ(more->clusters[0].pages[0].node, "broker-2");
    EXPECT_EQ(more->clusters[0].nodes.at(0).zone, "r2");
}

TEST(ConfigText, is_valid_when_nothing_answered) {
    FakeOutside outside;
    outside.cluster.silent = true;
    outside.silent_hosts = {"jm:8081", "worker-1:8083"};
    const ClusterConfig cluster = whole_cluster();
    const auto text = config_text(cluster, picture_of(outside), {.data_dir = "/d", .command = "x"});
    ASSERT_TRUE(load_config(text, "medic.yaml")) << text;
    EXPECT_NE(text.find("# Not seen: kafka: "), std::string::npos) << text;
}

TEST(ConfigText, nothing_that_others_call_themselves_becomes_configuration) {
    const ClusterConfig cluster = whole_cluster();
    for (const char* end : {"\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029"}) {
        const std::string hostile = "1.20" + std::string(end) +
                                    "    nodes:\n      - {name: own3d, role: broker, driver: {kind: command, status: "
                                    "[sh, -c, id]}}\n    x: \x1b[2J";
        FakeOutside outside;
        Picture picture = picture_of(outside, cluster);
        picture.kafka_cluster_id = hostile;
        picture.brokers.at(0).version = hostile;
        picture.brokers.at(0).address = hostile;
        picture.flinks.at(0).version = hostile;
        picture.flinks.at(0).mode = hostile;
        picture.flinks.at(0).jobs.at(0).name = hostile;
        picture.workers.push_back({.address = hostile, .version = "", .listed = false});
        picture.notes = {hostile};
        picture.problems = {hostile};
        const auto text = config_text(cluster, picture, {.data_dir = "/d", .command = hostile});
        const auto config = load_config(text, "medic.yaml");
        ASSERT_TRUE(config) << config.error().message << "\n" << text;
        EXPECT_TRUE(config->clusters.at(0).nodes.empty()) << text;
        EXPECT_TRUE(config->clusters.at(0).pages.empty()) << text;
        EXPECT_EQ(std::ranges::find_if(text, [](char c) { return c != '\n' && static_cast<unsigned char>(c) < ' '; }),
                  text.end())
            << text;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            const auto at = line.find("own3d");
            EXPECT_TRUE(at == std::string::npos || std::min(line.find('#'), line.find('"')) < at) << line;
        }
    }
}

TEST(ConfigText, quotes_what_a_scalar_would_not_keep) {
    EXPECT_EQ(quoted("a\"b\\c\n\td\x7f\u0085"), "\"a\\\"b\\\\cd\"");
    EXPECT_EQ(node_item("n, role: x", "broker", "z}\n"), "{name: \"n, role: x\", role: broker, zone: \"z}\"}");
}

TEST(PictureJson, comes_back_as_far_as_a_comparison_needs) {
    FakeOutside outside;
    const Picture seen = picture_of(outside);
    const auto back = picture_from_json(to_json(seen), "before.json");
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->topics.size(), seen.topics.size());
    EXPECT_TRUE(compare(*back, seen).empty());
    EXPECT_FALSE(picture_from_json("{}", "x"));
    EXPECT_FALSE(picture_from_json("not json", "x"));
}

}  // namespace
}  // namespace medic::discovery

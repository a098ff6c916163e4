// What discover and doctor print, word for word, on a platform played from recorded answers.
// After an intended change: MEDIC_WRITE_TRANSCRIPTS=1 build/agent/cli/medic_cli_test, then read the diff.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "agent/cli/discover_text.h"
#include "agent/cli/doctor_text.h"
#include "agent/cli/table.h"
#include "agent/discovery/config_text.h"
#include "agent/discovery/fake_outside_internal.h"
#include "agent/discovery/picture_json.h"
#include "agent/discovery/probe_pages.h"

namespace medic::cli {
namespace {

using namespace discovery;

void expect_transcript(const std::string& name, const std::string& text) {
    const std::string path = "agent/cli/testdata/" + name;
    if (std::getenv("MEDIC_WRITE_TRANSCRIPTS") != nullptr) std::ofstream(path) << text;
    std::ifstream in(path);
    const std::string wanted(std::istreambuf_iterator<char>(in), {});
    EXPECT_EQ(text, wanted) << path;
}

Picture healthy(FakeOutside& outside) {
    const ClusterConfig cluster = whole_cluster();
    outside.bodies["http://kafka-2:7071/metrics"] = broker_page("2");
    Picture picture = draw(outside, cluster, look_once(outside, cluster));
    for (PageLook& page : probe_pages(outside, cluster, picture, usual_page_ports()))
        picture.pages.push_back(std::move(page));
    return picture;
}

ClusterExam examine(FakeOutside& outside, const ClusterConfig& cluster) {
    const ClusterLook look = look_once(outside, cluster);
    return {.cluster = cluster.name,
            .calls = look.calls,
            .versions = doctor::versions(look),
            .pages = doctor::pages_and_clocks(look),
            .acls = doctor::acl_lines(look, cluster.kafka.bootstrap.front(), "User:streammedic"),
            .sight = doctor::sight_of(cluster, look, doctor::built_in_knowledge().value())};
}

TEST(Transcript, discover) {
    FakeOutside outside;
    expect_transcript("discover.txt", text_of(healthy(outside), false));
    expect_transcript("discover-wide.txt", text_of(healthy(outside), true));
    expect_transcript("discover.yaml",
                      config_text(whole_cluster(), healthy(outside),
                                  {.data_dir = "/var/lib/streammedic", .command = "medic discover …"}));
    expect_transcript("discover.json", to_json(healthy(outside)));
}

TEST(Transcript, discover_when_a_part_is_silent) {
    FakeOutside outside;
    outside.silent_hosts = {"jm:8081"};
    outside.cluster.silent_broker = 3;
    expect_transcript("discover-silent.txt", text_of(healthy(outside), false));
}

TEST(Transcript, discover_changes) {
    expect_transcript("discover-changes.txt",
                      text_of(std::vector<Change>{
                          {Change::Kind::added, "worker w2:8083", "clusters.shop.connect.urls: \"http://w2:8083\""},
                          {Change::Kind::fresh, "topic/new", ""},
                          {Change::Kind::gone, "topic/old", "its cluster is healthy: it was deleted"},
                          {Change::Kind::unseen, "job/x", "not seen now: down, taken away, or not visible"}}));
}

// Causes and rules come and go: the part about them is tested by its parts (doctor_test), not word for word.
TEST(Transcript, doctor) {
    FakeOutside outside;
    ClusterConfig cluster = whole_cluster();
    outside.bodies["http://kafka-2:7071/metrics"] = broker_page("2");
    cluster.pages = {{.url = "http://kafka-2:7071/metrics", .kind = "kafka-broker", .node = "broker-2"}};
    outside.cluster.refuses = {{"ListGroups", wire::KafkaError::cluster_authorization_failed}};
    Exam exam;
    exam.machine = {{doctor::Grade::bad, "token_file /etc/streammedic/token",
                     "everybody on this machine may read it: chmod 600 /etc/streammedic/token"}};
    exam.clusters.push_back(examine(outside, cluster));
    exam.clusters[0].sight = {
        .series = 3,
        .series_told = 1,
        .causes = 2,
        .causes_seen = 1,
        .dark = {{"no connect-worker page is read",
                  {"medic.yaml, under clusters.shop:",
                   "metrics: [{url: \"http://HOST:PORT/metrics\", kind: connect-worker, node: \"HOST:8083\"}]"},
                  {"connect_task_records_total", "connect_task_polls_total"},
                  {{"connect.task-stuck", "A connector task says RUNNING and moves nothing.", false}}}}};
    expect_transcript("doctor.txt", text_of(exam, false));
    EXPECT_FALSE(exam.is_good());
    EXPECT_FALSE(exam.saw_nothing());
}

TEST(Transcript, holds_no_secret) {
    FakeOutside outside;
    for (const std::string& text : {text_of(healthy(outside), true), to_json(healthy(outside))})
        for (const char* secret : {"feed.port", "/data/files", "schemas.enable"})
            EXPECT_EQ(text.find(secret), std::string::npos) << secret;
}

TEST(Table, aligns_by_what_a_terminal_shows) {
    Table table({"A", "N>", "EMPTY", "B"});
    table.row({"é", "1", "", "x"});
    table.row({"long", "1,000", "", ""});
    EXPECT_EQ(table.text(1), " A         N  B\n é         1  x\n long  1,000\n");
    EXPECT_EQ(bytes_text(999), "999 B");
    EXPECT_EQ(bytes_text(41'300'000), "41.3 MB");
    EXPECT_EQ(bytes_text(2e14), "200 TB");
    EXPECT_EQ(number_text(1234567), "1,234,567");
    EXPECT_EQ(number_text(999), "999");
    EXPECT_EQ(listed({"a", "b", "c"}, 2), "a, b, and 1 more");
}

}  // namespace
}  // namespace medic::cli

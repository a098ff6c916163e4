#include "agent/collectors/node/node_collector.h"

#include <gtest/gtest.h>

#include <cmath>

#include "agent/collectors/node/node_document.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::value;

constexpr WallTime at{1'700'000'000'000};

NodeCollector collector() {
    return NodeCollector({.cluster = "lab",
                          .url = "http://h:9470",
                          .target = "lab/node/h:9470",
                          .nodes = {{.name = "tm-1", .role = "taskmanager", .zone = "z", .status_command = {}},
                                    {.name = "w", .role = "connect-worker", .zone = "", .status_command = {}}}});
}

NodesTold told() {
    NodesTold all{.cluster = "lab", .observation = {}, .age = Duration{300}};
    Observation& seen = all.observation;
    seen.at = at;
    const std::vector<LabelPair> tm = {{"cluster", "lab"}, {"node", "tm-1"}, {"role", "taskmanager"}};
    const std::vector<LabelPair> worker = {{"cluster", "lab"}, {"node", "w"}, {"role", "connect-worker"}};
    seen.sample("process_up", tm, 1);
    seen.sample("process_cpu_seconds_total", tm, 12.5);
    seen.sample("process_up", worker, 0);
    seen.sample("host_memory_available_bytes", {{"cluster", "lab"}, {"node", "agent-host"}}, 2e9);
    seen.sample("connect_task_process_cpu_seconds_total",
                {{"cluster", "lab"}, {"connector", "c"}, {"task", "0"}, {"worker", "w"}}, 3);
    seen.attributes[{"lab", "node", "tm-1"}] = {
        {"role", "taskmanager"}, {"pid", "7"}, {"ports", "6122"}, {"spare", "true"}};
    seen.relations.push_back({{"lab", "node", "tm-1"}, "runs-on", {"lab", "node", "w"}});
    all.actions = {{"tm-1", {"kill", "start"}}};
    return all;
}

Observation look(const std::string& body, int status = 200) {
    auto one = collector();
    return recorded::look(one, at, [&](const std::string& url) -> Result<HttpAnswer> {
        EXPECT_EQ(url, "http://h:9470/api/v1/nodes");
        return HttpAnswer{status, "application/json", body};
    });
}

TEST(NodeDocument, WhatIsWrittenIsReadBack) {
    const NodesTold before = told();
    const auto after = read_nodes_document(nodes_document({before}), "lab");
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->observation.samples, before.observation.samples);
    EXPECT_EQ(after->observation.attributes, before.observation.attributes);
    EXPECT_EQ(after->observation.relations, before.observation.relations);
    EXPECT_EQ(after->observation.at, before.observation.at);
    EXPECT_EQ(after->observation.outcome, ScrapeOutcome::complete);
    EXPECT_EQ(after->age, Duration{300});
    EXPECT_EQ(after->actions, before.actions);
}

TEST(NodeDocument, WhatIsMissingStaysMissing) {
    NodesTold before = told();
    before.observation.samples.clear();
    before.observation.sample("process_up", {{"cluster", "lab"}, {"node", "tm-1"}}, std::nan(""));
    before.observation.lacks("tm-1: not asked yet");
    const auto after = read_nodes_document(nodes_document({before}), "lab");
    ASSERT_TRUE(after);
    EXPECT_TRUE(after->observation.samples.empty());
    EXPECT_EQ(after->observation.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(after->observation.error, "tm-1: not asked yet");
    // Nothing that says how old it is, and how it went: never news, never whole.
    const auto bare = read_nodes_document(R"({"schema":1,"clusters":[{"cluster":"lab"}]})", "lab");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->observation.outcome, ScrapeOutcome::failed);
    EXPECT_LT(bare->age, Duration{0});
}

TEST(NodeDocument, OtherDocumentsAreRefused) {
    for (const char* text : {"", "[]", "{}", "null", "{\"schema\":\"1\",\"clusters\":[]}", "{\"schema\":1}"})
        EXPECT_FALSE(read_nodes_document(text, "lab")) << text;
    EXPECT_NE(read_nodes_document(R"({"schema":2,"clusters":[]})", "lab").error().message.find("schema 2"),
              std::string::npos);
    EXPECT_NE(
        read_nodes_document(nodes_document({told()}), "prod").error().message.find("no nodes of a cluster `prod`"),
        std::string::npos);
}

TEST(NodeCollector, TellsTheSameSeriesAsALookOnThisHost) {
    const Observation seen = look(nodes_document({told()}));
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(seen.at, at - Duration{300});
    EXPECT_EQ(value(seen, R"(process_up{cluster="lab",node="tm-1",role="taskmanager"})"), 1);
    EXPECT_EQ(value(seen, R"(process_up{cluster="lab",node="w",role="connect-worker"})"), 0);
    EXPECT_EQ(value(seen, R"(process_cpu_seconds_total{cluster="lab",node="tm-1",role="taskmanager"})"), 12.5);
    EXPECT_EQ(value(seen, R"(host_memory_available_bytes{cluster="lab",node="tm-1"})"), 2e9);
    EXPECT_EQ(value(seen, R"(connect_task_process_cpu_seconds_total{cluster="lab",connector="c",task="0",worker="w"})"),
              3);
    const auto& node = seen.attributes.at({"lab", "node", "tm-1"});
    EXPECT_EQ(node.at("ports"), "6122");
    EXPECT_EQ(node.at("spare"), "true");
    EXPECT_EQ(node.at("zone"), "z");
}

TEST(NodeCollector, TellsTheFileSystemsOfItsNodes) {
    NodesTold one = told();
    const auto sample = [&](std::string_view name, const char* node, const char* path, double is) {
        one.observation.sample("host_filesystem_" + std::string(name),
                               {{"cluster", "lab"}, {"node", node}, {"role", "broker"}, {"path", path}}, is);
    };
    sample("size_bytes", "tm-1", "/data", 1e12);
    sample("available_bytes", "tm-1", "/data", 0);
    sample("read_only", "tm-1", "/data", 1);
    sample("read_only", "w", "/var/lib/connect", 0);
    const Observation seen = look(nodes_document({one}));
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    const std::string data = R"({cluster="lab",node="tm-1",path="/data",role="taskmanager"})";
    EXPECT_EQ(value(seen, "host_filesystem_size_bytes" + data), 1e12);
    EXPECT_EQ(value(seen, "host_filesystem_available_bytes" + data), 0);
    EXPECT_EQ(value(seen, "host_filesystem_read_only" + data), 1) << "with the role that is configured here";
    EXPECT_EQ(
        value(seen,
              R"(host_filesystem_read_only{cluster="lab",node="w",path="/var/lib/connect",role="connect-worker"})"),
        0);
}

TEST(NodeCollector, NonsenseAboutFileSystemsAndThoseOfOthersAreNotTaken) {
    NodesTold one = told();
    const auto sample = [&](std::string_view name, const char* node, const std::string& path, double is) {
        one.observation.sample("host_filesystem_" + std::string(name), {{"node", node}, {"path", path}}, is);
    };
    sample("size_bytes", "tm-9", "/data", 1e12);
    sample("size_bytes", "tm-1", "", 1e12);
    sample("size_bytes", "tm-1", "data", 1e12);
    sample("available_bytes", "tm-1", "/data", -1);
    sample("read_only", "tm-1", "/data", 0.5);
    sample("inodes", "tm-1", "/data", 5);
    const Observation seen = look(nodes_document({one}));
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    for (const auto& [labels, is] : seen.samples)
        EXPECT_FALSE(labels.name().starts_with("host_filesystem")) << labels.to_string();

    for (int i = 0; i < 1'000; ++i) sample("read_only", "tm-1", "/data/" + std::to_string(i), 0);
    const Observation many = look(nodes_document({one}));
    EXPECT_EQ(many.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(recorded::count(many, "host_filesystem_read_only"), 16u);
    EXPECT_NE(many.error.find("tm-1: more than 16 folders"), std::string::npos);
}

TEST(NodeCollector, IsBelievedAboutItsOwnNodesOnly) {
    NodesTold one = told();
    Observation& seen = one.observation;
    seen.sample("process_up", {{"cluster", "lab"}, {"node", "tm-9"}, {"role", "taskmanager"}}, 0);
    seen.sample("process_up", {{"cluster", "other"}, {"node", "tm-1"}, {"role", "broker"}}, 1);
    seen.sample("flink_job_state", {{"job", "j"}, {"state", "FAILED"}}, 1);
    seen.sample("process_stopped", {{"node", "tm-1"}}, 7);
    seen.attributes[{"lab", "node", "tm-9"}] = {{"pid", "1"}};
    seen.attributes[{"lab", "job", "j"}] = {{"state", "FAILED"}};
    seen.attributes[{"lab", "node", "w"}] = {{"role", "broker"}, {"taskmanager", "tm-1"}, {"spare", "maybe"}};
    seen.attributes[{"lab", "connector-task", "c/0"}] = {{"node", "elsewhere"}, {"pid", "3"}};
    const Observation read = look(nodes_document({one}));
    for (const auto& [labels, sample] : read.samples) {
        EXPECT_EQ(labels.get("cluster"), "lab") << labels.to_string();
        EXPECT_NE(labels.get("node"), "tm-9");
        EXPECT_NE(labels.name(), "flink_job_state");
        EXPECT_NE(labels.name(), "process_stopped");
    }
    EXPECT_EQ(read.attributes.size(), 2u);
    EXPECT_EQ(read.attributes.at({"lab", "node", "w"}),
              (std::map<std::string, std::string>{{"role", "connect-worker"}, {"zone", ""}, {"spare", "false"}}));
    EXPECT_TRUE(read.relations.empty());
}

TEST(NodeCollector, ANodeThatIsNotToldOfIsUnknown) {
    NodesTold one = told();
    std::erase_if(one.observation.samples, [](const auto& sample) { return sample.first.get("node") == "tm-1"; });
    const Observation seen = look(nodes_document({one}));
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_NE(seen.error.find("tm-1"), std::string::npos);
    EXPECT_EQ(value(seen, R"(process_up{cluster="lab",node="tm-1",role="taskmanager"})"), std::nullopt);
    EXPECT_EQ(value(seen, R"(process_up{cluster="lab",node="w",role="connect-worker"})"), 0);
}

TEST(NodeCollector, NoAnswerLeavesItsNodesUnknown) {
    auto one = collector();
    const Observation none = recorded::look(
        one, at, [](const std::string&) -> Result<HttpAnswer> { return fail(ErrorCode::unavailable, "refused"); });
    NodesTold old = told(), untold = told(), failed = told();
    old.age = Duration{5'001};
    untold.age = Duration{-1};
    failed.observation.outcome = ScrapeOutcome::failed;
    for (const Observation& seen :
         {none, look("{}", 401), look("{}", 503), look("<html>"), look(nodes_document({old})),
          look(nodes_document({untold})), look(nodes_document({failed})), look(nodes_document({}))}) {
        EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
        EXPECT_TRUE(seen.withdraws);
        EXPECT_TRUE(seen.samples.empty() && seen.attributes.empty());
        EXPECT_FALSE(seen.error.empty());
    }
    EXPECT_NE(look("{}", 401).error.find("does not know the token"), std::string::npos);
    EXPECT_NE(look(nodes_document({old})).error.find("5001 ms old"), std::string::npos);
}

TEST(NodeCollector, OneForEachAddress) {
    const auto config = load_config(R"(schema: 1
data_dir: d
clusters:
  lab:
    nodes:
      - {name: a, role: broker, driver: {kind: agent, url: "http://h1:9470", token_file: t}}
      - {name: b, role: taskmanager, driver: {kind: agent, url: "http://h1:9470", token_file: t, timeout: 5s}}
      - {name: c, role: broker, driver: {kind: agent, url: "http://h2:9470", token_file: t}}
      - {name: d, role: broker, driver: {kind: systemd, unit: u}}
)",
                                    "medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    const auto all = sidecars_of(config->clusters[0]);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].target, "lab/node/h1:9470");
    EXPECT_EQ(all[0].nodes.size(), 2u);
    EXPECT_EQ(all[0].timeout, Duration{5'000});
    EXPECT_EQ(all[1].nodes.at(0).name, "c");
}

}  // namespace
}  // namespace medic

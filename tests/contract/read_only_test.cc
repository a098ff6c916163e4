// On the wire of a whole platform: whoever only observes sends not one request that changes something, to nobody. All
// of HTTP and of Kafka's protocol goes through recording proxies, every command of a node through a recording script;
// a task manager is killed meanwhile, so that there is something that a policy would let the agent mend.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "agent/base/yaml.h"
#include "engine/common/process.h"
#include "tests/contract/agent_scene.h"
#include "tests/contract/recording_proxy.h"

namespace medic {
namespace {

using contract::AgentScene;
using contract::HttpProxy;
using contract::KafkaProxy;
using contract::Record;
using Json = nlohmann::json;

// What reads, by Kafka's own names: written down here once more, not taken from the table that the agent itself uses.
const std::set<std::string> reading = {
    "ApiVersions",           "Metadata",          "ListOffsets",          "OffsetFetch",
    "FindCoordinator",       "DescribeGroups",    "ListGroups",           "DescribeConfigs",
    "DescribeLogDirs",       "DescribeCluster",   "DescribeQuorum",       "ListPartitionReassignments",
    "ConsumerGroupDescribe", "DescribeProducers", "DescribeTransactions", "ListTransactions",
    "DescribeClientQuotas"};

int port_of(const std::string& address) {
    const auto colon = address.rfind(':');
    return std::stoi(address.substr(colon + 1));
}

// The embedded platform with proxies before every port of it, and its medic.yaml with theirs in their place.
struct Watched : AgentScene {
    Record http, kafka;
    std::vector<std::unique_ptr<HttpProxy>> http_proxies;
    std::vector<std::unique_ptr<KafkaProxy>> kafka_proxies;
    std::map<int, int> in_place_of;  // A port of the platform → its proxy's.
    std::string connect, flink, brokers;

    Watched() {
        EXPECT_EQ(engine({"lab", "up", "--profile", "quick", "--data", lab()}), 0) << read("engine.log");
        const auto config = load_yaml_file(lab() + "/medic.yaml");
        EXPECT_TRUE(config);
        const YamlNode cluster = config->get("clusters").get("lab");
        watch_kafka(cluster.get("kafka").get("bootstrap").items());
        connect = proxied(cluster.get("connect").get("urls").items().at(0).text());
        flink = proxied(cluster.get("flink").items().at(0).get("url").text());
        for (const YamlNode& page : cluster.get("metrics").items()) (void)proxied(page.get("url").text());
        write_configuration();
    }
    ~Watched() {
        if (agent > 0) (void)stop();
        (void)engine({"lab", "down", "--data", lab()});
    }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    [[nodiscard]] std::string lab() const { return (folder / "lab").string(); }
    [[nodiscard]] int engine(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), MEDIC_BINARY_DIR "/medic-engine");
        const auto child = engine::spawn({.argv = std::move(arguments), .log_file = (folder / "engine.log").string()});
        if (!child) return -1;
        std::optional<engine::ProcessExit> ended;
        (void)wait([&] { return (ended = engine::reap(*child)).has_value(); });
        return ended ? ended->code : -1;
    }

    std::string proxied(const std::string& url) {
        const int port = port_of(url.substr(0, url.find('/', sizeof "http://")));
        if (!in_place_of.contains(port)) {
            http_proxies.push_back(std::make_unique<HttpProxy>(port, http));
            in_place_of[port] = http_proxies.back()->port();
        }
        return "http://127.0.0.1:" + std::to_string(in_place_of[port]);
    }
    void watch_kafka(const std::vector<YamlNode>& addresses) {
        std::map<std::int32_t, std::int32_t> ports;
        for (const YamlNode& one : addresses) {
            kafka_proxies.push_back(std::make_unique<KafkaProxy>(kafka));
            ports[port_of(one.text())] = kafka_proxies.back()->port();
            brokers +=
                (brokers.empty() ? "" : ",") + std::string("127.0.0.1:") + std::to_string(kafka_proxies.back()->port());
        }
        for (std::size_t i = 0; i < addresses.size(); ++i) kafka_proxies[i]->start(port_of(addresses[i].text()), ports);
        in_place_of.insert(ports.begin(), ports.end());
    }
    void write_configuration() {
        std::string text = read(std::filesystem::path(lab()) / "medic.yaml");
        for (const auto& [from, to] : in_place_of)
            text = std::regex_replace(text, std::regex("127\\.0\\.0\\.1:" + std::to_string(from) + "\\b"),
                                      "127.0.0.1:" + std::to_string(to));
        const std::string program = MEDIC_BINARY_DIR "/medic-engine", recorder = (folder / "node").string();
        write("node",
              "#!/bin/sh\necho \"$2\" >> " + (folder / "node.log").string() + "\nexec " + program + " \"$@\"\n");
        std::filesystem::permissions(recorder, std::filesystem::perms::owner_all);
        text = std::regex_replace(text, std::regex("\"[^\"]*/medic-engine\""), "\"" + recorder + "\"");
        text = std::regex_replace(text, std::regex("\ndata_dir: [^\n]*"), "\ndata_dir: data");
        text = std::regex_replace(text, std::regex("listen: \"[^\"]*\""), "listen: \"127.0.0.1:0\"");
        write("medic.yaml", text);
    }
    [[nodiscard]] std::string config() const { return (folder / "medic.yaml").string(); }
    [[nodiscard]] bool plans_something() const {
        const Json body = Json::parse(ask("/api/v1/incidents").body, nullptr, false);
        return body.is_object() && std::ranges::any_of(body["incidents"], [](const Json& one) {
                   return !one["plan"].is_null() && one["diagnosis"]["cause"] == "flink.taskmanager-lost";
               });
    }
};

TEST(ReadOnly, NotOneWritingRequestLeavesOverHttpKafkaOrANodesCommands) {
    Watched scene;
    const std::string discovered = (scene.folder / "discovered.yaml").string();
    EXPECT_EQ(scene.run({"discover", "--kafka", scene.brokers, "--connect", scene.connect, "--flink", scene.flink,
                         "--output", discovered},
                        "out.log"),
              0)
        << scene.read("out.log");
    EXPECT_EQ(scene.run({"doctor", "--config", scene.config()}, "out.log"), 0) << scene.read("out.log");
    EXPECT_NE(scene.run({"diagnose", "--config", scene.config(), "--look", "--for", "6"}, "out.log"), 64)
        << scene.read("out.log");
    scene.start();
    ASSERT_TRUE(scene.wait([&] { return scene.ask("/-/ready").status == 200; })) << scene.read("out.log");
    // It must have seen them at work to find one missing: a first look only asks for their status.
    std::this_thread::sleep_for(std::chrono::seconds(10));
    // Something that it could mend, if a policy let it.
    ASSERT_EQ(scene.engine({"node", "kill", "--data", scene.lab(), "--node", "tm-1"}), 0) << scene.read("engine.log");
    EXPECT_TRUE(scene.wait([&] { return scene.plans_something(); })) << scene.ask("/api/v1/incidents").body;
    const std::size_t asked = scene.http.notes().size();
    EXPECT_TRUE(scene.wait([&] { return scene.http.notes().size() > asked + 200; }));
    EXPECT_EQ(scene.run({"bundle", "--config", scene.config(), "--look", "--for", "2", "--output",
                         (scene.folder / "b.tar.gz").string()},
                        "out.log"),
              0)
        << scene.read("out.log");
    EXPECT_EQ(scene.stop(), 0);

    const auto http = scene.http.notes(), kafka = scene.kafka.notes();
    for (const std::string& one : http) EXPECT_TRUE(one.starts_with("GET /")) << one;
    for (const char* wanted : {"GET /connectors", "GET /jobs/overview", "GET /metrics", "GET /taskmanagers"})
        EXPECT_TRUE(std::ranges::any_of(http, [&](const std::string& one) { return one.starts_with(wanted); }))
            << "not seen, so nothing is proved: " << wanted;
    std::set<std::string> apis(kafka.begin(), kafka.end());
    for (const std::string& one : apis) EXPECT_TRUE(reading.contains(one)) << one;
    for (const char* wanted : {"ApiVersions", "Metadata", "ListGroups", "OffsetFetch", "DescribeLogDirs"})
        EXPECT_TRUE(apis.contains(wanted)) << "not seen, so nothing is proved: " << wanted;
    std::istringstream commands(scene.read("node.log"));
    std::set<std::string> actions;
    for (std::string line; std::getline(commands, line);) actions.insert(line);
    EXPECT_EQ(actions, std::set<std::string>{"status"});
}

}  // namespace
}  // namespace medic

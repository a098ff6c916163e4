// People are told once, over deaths of the agent and of the receiver; what a message offers works as printed.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/contract/agent_scene.h"

namespace medic {
namespace {

using contract::AgentScene;
using contract::Recorder;
using Json = nlohmann::json;

struct Scene : AgentScene {
    std::atomic<bool> failed{true}, up{false};
    Recorder worker{[this](const HttpRequest& request) {
        HttpResponse answer{
            .status = 200, .body = R"({"version":"3.9.1","commit":"x","kafka_cluster_id":"y"})", .headers = {}};
        const std::string task =
            failed
                ? R"~("state":"FAILED","trace":"org.apache.kafka.connect.errors.ConnectException: Failed to execute bulk request\n\tat io.confluent.connect.elasticsearch.ElasticsearchClient.flush(ElasticsearchClient.java:1)\nCaused by: java.net.ConnectException: Connection refused\n\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)")~"
                : R"("state":"RUNNING")";
        if (request.path == "/connectors")
            answer.body =
                R"({"orders":{"status":{"name":"orders","connector":{"state":"RUNNING","worker_id":"w:1"},"tasks":[{"id":0,"worker_id":"w:1",)" +
                task +
                R"(}],"type":"sink"},"info":{"name":"orders","config":{"topics":"t"},"tasks":[],"type":"sink"}}})";
        return answer;
    }};
    Recorder chat{
        [this](const HttpRequest&) { return HttpResponse{.status = up ? 200 : 503, .body = "", .headers = {}}; }};

    Scene() {
        write("tokens", "ana 0123456789abcdef-ana\n");
        write("medic.yaml", fmt::format(R"(schema: 1
data_dir: data
api: {{listen: "127.0.0.1:0", token_file: tokens}}
intervals: {{flink: 200ms, connect: 200ms, kafka: 200ms, process: 200ms, evaluate: 200ms}}
clusters:
  c:
    connect: {{urls: ["http://{}"]}}
    owners: {{"connector:orders": team-orders, "owner:dependency": team-orders}}
notify:
  - {{name: chat, kind: webhook, url: "http://{}/hook", for: "team-*"}}
)",
                                        worker.authority(), chat.authority()));
    }
    // The messages that the receiver has taken, without repetitions of one key.
    [[nodiscard]] std::vector<Json> told() const {
        std::vector<Json> messages;
        for (const HttpRequest& request : chat.requests()) {
            Json body = Json::parse(request.body, nullptr, false);
            if (messages.empty() || messages.back()["key"] != body["key"]) messages.push_back(std::move(body));
        }
        return messages;
    }
};

TEST(Telling, AnIncidentIsToldOnceOverDeathsOfTheReceiverAndTheAgentAndResolvedAtItsEnd) {
    Scene scene;
    scene.start();
    ASSERT_TRUE(scene.wait([&] { return scene.chat.requests().size() >= 2; })) << scene.read("out.log");
    scene.stop(SIGKILL);  // It has told nobody.
    scene.up = true;
    const std::size_t before = scene.chat.requests().size();
    scene.start();
    ASSERT_TRUE(scene.wait([&] { return scene.chat.requests().size() > before; })) << scene.read("out.log");
    const Json opened = Json::parse(scene.chat.requests().back().body);
    EXPECT_EQ(opened["event"], "opened");
    EXPECT_EQ(opened["revision"], 1);
    EXPECT_EQ(opened["owner"], "team-orders");
    EXPECT_EQ(opened["subject"], "connector-task/orders/0");
    ASSERT_TRUE(scene.wait([&] {
        return scene.ask("/metrics").body.find("medic_notify_waiting{receiver=\"chat\"} 0") != std::string::npos;
    }));

    // Once more: what was told is not told again.
    const std::size_t taken = scene.chat.requests().size();
    EXPECT_EQ(scene.stop(), 0);
    const std::size_t asked = scene.worker.requests().size();
    scene.start();
    ASSERT_TRUE(
        scene.wait([&] { return scene.worker.requests().size() > asked + 10 && scene.ask("/-/ready").status == 200; }));
    for (std::size_t i = taken; i < scene.chat.requests().size(); ++i)
        EXPECT_NE(Json::parse(scene.chat.requests()[i].body)["event"], "opened");

    // What the message offers works as printed: the command and the link.
    const auto words = [](const std::string& line) {
        std::vector<std::string> all;
        std::istringstream in(line);
        for (std::string word; in >> word;) all.push_back(word);
        all.erase(all.begin());  // medic
        return all;
    };
    EXPECT_EQ(scene.run(words(opened["verdict"]["right_command"].get<std::string>()), "said.log"), 0)
        << scene.read("said.log");
    const auto link = opened["verdict"]["wrong_url"].get<std::string>();
    const std::string path = link.substr(link.find("/verdict/"));
    EXPECT_EQ(scene.ask(path).status, 200);
    EXPECT_EQ(scene.ask(path, "POST").status, 200);
    EXPECT_EQ(scene.ask(path + "0", "POST").status, 403);
    EXPECT_EQ(scene.ask("/api/v1/incidents/" + opened["incident"].get<std::string>()).status, 200);

    // Mended; and the agent that knows of the failure is gone as well.
    EXPECT_EQ(scene.stop(), 0);
    scene.failed = false;
    scene.start();
    ASSERT_TRUE(scene.wait([&] {
        const auto messages = scene.told();
        return !messages.empty() && messages.back()["event"] == "resolved";
    })) << scene.read("out.log");
    const auto messages = scene.told();
    EXPECT_EQ(messages.back()["incident"], opened["incident"]);
    EXPECT_FALSE(messages.back()["ended_at"].is_null());
    EXPECT_EQ(scene.stop(), 0);
}

}  // namespace
}  // namespace medic

// Whoever asks while the agent starts (Alertmanager sends again every few seconds, a probe looks each second) is
// answered, by an agent that is all there: none of its starts ends in a crash.
#include "engine/common/process.h"
#include "tests/contract/agent_scene.h"

namespace medic::contract {
namespace {

constexpr const char* token = "0123456789abcdef0123";
constexpr int starts = 12;

TEST(AgentStart, who_asks_meanwhile_is_answered) {
    AgentScene scene;
    const std::string address = "127.0.0.1:" + std::to_string(*engine::lasting_port());
    scene.write("token", std::string("amy ") + token + "\n");
    scene.write("medic.yaml", "schema: 1\ndata_dir: " + (scene.folder / "data").string() + "\napi: {listen: \"" +
                                  address + "\", token_file: \"" + (scene.folder / "token").string() +
                                  "\"}\nclusters:\n  lab:\n    connect: {urls: [\"http://127.0.0.1:1\"]}\n");
    const auto ask = [&](const std::string& method, const std::string& path, const std::string& body) {
        HttpClient client;
        const auto reply = client.perform({.method = method,
                                           .url = "http://" + address + path,
                                           .headers = {{"Authorization", std::string("Bearer ") + token}},
                                           .body = body});
        return reply ? reply->status : 0;
    };
    const std::string alert =
        R"({"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Down"},"startsAt":"2026-01-01T00:00:00Z","fingerprint":"f1"}]})";
    for (int start = 0; start < starts; ++start) {
        scene.start();
        int status = 0;
        while (status == 0 && scene.running())
            status = start % 2 == 0 ? ask("POST", "/api/v1/webhook/alertmanager", alert)
                                    : ask("GET", "/api/v1/practice?cluster=lab", "");
        ASSERT_TRUE(scene.running()) << start << ": " << scene.read("out.log");
        // The alert is taken. The practice's answer comes before the first look, but on a machine that stands still.
        EXPECT_TRUE(status == 200 || (start % 2 == 1 && status == 503)) << start << ": " << status;
        EXPECT_EQ(scene.stop(), 0) << scene.read("out.log");
    }
}

TEST(AgentStart, it_says_which_of_its_secrets_others_may_see) {
    AgentScene scene;
    scene.write("password", "plum\n");
    scene.write("medic.yaml", "schema: 1\ndata_dir: " + (scene.folder / "data").string() +
                                  "\napi: {listen: \"127.0.0.1:0\"}\nclusters:\n  lab:\n    kafka: {bootstrap: "
                                  "[\"127.0.0.1:1\"], sasl: {mechanism: PLAIN, username: u, password_file: \"" +
                                  (scene.folder / "password").string() + "\"}}\n");
    scene.start();
    EXPECT_TRUE(AgentScene::wait([&] { return scene.read("out.log").find("listens on port") != std::string::npos; }));
    EXPECT_NE(scene.read("out.log").find(
                  "note: cluster lab: kafka: PLAIN without tls sends the password readable over the network"),
              std::string::npos)
        << scene.read("out.log");
}

}  // namespace
}  // namespace medic::contract

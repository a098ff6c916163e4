// Secrets go in everywhere that secrets stand in the field — password files, addresses, connector settings, stack
// traces, alerts, reasons — and everything that medic writes, says, answers and sends is searched for them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "agent/bundle/archive.h"
#include "tests/contract/agent_scene.h"

namespace medic {
namespace {

using contract::AgentScene;
using contract::Recorder;
using Json = nlohmann::json;

constexpr const char* mark = "hunter2";  // Part of every secret here, and of nothing else.
constexpr const char* api_token = "hunter2-api-token-0123456789";

HttpResponse json(std::string body) {
    return {.status = 200, .body = std::move(body), .content_type = "application/json", .headers = {}};
}

HttpResponse connect(const HttpRequest& request) {
    if (request.path == "/") return json(R"({"version":"3.9.1","commit":"x","kafka_cluster_id":"y"})");
    if (request.path != "/connectors") return {.status = 404, .body = "token=hunter2", .headers = {}};
    return json(
        R"~({"orders":{"status":{"name":"orders","connector":{"state":"RUNNING","worker_id":"w:1"},"tasks":[{"id":0,"state":"FAILED","worker_id":"w:1",
        "trace":"org.apache.kafka.connect.errors.ConnectException: Failed to execute bulk request with connection.password=hunter2 to https://es:hunter2@es.example.com/_bulk\n\tat io.confluent.connect.elasticsearch.ElasticsearchClient.flush(ElasticsearchClient.java:1)\nCaused by: java.net.ConnectException: Connection refused, Authorization: Basic hunter2\n\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)"}],"type":"sink"},
        "info":{"name":"orders","config":{"topics":"t","connection.password":"hunter2","connection.url":"jdbc:postgresql://me:hunter2@db/x"},"tasks":[],"type":"sink"}}})~");
}

// The failure is a recent one, and the same in every look.
std::string now_ms() {
    static const auto at = std::chrono::system_clock::now().time_since_epoch();
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(at).count());
}

HttpResponse flink(const HttpRequest& request) {
    if (request.path == "/jobs/overview")
        return json(R"({"jobs":[{"jid":"a1","name":"j","start-time":1,"state":"FAILED"}]})");
    if (request.path == "/taskmanagers") return json(R"({"taskmanagers":[]})");
    if (request.path.ends_with("/exceptions"))
        return json(
            R"~({"exceptionHistory":{"entries":[{"exceptionName":"java.lang.NullPointerException","stacktrace":"java.lang.NullPointerException: no value for --db-password hunter2, fs.s3a.secret.key: hunter2\n\tat com.shop.Job.map(Job.java:7)\n\tat org.apache.flink.streaming.api.operators.StreamMap.processElement(StreamMap.java:37)","timestamp":)~" +
            now_ms() + R"(}],"truncated":false}})");
    if (request.path == "/config") return json(R"({"flink-version":"2.0.0"})");
    if (request.path.ends_with("/config"))
        return json(
            R"({"jid":"a1","name":"j","execution-config":{"user-config":{"password":"hunter2","args":"--token hunter2"}}})");
    return json(R"({"errors":["token=hunter2"]})");
}

struct Scene : AgentScene {
    Recorder worker{connect}, job_manager{flink};
    Recorder chat{[](const HttpRequest&) { return HttpResponse{.status = 200, .body = "", .headers = {}}; }};
    Recorder alerts{[](const HttpRequest&) { return HttpResponse{.status = 200, .body = "", .headers = {}}; }};
    // Answers with its caller's secret, as some gateways do.
    Recorder broken{
        [](const HttpRequest&) { return HttpResponse{.status = 500, .body = "bad token=hunter2", .headers = {}}; }};

    Scene() {
        write("tokens", std::string("ana ") + api_token + "\n");
        write("chat-url", "http://me:hunter2@" + chat.authority() + "/services/hunter2?key=hunter2\n");
        write("broken-url", "http://" + broken.authority() + "/services/hunter2\n");
        write("dead-url", "http://127.0.0.1:1/services/hunter2\n");
        write("chat-token", "hunter2\n");
        write("password", "hunter2\n");
        write("medic.yaml",
              fmt::format(R"(schema: 1
data_dir: data
api: {{listen: "127.0.0.1:0", token_file: tokens}}
intervals: {{flink: 200ms, connect: 200ms, kafka: 200ms, process: 200ms, evaluate: 200ms}}
clusters:
  c:
    connect: {{urls: ["http://me:hunter2@{0}", "http://me:hunter2@127.0.0.1:1"]}}
    flink: [{{url: "http://me:hunter2@{1}"}}, {{url: "http://me:hunter2@127.0.0.1:1"}}]
    metrics:
      - {{url: "http://me:hunter2@127.0.0.1:1/metrics?token=hunter2", kind: host, interval: 200ms}}
      - {{url: "http://me:hunter2@{1}/nothing?token=hunter2", kind: host, interval: 200ms}}
    nodes:
      - {{name: n, role: broker, driver: {{kind: command, status: [sh, -c, 'echo password=hunter2 >&2; exit 3']}}}}
notify:
  - {{name: chat, kind: webhook, url_file: chat-url, token_file: chat-token}}
  - {{name: broken, kind: webhook, url_file: broken-url, username: me, password_file: password}}
  - {{name: dead, kind: webhook, url_file: dead-url, token_file: chat-token}}
  - {{name: am, kind: alertmanager, url: "http://me:hunter2@{2}", username: me, password_file: password}}
  - {{name: cmd, kind: command, command: [sh, -c, 'cat >> "$0"', "{3}/told"]}}
)",
                          worker.authority(), job_manager.authority(), alerts.authority(), folder.string()));
    }

    // Nothing may hold the mark: text with every place where it stands.
    void expect_clean(const std::string& what, const std::string& text) const {
        for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1))
            ADD_FAILURE() << what << " holds a secret: …" << text.substr(at < 80 ? 0 : at - 80, 160) << "…";
    }
    void expect_processes_clean() const {
        expect_clean("the agent's command line", read(fmt::format("/proc/{}/cmdline", agent)));
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string status = read(entry.path() / "stat");
            if (status.find(fmt::format(") S {} ", agent)) == std::string::npos) continue;
            // A status command is the person's own line; messages come on standard input.
            const std::string line = read(entry.path() / "cmdline");
            if (line.find("exit 3") == std::string::npos) expect_clean("a child's command line", line);
        }
    }
};

std::vector<Json> incidents(const Scene& scene) {
    const Json body = Json::parse(scene.ask("/api/v1/incidents").body, nullptr, false);
    return body.is_object() ? body["incidents"].get<std::vector<Json>>() : std::vector<Json>();
}

TEST(Secrets, NothingThatIsWrittenSaidAnsweredOrSentHoldsOne) {
    Scene scene;
    scene.start();
    ASSERT_TRUE(scene.wait([&] { return incidents(scene).size() >= 2; })) << scene.read("out.log");
    const std::string alert =
        R"({"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"Login","cluster":"c","group":"g","note":"password=hunter2"},"annotations":{"summary":"token: hunter2"},"startsAt":"2026-11-22T10:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"abc"}]})";
    EXPECT_EQ(scene.ask("/api/v1/webhook/alertmanager", "POST", api_token, alert).status, 200);
    EXPECT_EQ(scene
                  .ask("/api/v1/incidents/I1/verdict", "POST", api_token,
                       R"({"verdict":"right","reason":"password=hunter2"})")
                  .status,
              200);
    EXPECT_EQ(scene.ask("/api/v1/pause", "POST", api_token, R"({"reason":"token=hunter2"})").status, 200);
    EXPECT_EQ(
        scene.ask("/api/v1/changes", "POST", api_token, R"({"subject":"job/j","text":"--password hunter2"})").status,
        200);
    // Everybody who can be told has been told, and who can't has been tried.
    ASSERT_TRUE(scene.wait([&] {
        return scene.chat.requests().size() >= 2 && !scene.alerts.requests().empty() &&
               scene.broken.requests().size() >= 2 &&
               scene.read("told").find("NullPointerException") != std::string::npos &&
               scene.read("out.log").find("notify dead") != std::string::npos;
    })) << scene.read("out.log");
    scene.expect_processes_clean();

    for (const char* path : {"/api/v1/incidents", "/api/v1/incidents/I1", "/api/v1/incidents/I2", "/api/v1/actions",
                             "/api/v1/diagnosis", "/metrics", "/-/healthy", "/-/ready", "/nowhere"}) {
        const HttpReply reply = scene.ask(path);
        EXPECT_NE(reply.status, 0) << path;
        scene.expect_clean(path, reply.body);
    }
    for (const auto* receiver : {&scene.chat, &scene.alerts, &scene.broken})
        for (const HttpRequest& request : receiver->requests()) scene.expect_clean("a message", request.body);
    // The secrets did their work where they belong.
    EXPECT_EQ(scene.chat.requests()[0].header("authorization"), "Bearer hunter2");
    EXPECT_EQ(scene.worker.requests()[0].header("authorization"), "Basic bWU6aHVudGVyMg==");

    const std::string config = (scene.folder / "medic.yaml").string();
    for (const char* output : {"text", "json", "yaml", "wide"}) {
        (void)scene.run({"diagnose", "--config", config, "-o", output}, "said.log");
        (void)scene.run({"diagnose", "--config", config, "--look", "--for", "2", "-o", output}, "said.log");
    }
    (void)scene.run({"config", "check", config}, "said.log");
    (void)scene.run({"incidents", "--config", config, "I1"}, "said.log");
    (void)scene.run({"incidents", "--config", config, "-o", "json"}, "said.log");
    (void)scene.run({"actions", "--config", config}, "said.log");
    // Of the running agent, and of a look of its own.
    const std::string bundle = (scene.folder / "bundle.tar.gz").string();
    for (const bool look : {false, true}) {
        std::vector<std::string> command = {"bundle", "--config", config, "--for", "2", "--output", bundle};
        if (look) command.emplace_back("--look");
        EXPECT_EQ(scene.run(command, "said.log"), 0);
        const auto files = bundle::read_archive(bundle);
        ASSERT_TRUE(files) << files.error().message;
        EXPECT_GE(files->size(), 6u);
        for (const bundle::File& file : *files) scene.expect_clean("the bundle's " + file.name, file.text);
    }
    (void)scene.run({"diagnose", "--bundle", bundle, "-o", "wide"}, "said.log");
    EXPECT_EQ(scene.stop(), 0);
    (void)scene.run({"incidents", "--config", config, "replay", "I1"}, "said.log");
    (void)scene.run({"incidents", "--config", config, "I1"}, "said.log");

    for (const auto& entry : std::filesystem::recursive_directory_iterator(scene.folder / "data"))
        if (entry.is_regular_file()) scene.expect_clean(entry.path().filename().string(), scene.read(entry.path()));
    for (const char* file : {"out.log", "said.log", "told"}) {
        EXPECT_FALSE(scene.read(file).empty()) << file;
        scene.expect_clean(file, scene.read(file));
    }
    // What explains the failure is still there.
    EXPECT_NE(scene.read("told").find("com.shop.Job"), std::string::npos) << scene.read("told");
}

}  // namespace
}  // namespace medic

// Against real local servers and processes. Time on the desk is the test's; deadlines only end a broken test.
#include "agent/notify/notifier.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "agent/notify/news_internal.h"
#include "agent/world/real/http_fake_internal.h"
#include "agent/world/real/http_server.h"

namespace medic {
namespace {

using Json = nlohmann::json;
using news_test::incident;

struct Scene {
    std::filesystem::path folder;
    std::mutex mutex;
    std::vector<HttpRequest> requests;
    std::vector<DeliveryRow> rows;
    std::vector<std::string> said;
    std::atomic<int> status{200};
    std::string body = "{}";  // Of every answer; set before start().
    std::atomic<std::int64_t> seconds{0};
    std::atomic<bool> well{true};
    std::atomic<int> asked{0};
    std::unique_ptr<HttpServer> server;
    Reactor reactor;
    HttpFetcher fetcher{reactor, {}};
    std::unique_ptr<Notifier> notifier;
    std::thread thread;

    Scene() {
        std::string name = (std::filesystem::temp_directory_path() / "notify-XXXXXX").string();
        folder = mkdtemp(name.data());
        server = HttpServer::start({}, [this](const HttpRequest& request) {
                     const std::lock_guard guard(mutex);
                     requests.push_back(request);
                     return HttpResponse{.status = status, .body = body, .headers = {}};
                 }).value();
    }
    ~Scene() {
        reactor.stop();
        if (thread.joinable()) thread.join();
        server->stop();
        std::filesystem::remove_all(folder);
    }
    [[nodiscard]] std::string url(const std::string& path = "") const {
        return "http://127.0.0.1:" + std::to_string(server->port()) + path;
    }
    [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name) << text;
        return (folder / name).string();
    }
    void start(const std::vector<NotifyConfig>& receivers) {
        notifier = std::make_unique<Notifier>(
            NotifierParts{.receivers = receivers,
                          .reactor = reactor,
                          .fetcher = fetcher,
                          .api_url = "http://127.0.0.1:1",
                          .config_path = "medic.yaml",
                          .links = nullptr,
                          .clock = [this] { return news_test::at(seconds.fetch_add(10)); },
                          .journal =
                              [this](std::vector<DeliveryRow> more) {
                                  const std::lock_guard guard(mutex);
                                  rows.insert(rows.end(), more.begin(), more.end());
                              },
                          .not_well =
                              [this] {
                                  ++asked;
                                  return well ? std::string() : std::string("the loop stands still");
                              },
                          .say =
                              [this](const std::string& line) {
                                  const std::lock_guard guard(mutex);
                                  said.push_back(line);
                              },
                          .desk = {}});
        notifier->start();
        thread = std::thread([this] { reactor.run(); });
    }
    void tell(const Incident& one) {
        reactor.post([this, one] { notifier->update({one}); });
    }
    [[nodiscard]] bool wait(const std::function<bool()>& condition) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (std::chrono::steady_clock::now() < until) {
            {
                const std::lock_guard guard(mutex);
                if (condition()) return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream in(folder / name);
        std::stringstream text;
        text << in.rdbuf();
        return text.str();
    }
};

TEST(Notifier, AWebhookGetsTheMessageWithItsKeyAndTheTokenOfAFile) {
    Scene scene;
    scene.start(
        {{.name = "chat", .kind = "webhook", .url = scene.url("/hook"), .token_file = scene.file("t", "s3cret\n")}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return scene.requests.size() == 1 && scene.rows.size() == 2; }));
    const HttpRequest& request = scene.requests[0];
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/hook");
    EXPECT_EQ(request.header("authorization"), "Bearer s3cret");
    const Json body = Json::parse(request.body);
    EXPECT_EQ(body["incident"], "I1");
    EXPECT_EQ(request.header("idempotency-key"), body["key"].get<std::string>());
    EXPECT_TRUE(scene.rows[0].told.empty());  // Owed first, told then.
    EXPECT_FALSE(scene.rows[1].told.empty());
    EXPECT_EQ(scene.rows[1].receiver, "chat");
}

TEST(Notifier, AFailingReceiverIsTriedAgainUnderTheSameKeyAndItsAddressIsNeverSaid) {
    Scene scene;
    scene.status = 500;
    scene.start({{.name = "chat", .kind = "webhook", .url_file = scene.file("u", scene.url("/T00/verysecret"))}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return scene.requests.size() >= 2; }));
    scene.status = 200;
    ASSERT_TRUE(scene.wait([&] { return scene.rows.size() == 2; }));
    for (const HttpRequest& request : scene.requests)
        EXPECT_EQ(request.header("idempotency-key"), scene.requests[0].header("idempotency-key"));
    ASSERT_TRUE(scene.wait([&] { return scene.said.size() == 2; }));
    EXPECT_EQ(scene.said[0], "notify chat: not told yet: it answers HTTP status 500: {}");
    EXPECT_EQ(scene.said[1], "notify chat: works again");
}

TEST(Notifier, ADeadReceiverIsNamedWithoutItsAddress) {
    Scene scene;
    scene.start({{.name = "chat", .kind = "webhook", .url = "http://127.0.0.1:1/verysecret"}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return !scene.said.empty(); }));
    EXPECT_EQ(scene.said[0].find("verysecret"), std::string::npos) << scene.said[0];
    EXPECT_NE(scene.said[0].find("notify chat: not told yet"), std::string::npos);
}

// https, with an authority of its own, that lets in whoever has a certificate and a login.
struct Guarded {
    FakeFolder folder;
    FakeAuthority authority{"Test CA"}, clients{"Client CA"};
    FakeWeb web{[](const std::string&) { return web_answer(); }, server_context(authority.issue({}), &clients)};
    HttpAccess access;

    Guarded() {
        const FakeCertificate ours = clients.issue({.name = "medic"});
        access.tls = TlsFiles{.ca = folder.certificate("ca.pem", authority.own()),
                              .certificate = folder.certificate("me.pem", ours),
                              .key = folder.key("me.key", ours)};
    }
};

TEST(Notifier, AReceiverBehindTlsAndALoginIsToldOverItsOwnAccess) {
    Guarded guarded;
    HttpAccess basic = guarded.access, bearer = guarded.access;
    basic.auth = {.username = "u", .password = {.file = guarded.folder.write("pw", "p:w\n")}};
    bearer.auth = {.bearer = {.file = guarded.folder.write("token", "t0ken\n")}};
    Scene scene;
    scene.start({{.name = "chat", .kind = "webhook", .url = guarded.web.url() + "/hook", .access = basic},
                 {.name = "am", .kind = "alertmanager", .url = guarded.web.url(), .access = bearer}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return guarded.web.heads().size() >= 2; }));
    std::string all;
    for (const std::string& head : guarded.web.heads()) all += head;
    EXPECT_NE(all.find("POST /hook HTTP"), std::string::npos) << all;
    EXPECT_NE(all.find("Authorization: Basic dTpwOnc=\r\n"), std::string::npos) << all;
    EXPECT_NE(all.find("POST /api/v2/alerts HTTP"), std::string::npos) << all;
    EXPECT_NE(all.find("Authorization: Bearer t0ken\r\n"), std::string::npos) << all;
}

TEST(Notifier, AReceiverThatIsNotTrustedIsNotToldAndTheReasonIsSaid) {
    Guarded guarded;
    Scene scene;
    scene.start({{.name = "chat", .kind = "webhook", .url = guarded.web.url() + "/verysecret"}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return !scene.said.empty(); }));
    EXPECT_NE(scene.said[0].find("`tls: {ca}`"), std::string::npos) << scene.said[0];
    EXPECT_EQ(scene.said[0].find("verysecret"), std::string::npos) << scene.said[0];
    EXPECT_TRUE(guarded.web.heads().empty());
}

TEST(Notifier, NoLoginIsSentToAPlainAddressThatAFileNamesForAReceiverWithTls) {
    Guarded guarded;
    guarded.access.auth = {.bearer = {.file = guarded.folder.write("token", "t0ken\n")}};
    Scene scene;
    scene.start({{.name = "chat",
                  .kind = "webhook",
                  .url_file = scene.file("u", scene.url("/hook")),
                  .access = guarded.access}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return !scene.said.empty(); }));
    EXPECT_NE(scene.said[0].find("expected https://"), std::string::npos) << scene.said[0];
    EXPECT_TRUE(scene.requests.empty());
}

TEST(Notifier, ACommandReadsTheMessageAndItsArgumentsAreFilledIn) {
    Scene scene;
    const std::string script = "cat > \"$1/in\"; printf %s \"$2\" > \"$1/title\"; mv \"$1/in\" \"$1/done\"";
    scene.start({{.name = "mail",
                  .kind = "command",
                  .command = {"sh", "-c", script, "sh", scene.folder.string(), "{incident} {event}: {title}"},
                  .text = true}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return scene.rows.size() == 2; }));
    EXPECT_NE(scene.read("done").find("Whose side: system"), std::string::npos);
    EXPECT_TRUE(scene.read("title").starts_with("I1 opened: [medic] I1 prod:")) << scene.read("title");
}

// Half an address no longer shows that it holds a login.
TEST(Notifier, WhatAReceiverSaysIsRedactedBeforeItIsCut) {
    const std::string said = std::string(375, 'x') + " http://me:hunter2-hunter2@host/";
    Scene scene;
    scene.body = said;
    scene.status = 400;
    scene.start({{.name = "chat", .kind = "webhook", .url = scene.url("/hook")},
                 {.name = "pager", .kind = "command", .command = {"sh", "-c", "echo \"$0\" >&2; exit 1", said}}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return scene.said.size() >= 2; }));
    for (const std::string& line : scene.said) {
        EXPECT_NE(line.find("xxx http://me:[hidden]"), std::string::npos) << line;
        EXPECT_EQ(line.find("hunter"), std::string::npos) << line;
    }
}

TEST(Notifier, AConfiguredArgumentArrivesWholeAndALongValueIsCutAtALettersBorder) {
    Scene scene;
    const std::string script =
        "printf %s \"$2\" > \"$1/long\"; printf %s \"$3\" > \"$1/owner\"; cat > \"$1/in\"; mv \"$1/in\" \"$1/done\"";
    const std::string configured(600, 'x');
    std::string owner = "a";  // So that byte 400 is the second one of a letter.
    for (int i = 0; i < 300; ++i) owner += "é";
    scene.start({{.name = "mail",
                  .kind = "command",
                  .command = {"sh", "-c", script, "sh", scene.folder.string(), configured, "{owner}|" + configured}}});
    scene.tell(incident("I1", IncidentState::observing, owner));
    ASSERT_TRUE(scene.wait([&] { return scene.rows.size() == 2; }));
    EXPECT_EQ(scene.read("long"), configured);
    EXPECT_EQ(scene.read("owner"), owner.substr(0, 399) + "…|" + configured);
}

TEST(Notifier, AnAlertmanagerGetsAlertsAndTheBasicAuthenticationOfAFile) {
    Scene scene;
    scene.start({{.name = "am",
                  .kind = "alertmanager",
                  .url = scene.url(),
                  .username = "medic",
                  .password_file = scene.file("p", "pass")}});
    scene.tell(incident("I1"));
    ASSERT_TRUE(scene.wait([&] { return !scene.requests.empty() && scene.rows.size() >= 2; }));
    EXPECT_EQ(scene.requests[0].path, "/api/v2/alerts");
    EXPECT_EQ(scene.requests[0].header("authorization"), "Basic bWVkaWM6cGFzcw==");
    EXPECT_EQ(Json::parse(scene.requests[0].body)[0]["labels"]["incident"], "I1");
    EXPECT_EQ(Json::parse(scene.rows[1].labels)["owner"], "team-a");
}

TEST(Notifier, TheHeartBeatsOnlyWhileTheAgentIsWell) {
    Scene scene;
    scene.well = false;
    scene.start(
        {{.name = "pulse", .kind = "webhook", .url = scene.url("/ping"), .heartbeat = true, .every = Duration{20}},
         {.name = "dog", .kind = "alertmanager", .url = scene.url(), .heartbeat = true, .every = Duration{20}}});
    ASSERT_TRUE(scene.wait([&] { return scene.asked > 20; }));
    {
        const std::lock_guard guard(scene.mutex);
        EXPECT_TRUE(scene.requests.empty());
    }
    scene.well = true;
    const auto find = [&](const std::string& path) {
        return std::ranges::find_if(scene.requests, [&](const auto& one) { return one.path == path; });
    };
    ASSERT_TRUE(scene.wait(
        [&] { return find("/ping") != scene.requests.end() && find("/api/v2/alerts") != scene.requests.end(); }));
    EXPECT_EQ(Json::parse(find("/ping")->body)["kind"], "heartbeat");
    EXPECT_EQ(Json::parse(find("/api/v2/alerts")->body)[0]["labels"]["alertname"], "StreammedicWatchdog");
}

}  // namespace
}  // namespace medic

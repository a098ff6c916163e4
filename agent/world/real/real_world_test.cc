#include "agent/world/real/real_world.h"

#include <gtest/gtest.h>

#include "agent/world/real/clock.h"
#include "agent/world/real/http_fake_internal.h"
#include "agent/world/real/running_internal.h"

namespace medic {
namespace {

using namespace world_test;

struct Acting : Running {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<OperationReply> replies;
    std::unique_ptr<RealWorld> world;

    explicit Acting(ClusterDoors doors) {
        world =
            std::make_unique<RealWorld>(reactor, fetcher, std::map<std::string, ClusterDoors>{{"c", std::move(doors)}},
                                        [this](OperationReply reply) {
                                            const std::lock_guard lock(mutex);
                                            replies.push_back(std::move(reply));
                                            changed.notify_all();
                                        });
    }
    Result<std::string> act(OperationBody body, const std::string& key = "I1/1/1",
                            Duration timeout = Duration{10'000}) {
        world->send({.key = key, .cluster = "c", .body = std::move(body), .timeout = timeout, .idempotent = false});
        return reply_to(key);
    }
    Result<std::string> reply_to(const std::string& key) {
        std::unique_lock lock(mutex);
        const auto has = [&] { return !replies.empty() && replies.back().key == key; };
        if (!changed.wait_for(lock, std::chrono::seconds(30), has)) return fail(ErrorCode::internal, "no reply");
        return replies.back().detail;
    }
};

TEST(RealWorld, RestartsAConnectorTaskOnceForAKey) {
    Server server([](const HttpRequest&) { return answer(204, ""); });
    Acting acting(
        {.connect_urls = {"http://127.0.0.1:1", server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    EXPECT_TRUE(acting.act(RestartConnectorTask{.connector = "a b", .task = 2}));
    acting.world->send({.key = "I1/1/1", .cluster = "c", .body = RestartConnectorTask{.connector = "a b", .task = 2}});
    EXPECT_TRUE(acting.act(PauseConnector{.connector = "x"}, "I1/2/1"));
    EXPECT_EQ(server.seen,
              (std::vector<std::string>{"POST /connectors/a%20b/tasks/2/restart ", "PUT /connectors/x/pause "}));
}

TEST(RealWorld, ARebalanceMeansNotReadyAndAnInnerErrorUnknown) {
    int status = 409;
    Server server([&](const HttpRequest&) { return answer(status, "{}"); });
    Acting acting({.connect_urls = {server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    EXPECT_EQ(acting.act(RestartConnector{.connector = "x", .include_tasks = true}).error().code, ErrorCode::not_ready);
    status = 500;
    EXPECT_EQ(acting.act(RestartConnector{.connector = "x"}, "I1/1/2").error().code, ErrorCode::outcome_unknown);
    status = 404;
    EXPECT_EQ(acting.act(RestartConnector{.connector = "x"}, "I1/1/3").error().code, ErrorCode::invalid);
}

// A worker with one configuration, which takes what is put.
struct Configured {
    std::map<std::string, std::string> settings{{"topics", "b"}, {"old", "x"}, {"db.password", "plum"}};
    int status = 200;
    std::vector<std::string> put;

    std::string text() const {
        std::string all;
        for (const auto& [name, value] : settings) all += (all.empty() ? "{\"" : ",\"") + name + "\":\"" + value + "\"";
        return all + "}";
    }
    HttpResponse operator()(const HttpRequest& request) {
        if (request.method != "PUT") return answer(200, text());
        put.push_back(request.body);
        return answer(status, status == 200 ? text() : "Invalid value plum for configuration db.password");
    }
    ChangeConnectorConfiguration back() const {
        auto good = settings;
        good["topics"] = "a";
        good.erase("old");
        return {.connector = "a b",
                .set = {{"topics", "a"}, {"old", std::nullopt}},
                .from = hash_of(without_secrets(settings)),
                .to = hash_of(without_secrets(good))};
    }
};

TEST(RealWorld, ChangesAConnectorsSettingsAndLeavesItsSecretsAsTheyStand) {
    Configured worker;
    Server server([&](const HttpRequest& request) { return worker(request); });
    Acting acting(
        {.connect_urls = {"http://127.0.0.1:1", server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    EXPECT_EQ(acting.act(worker.back()).value_or("?"), "HTTP status 200");
    EXPECT_EQ(worker.put, (std::vector<std::string>{R"({"db.password":"plum","topics":"a"})"}));
    const auto again = worker.back();
    worker.settings = {{"topics", "a"}, {"db.password", "plum"}};
    EXPECT_TRUE(acting.act(again, "I1/1/2")) << "it stands there already";
    EXPECT_EQ(worker.put.size(), 1U);
}

// A worker whose sink's group stands at `offset` of t-3; it takes no new one while `running`.
struct Standing {
    std::int64_t offset = 42;
    bool running = false;
    std::vector<std::string> patched{};

    HttpResponse operator()(const HttpRequest& request) {
        EXPECT_EQ(request.target, "/connectors/a%20b/offsets");
        const std::string now =
            R"({"offsets":[{"partition":{"kafka_topic":"t","kafka_partition":3},"offset":{"kafka_offset":)" +
            std::to_string(offset) + "}}]}";
        if (request.method != "PATCH") return answer(200, now);
        patched.push_back(request.body);
        if (running) return answer(400, R"({"error_code":400,"message":"Connectors must be in the STOPPED state"})");
        return answer(200, R"({"message":"The offsets for this connector have been altered successfully"})");
    }
    static AlterConnectorOffset skip() {
        return {.connector = "a b", .topic = "t", .partition = 3, .from = 42, .to = 43};
    }
};

TEST(RealWorld, SetsASinksGroupToTheRecordBehindOnlyWhereItStandsAtThatRecord) {
    Standing worker;
    Server server([&](const HttpRequest& request) { return worker(request); });
    Acting acting(
        {.connect_urls = {"http://127.0.0.1:1", server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    EXPECT_TRUE(acting.act(Standing::skip()));
    EXPECT_EQ(worker.patched, (std::vector<std::string>{R"({"offsets":[{"offset":{"kafka_offset":43},"partition":)"
                                                        R"({"kafka_partition":3,"kafka_topic":"t"}}]})"}));
    worker.offset = 43;
    EXPECT_EQ(acting.act(Standing::skip(), "I1/1/2").value_or("?"), "it stands there already");
    worker.offset = 44;
    EXPECT_EQ(acting.act(Standing::skip(), "I1/1/3").error().code, ErrorCode::not_ready);
    auto elsewhere = Standing::skip();
    elsewhere.partition = 4;
    EXPECT_EQ(acting.act(elsewhere, "I1/1/4").error().code, ErrorCode::not_ready) << "nothing is committed there";
    EXPECT_EQ(worker.patched.size(), 1U);
    worker.offset = 42, worker.running = true;
    EXPECT_EQ(acting.act(Standing::skip(), "I1/1/5").error().code, ErrorCode::invalid);
}

TEST(RealWorld, OffsetsThatAreNoneMoveNothingAndHarmNobody) {
    std::string body;
    bool patched = false;
    Server server([&](const HttpRequest& request) {
        patched = patched || request.method == "PATCH";
        return answer(200, body);
    });
    Acting acting({.connect_urls = {server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    const std::string here = R"({"partition":{"kafka_topic":"t","kafka_partition":3})";
    int number = 0;
    for (const auto& [offsets, code] :
         {std::pair<std::string, ErrorCode>{"[null]", ErrorCode::not_ready},
          {"[7,\"x\",[],{}]", ErrorCode::not_ready},
          {R"([{"partition":null,"offset":null}])", ErrorCode::not_ready},
          {R"([{"partition":{"kafka_topic":null,"kafka_partition":null}}])", ErrorCode::not_ready},
          {R"([{"partition":{"kafka_topic":7,"kafka_partition":"3"}}])", ErrorCode::not_ready},
          {"[" + here + "}]", ErrorCode::not_ready},
          {"[" + here + R"(,"offset":null}])", ErrorCode::not_ready},
          {"[" + here + R"(,"offset":[]}])", ErrorCode::unavailable},
          {"[" + here + R"(,"offset":{"kafka_offset":null}}])", ErrorCode::unavailable},
          {"[" + here + R"(,"offset":{"kafka_offset":"42"}}])", ErrorCode::unavailable},
          {"null", ErrorCode::unavailable}}) {
        body = R"({"offsets":)" + offsets + "}";
        const auto reply = acting.act(Standing::skip(), "I1/2/" + std::to_string(++number));
        ASSERT_FALSE(reply) << offsets;
        EXPECT_EQ(reply.error().code, code) << offsets << ": " << reply.error().message;
    }
    EXPECT_FALSE(patched);
}

TEST(RealWorld, OtherSettingsThanThoseToBeChangedAreLeftAlone) {
    Configured worker;
    Server server([&](const HttpRequest& request) { return worker(request); });
    Acting acting({.connect_urls = {server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    const auto back = worker.back();
    worker.settings["tasks.max"] = "2";
    EXPECT_EQ(acting.act(back).error().code, ErrorCode::not_ready);
    auto elsewhere = worker.back();
    elsewhere.to = "0";
    EXPECT_EQ(acting.act(elsewhere, "I1/1/2").error().code, ErrorCode::not_ready);
    auto secret = worker.back();
    secret.set["db.password"] = "plum";
    EXPECT_EQ(acting.act(secret, "I1/1/3").error().code, ErrorCode::invalid);
    EXPECT_TRUE(worker.put.empty());
}

TEST(RealWorld, AWorkersAnswerToSettingsIsNotQuoted) {
    Configured worker{.status = 400, .put = {}};
    Server server([&](const HttpRequest& request) { return worker(request); });
    Acting acting({.connect_urls = {server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    const auto refused = acting.act(worker.back());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
    EXPECT_EQ(refused.error().message.find("plum"), std::string::npos) << refused.error().message;
    EXPECT_EQ(describe({.key = {}, .cluster = "c", .body = worker.back()}).find("plum"), std::string::npos);
}

TEST(RealWorld, NodeDriversGetTheirPlaceholdersAsArguments) {
    NodeDoor door{
        .commands = {{"kill_task", {"echo", "{node}", "{connector}", "x{task}", "{other}"}}, {"kill", {"false"}}}};
    Acting acting({.connect_urls = {}, .flink_urls = {}, .nodes = {{"w", door}}, .deployments = {}});
    EXPECT_EQ(acting.act(KillConnectorTask{.node = "w", .connector = "a {task} $(id)", .task = 3}).value_or("?"),
              "w a {task} $(id) x3 {other}\n");
    EXPECT_EQ(acting.act(KillNode{.node = "w"}, "I1/1/2").error().code, ErrorCode::unavailable);
    EXPECT_EQ(acting.act(StopNode{.node = "w"}, "I1/1/3").error().code, ErrorCode::invalid);
    EXPECT_EQ(acting.act(StopNode{.node = "z"}, "I1/1/4").error().code, ErrorCode::invalid);
}

TEST(RealWorld, WhatACommandSaysIsToldWithoutSecrets) {
    const auto is_told = [](const std::string& line, bool good) {
        NodeDoor node{.commands = {{"kill", {"sh", "-c", line}}}};
        DeploymentDoor job{.url = "", .commands = {{"verify", {"sh", "-c", line}}}, .versions = {{"v", {}}}};
        Acting acting({.connect_urls = {}, .flink_urls = {}, .nodes = {{"w", node}}, .deployments = {{"j", job}}});
        for (const auto& reply :
             {acting.act(KillNode{.node = "w"}),
              acting.act(VerifyDeployment{.job = "j", .version = "v", .job_id = "b", .accept = {}}, "I1/2/1")}) {
            ASSERT_EQ(reply.has_value(), good);
            const std::string text = good ? *reply : reply.error().message;
            EXPECT_NE(text.find("password=[hidden]"), std::string::npos) << text;
            EXPECT_EQ(text.find("plum-81"), std::string::npos) << text;
        }
    };
    is_told("echo password=plum-81 >&2; exit 1", false);
    is_told("echo password=plum-81; exit 1", false);
    is_told("echo password=plum-81", true);
}

TEST(RealWorld, ALoginThatWouldBeCutInTwoIsHiddenToo) {
    NodeDoor node{.commands = {{"kill", {"sh", "-c", R"(printf '%0980d http://me:plum-81-plum-81@host/' 0; exit 1)"}}}};
    Acting acting({.connect_urls = {}, .flink_urls = {}, .nodes = {{"w", node}}, .deployments = {}});
    const auto reply = acting.act(KillNode{.node = "w"});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().message.find("plum"), std::string::npos) << reply.error().message;
}

// What refuses with a 400 quotes what it was sent.
TEST(RealWorld, AnswersOfServersAreToldWithoutSecrets) {
    int status = 400;
    Server server([&](const HttpRequest& request) {
        if (request.path == "/jars/upload") return answer(200, R"({"filename":"/tmp/x/abc_job.jar"})");
        if (request.path == "/jobs/overview") return answer(200, R"({"jobs":[]})");
        return answer(status, R"({"errors":["no such entry: --db.password plum-81, password=plum-81"]})");
    });
    std::string artifact = (std::filesystem::temp_directory_path() / "artifact-XXXXXX").string();
    close(mkstemp(artifact.data()));
    DeploymentDoor door{.url = server.url(), .commands = {}, .versions = {{"v", {.artifact = artifact}}}};
    Acting acting(
        {.connect_urls = {server.url()}, .flink_urls = {server.url()}, .nodes = {}, .deployments = {{"j", door}}});
    acting.world->set_kafka("c", [](const Operation&, std::function<void(Result<std::string>)> done) {
        done(fail(ErrorCode::invalid, "alter configs: sasl.jaas.config=x password=plum-81"));
    });
    int number = 0;
    const auto refused = [&](OperationBody body) {
        const auto reply = acting.act(std::move(body), "I1/1/" + std::to_string(++number));
        ASSERT_FALSE(reply);
        EXPECT_NE(reply.error().message.find("[hidden]"), std::string::npos) << reply.error().message;
        EXPECT_EQ(reply.error().message.find("plum-81"), std::string::npos) << reply.error().message;
    };
    refused(StartDeployment{.job = "j", .version = "v", .restore_from = "", .parallelism = 0, .settings = {}});
    refused(VerifyDeployment{.job = "j", .version = "v", .job_id = "b", .accept = {}});
    refused(CancelJob{.job_id = "b"});
    refused(RestartConnector{.connector = "x"});
    refused(AlterConfigs{});
    status = 500;
    refused(CancelJob{.job_id = "b"});
    std::filesystem::remove(artifact);
}

TEST(RealWorld, ACommandIsGivenNoMoreThanItsDriversTime) {
    const std::vector<std::string> slow = {"sleep", "3"};
    NodeDoor node{.commands = {{"stop", slow}}, .command_timeout = Duration{500}};
    DeploymentDoor job{
        .url = "", .commands = {{"start", slow}, {"verify", slow}}, .versions = {{"v", {}}}, .timeout = Duration{500}};
    Acting acting({.connect_urls = {}, .flink_urls = {}, .nodes = {{"w", node}}, .deployments = {{"j", job}}});
    int number = 0;
    const auto is_ended = [&](OperationBody body) {
        const auto reply = acting.act(std::move(body), "I1/1/" + std::to_string(++number));
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown);
        EXPECT_EQ(reply.error().message, "sleep: not finished within 500 ms, killed");
    };
    is_ended(StartDeployment{.job = "j", .version = "v", .restore_from = "", .parallelism = 0, .settings = {}});
    is_ended(VerifyDeployment{.job = "j", .version = "v", .job_id = "b", .accept = {}});
    is_ended(StopNode{.node = "w"});
}

TEST(RealWorld, AnOperationsOwnTimeEndsACommandThatItsDriverWouldGiveMore) {
    NodeDoor node{.commands = {{"stop", {"sleep", "3"}}}, .command_timeout = Duration{60'000}};
    Acting acting({.connect_urls = {}, .flink_urls = {}, .nodes = {{"w", node}}, .deployments = {}});
    const auto reply = acting.act(StopNode{.node = "w"}, "I1/1/1", Duration{200});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().message, "sleep: not finished within 200 ms, killed");
}

TEST(RealWorld, StopsWithASavepointAndWaitsForIt) {
    std::atomic<int> polls = 0;
    Server server([&](const HttpRequest& request) {
        if (request.method == "POST") return answer(202, R"({"request-id":"r1"})");
        if (++polls < 3) return answer(200, R"({"status":{"id":"IN_PROGRESS"},"operation":null})");
        return answer(200, R"({"status":{"id":"COMPLETED"},"operation":{"location":"file:/sp/1"}})");
    });
    Acting acting({.connect_urls = {}, .flink_urls = {server.url()}, .nodes = {}, .deployments = {}});
    EXPECT_EQ(acting.act(StopJobWithSavepoint{.job_id = "j", .target_directory = "/sp"}).value_or("?"), "file:/sp/1");
    EXPECT_EQ(server.seen[0], R"(POST /jobs/j/stop {"drain":false,"targetDirectory":"/sp"})");
}

TEST(RealWorld, ASavepointThatFailedIsSaid) {
    Server server([&](const HttpRequest& request) {
        if (request.method == "POST") return answer(202, R"({"request-id":"r1"})");
        return answer(
            200,
            R"({"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"X","stack-trace":"disk full"}}})");
    });
    Acting acting({.connect_urls = {}, .flink_urls = {server.url()}, .nodes = {}, .deployments = {}});
    const auto reply = acting.act(StopJobWithSavepoint{.job_id = "j", .target_directory = ""});
    ASSERT_FALSE(reply);
    EXPECT_NE(reply.error().message.find("disk full"), std::string::npos);
}

TEST(RealWorld, RescalesTheVerticesThatAreAsWideAsItWasSeen) {
    std::string now = R"({"a":{"parallelism":{"lowerBound":1,"upperBound":2}},)"
                      R"("b":{"parallelism":{"lowerBound":1,"upperBound":1}}})";
    int status = 200;
    Server server(
        [&](const HttpRequest& request) { return request.method == "GET" ? answer(status, now) : answer(200, "{}"); });
    Acting acting({.connect_urls = {}, .flink_urls = {server.url()}, .nodes = {}, .deployments = {}});
    EXPECT_TRUE(acting.act(RescaleJob{.job_id = "j", .from = 2, .to = 4}));
    ASSERT_EQ(server.seen.size(), 2U);
    EXPECT_EQ(server.seen[1],
              R"(PUT /jobs/j/resource-requirements {"a":{"parallelism":{"lowerBound":1,"upperBound":4}},)"
              R"("b":{"parallelism":{"lowerBound":1,"upperBound":1}}})");
    EXPECT_EQ(acting.act(RescaleJob{.job_id = "j", .from = 3, .to = 4}, "I1/1/2").error().code, ErrorCode::outdated);
    EXPECT_TRUE(acting.act(RescaleJob{.job_id = "j", .from = 3, .to = 2}, "I1/1/3")) << "done before";
    now = "[]";
    EXPECT_EQ(acting.act(RescaleJob{.job_id = "j", .from = 2, .to = 4}, "I1/1/4").error().code, ErrorCode::outdated);
    status = 500;  // Flink's answer under another scheduler.
    EXPECT_EQ(acting.act(RescaleJob{.job_id = "j", .from = 2, .to = 4}, "I1/1/5").error().code, ErrorCode::invalid);
    EXPECT_EQ(std::ranges::count_if(server.seen, [](const auto& one) { return one.starts_with("PUT"); }), 1);
}

TEST(RealWorld, StartsADeploymentByUploadAndRun) {
    std::string overview = R"({"jobs":[{"jid":"a","name":"j","state":"CANCELED"},)"
                           R"({"jid":"b","name":"other","state":"RUNNING"}]})";
    Server server([&](const HttpRequest& request) {
        if (request.path == "/jars/upload")
            return answer(200, R"({"filename":"/tmp/x/abc_job.jar","status":"success"})");
        if (request.path == "/jobs/overview") return answer(overview.empty() ? 503 : 200, overview);
        return answer(200, R"({"jobid":"new"})");
    });
    std::string artifact = (std::filesystem::temp_directory_path() / "artifact-XXXXXX").string();
    close(mkstemp(artifact.data()));
    std::ofstream(artifact) << "JAR";
    DeploymentDoor door{
        .url = server.url(),
        .commands = {},
        .versions = {{"v1", {.artifact = artifact, .entry = "a.Main", .args = {"--x"}, .parallelism = 2}}}};
    Acting acting({.connect_urls = {}, .flink_urls = {server.url()}, .nodes = {}, .deployments = {{"j", door}}});
    EXPECT_EQ(
        acting
            .act(StartDeployment{
                .job = "j", .version = "v1", .restore_from = "file:/cp", .parallelism = 4, .settings = {{"k", "v"}}})
            .value_or("?"),
        "new");
    ASSERT_EQ(server.seen.size(), 3u);
    EXPECT_NE(server.seen[0].find("JAR"), std::string::npos);
    EXPECT_EQ(
        server.seen[2],
        R"(POST /jars/abc_job.jar/run {"allowNonRestoredState":false,"entryClass":"a.Main","flinkConfiguration":{"k":"v"},"parallelism":4,"programArgsList":["--x"],"savepointPath":"file:/cp"})");
    const auto again = [&](const std::string& key) {
        return acting.act(
            StartDeployment{.job = "j", .version = "v1", .restore_from = "file:/cp", .parallelism = 0, .settings = {}},
            key);
    };
    overview = R"({"jobs":[{"jid":"c","name":"j","state":"RESTARTING"}]})";
    EXPECT_EQ(again("I1/1/3").error().code, ErrorCode::not_ready);
    overview = "";
    EXPECT_EQ(again("I1/1/4").error().code, ErrorCode::unavailable);
    EXPECT_TRUE(std::ranges::none_of(std::span(server.seen).subspan(3),
                                     [](const auto& request) { return request.contains("/run"); }));
    EXPECT_EQ(
        acting
            .act(StartDeployment{.job = "j", .version = "v9", .restore_from = "", .parallelism = 0, .settings = {}},
                 "I1/1/2")
            .error()
            .code,
        ErrorCode::invalid);
    std::filesystem::remove(artifact);
}

// While its artifact goes up, or Flink looks for its jobs, the time of a start passes: whoever waits believes that it
// is not sent any more.
TEST(RealWorld, NothingOfAStartLeavesAfterItsTime) {
    std::string artifact = (std::filesystem::temp_directory_path() / "artifact-XXXXXX").string();
    close(mkstemp(artifact.data()));
    for (const std::string slow : {"/jars/upload", "/jobs/overview"}) {
        std::promise<void> let_go;
        Server server{[slow, released = let_go.get_future().share()](const HttpRequest& request) {
                          if (request.path == slow) released.wait();
                          if (request.path == "/jars/upload")
                              return answer(200, R"({"filename":"/tmp/x/abc_job.jar"})");
                          if (request.path == "/jobs/overview") return answer(200, R"({"jobs":[]})");
                          return answer(200, R"({"jobid":"new"})");
                      },
                      1};
        DeploymentDoor door{.url = server.url(),
                            .commands = {},
                            .versions = {{"v1", {.artifact = artifact, .entry = "", .args = {}, .parallelism = 0}}}};
        Acting acting({.connect_urls = {}, .flink_urls = {server.url()}, .nodes = {}, .deployments = {{"j", door}}});
        const auto reply = acting.act(
            StartDeployment{.job = "j", .version = "v1", .restore_from = "/cp", .parallelism = 0, .settings = {}},
            "I1/1/1", Duration{1'000});
        let_go.set_value();
        ASSERT_FALSE(reply) << slow;
        EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << slow << ": " << reply.error().message;
        FetchRequest afterwards;
        afterwards.url = server.url() + "/afterwards";
        EXPECT_TRUE(acting.fetch(afterwards));
        const std::lock_guard lock(server.mutex);
        EXPECT_TRUE(std::ranges::none_of(server.seen, [](const auto& one) { return one.contains("/run"); })) << slow;
    }
    std::filesystem::remove(artifact);
}

// What the server has been asked, once it has answered one more look.
std::vector<std::string> seen_at_last(Acting& acting, Server& server) {
    FetchRequest afterwards;
    afterwards.url = server.url() + "/afterwards";
    afterwards.timeout = Duration{20'000};
    EXPECT_TRUE(acting.fetch(afterwards));
    const std::lock_guard lock(server.mutex);
    return server.seen;
}

const std::vector<std::string> only_afterwards = {"GET /afterwards "};

TEST(RealWorld, OneTimeHoldsForAllWorkersTogether) {
    const LoopbackListener mute = listen_on_loopback();  // Whoever speaks TLS to it waits for an answer.
    Server server([](const HttpRequest&) { return answer(204, ""); });
    Acting acting({.connect_urls = {"https://127.0.0.1:" + std::to_string(mute.port), server.url()},
                   .flink_urls = {},
                   .nodes = {},
                   .deployments = {}});
    const auto reply = acting.act(RestartConnectorTask{.connector = "x", .task = 2}, "I1/1/1", Duration{1'000});
    close(mute.socket);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << reply.error().message;
    EXPECT_EQ(seen_at_last(acting, server), only_afterwards);
}

TEST(RealWorld, LooksForTheRightFlinkAreOfAnOperationsTime) {
    SilentServer silent;
    Server server([](const HttpRequest&) { return answer(200, "{}"); });
    Acting acting({.connect_urls = {}, .flink_urls = {silent.url(), server.url()}, .nodes = {}, .deployments = {}});
    const auto cancelled = acting.act(CancelJob{.job_id = "j"}, "I1/1/1", Duration{1'000});
    const auto stopped =
        acting.act(StopJobWithSavepoint{.job_id = "j", .target_directory = ""}, "I1/1/2", Duration{1'000});
    silent.release();
    for (const auto& reply : {cancelled, stopped}) {
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << reply.error().message;
    }
    EXPECT_EQ(seen_at_last(acting, server), only_afterwards);
}

TEST(RealWorld, AnOperationThatCanBeginOnlyAfterItsTimeDoesNot) {
    Server server([](const HttpRequest&) { return answer(204, ""); });
    Acting acting({.connect_urls = {server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    std::promise<void> let_go;
    acting.reactor.post([released = let_go.get_future().share()] { released.wait(); });
    constexpr Duration time{50};
    acting.world->send({.key = "I1/1/1", .cluster = "c", .body = PauseConnector{.connector = "x"}, .timeout = time});
    const Instant over = read_clock().monotonic + time;
    while (read_clock().monotonic < over) std::this_thread::yield();
    let_go.set_value();
    const auto reply = acting.reply_to("I1/1/1");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << reply.error().message;
    EXPECT_EQ(seen_at_last(acting, server), only_afterwards);
}

TEST(RealWorld, AFlinkThatDoesNotSayWhetherAJobIsItsOwnLeavesThatOpen) {
    std::atomic<int> status = 404;
    Server first([&](const HttpRequest&) { return answer(status, "{}"); });
    Server second([](const HttpRequest&) { return answer(404, "{}"); });
    const auto cancel = [&](const std::string& url) {
        Acting acting({.connect_urls = {}, .flink_urls = {url, second.url()}, .nodes = {}, .deployments = {}});
        return acting.act(CancelJob{.job_id = "a"});
    };
    EXPECT_EQ(cancel(first.url()).error().code, ErrorCode::invalid) << "both have said that it is not theirs";
    status = 503;
    EXPECT_EQ(cancel(first.url()).error().code, ErrorCode::unavailable);
    EXPECT_EQ(cancel("http://127.0.0.1:1").error().code, ErrorCode::unavailable);
    status = 200;
    EXPECT_TRUE(cancel(first.url())) << "it is known whose it is";
}

TEST(RealWorld, AsksFlinkAboutAVersionAndLeavesNothingBehind) {
    int plan_status = 200;
    Server server([&](const HttpRequest& request) {
        if (request.path == "/jars/upload") return answer(200, R"({"filename":"/tmp/x/abc_job.jar"})");
        if (request.path == "/jars/abc_job.jar/plan")
            return answer(plan_status,
                          plan_status == 200 ? R"({"plan":{"nodes":[{"id":"aa","parallelism":2}]}})" : "no");
        if (request.path == "/jobs/b")
            return answer(200, R"({"state":"RUNNING","vertices":[{"id":"aa","name":"s","parallelism":2}]})");
        if (request.path == "/jobs/b/checkpoints") return answer(200, R"({"latest":{"completed":{"id":7}}})");
        if (request.path == "/jobs/b/checkpoints/details/7") return answer(200, R"({"tasks":{"aa":{"state_size":9}}})");
        if (request.path == "/overview") return answer(200, R"({"slots-available":1})");
        return answer(200, "{}");
    });
    std::string artifact = (std::filesystem::temp_directory_path() / "artifact-XXXXXX").string();
    close(mkstemp(artifact.data()));
    DeploymentDoor door{.url = server.url(),
                        .commands = {},
                        .versions = {{"v2", {.artifact = artifact, .entry = "", .args = {"--x"}, .parallelism = 0}}}};
    Acting acting({.connect_urls = {}, .flink_urls = {server.url()}, .nodes = {}, .deployments = {{"j", door}}});
    const auto ask = [&](const std::string& key) {
        return acting.act(VerifyDeployment{.job = "j", .version = "v2", .job_id = "b", .accept = {}}, key);
    };
    const std::string said = ask("I1/1/1").value_or("?");
    EXPECT_NE(said.find("state: the new version takes that of s (9 bytes)"), std::string::npos) << said;
    EXPECT_EQ(server.seen[1], R"(POST /jars/abc_job.jar/plan {"programArgsList":["--x"]})");
    EXPECT_TRUE(std::ranges::any_of(
        server.seen, [](const auto& request) { return request.starts_with("DELETE /jars/abc_job.jar"); }));
    EXPECT_TRUE(std::ranges::none_of(server.seen, [](const auto& request) { return request.contains("/run"); }));
    plan_status = 400;
    EXPECT_EQ(ask("I1/1/2").error().code, ErrorCode::invalid);
    std::filesystem::remove(artifact);
    EXPECT_EQ(ask("I1/1/3").error().code, ErrorCode::unavailable) << "there is nothing to upload";
}

TEST(RealWorld, AsksATeamsOwnCommandAboutAVersion) {
    DeploymentDoor door{.url = "", .commands = {}, .versions = {{"v2", {}}}};
    const auto ask = [](const DeploymentDoor& of, std::set<std::string> accepted) {
        Acting acting({.connect_urls = {}, .flink_urls = {}, .nodes = {}, .deployments = {{"j", of}}});
        return acting.act(VerifyDeployment{.job = "j", .version = "v2", .job_id = "b", .accept = std::move(accepted)});
    };
    EXPECT_EQ(ask(door, {}).error().code, ErrorCode::invalid) << "nobody can tell";
    EXPECT_TRUE(ask(door, {"plan"}));
    door.commands["verify"] = {"/bin/echo", "loads {version} beside {job_id}"};
    EXPECT_EQ(ask(door, {}).value_or("?"), "loads v2 beside b\n");
    door.commands["verify"] = {"/bin/false"};
    EXPECT_EQ(ask(door, {"plan"}).error().code, ErrorCode::invalid);
}

TEST(RealWorld, EveryOperationGetsOneReplyAlsoWhenNobodyAnswers) {
    SilentServer server;
    Acting acting({.connect_urls = {server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    const auto reply = acting.act(ResumeConnector{.connector = "x"}, "I1/1/1", Duration{2'000});
    server.release();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown);
    EXPECT_EQ(acting.act(AlterConfigs{}, "I1/1/2").error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace medic

#include "agent/world/real/real_world.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <span>
#include <thread>

#include "agent/base/connector_settings.h"
#include "agent/world/real/command.h"
#include "agent/world/real/http_server.h"

namespace medic {
namespace {

// A reactor on its own thread, and helpers that wait for one answer. The deadline is generous: it only ends a broken
// test.
struct Running {
    Reactor reactor;
    HttpFetcher fetcher{reactor, {}};
    std::thread thread{[this] { reactor.run(); }};
    ~Running() {
        reactor.stop();
        thread.join();
    }
    template <class T, class Start>
    Result<T> wait(Start start) {
        auto promise = std::make_shared<std::promise<Result<T>>>();
        auto future = promise->get_future();
        reactor.post([=] { start([promise](Result<T> result) { promise->set_value(std::move(result)); }); });
        if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
            return fail(ErrorCode::internal, "the test waited too long");
        return future.get();
    }
    Result<FetchReply> fetch(FetchRequest request) {
        return wait<FetchReply>([&, request](auto done) { fetcher.fetch(request, done); });
    }
    Result<CommandReply> run(CommandRequest request) {
        return wait<CommandReply>([&, request](auto done) { run_command(reactor, request, done); });
    }
};

struct Server {
    std::mutex mutex;
    std::vector<std::string> seen;  // "METHOD target body"
    std::unique_ptr<HttpServer> server;
    explicit Server(HttpHandler handler, int threads = 0) {
        HttpServerOptions options;
        options.handler_threads = threads;
        options.upload_path = "/jars/upload";
        options.upload_bytes_max = 1 << 20;
        server = HttpServer::start(options, [this, handler](const HttpRequest& request) {
                     {
                         const std::lock_guard lock(mutex);
                         seen.push_back(request.method + " " + request.target + " " + request.body);
                     }
                     return handler(request);
                 }).value();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
};

HttpResponse answer(int status, std::string body) {
    return {.status = status, .body = std::move(body), .content_type = "application/json", .headers = {}};
}

TEST(HttpFetcher, GivesStatusTypeAndBody) {
    Server server([](const HttpRequest& request) { return answer(request.path == "/x" ? 200 : 404, "{\"a\":1}"); });
    Running running;
    const auto good = running.fetch({.url = server.url() + "/x"});
    ASSERT_TRUE(good) << good.error().message;
    EXPECT_EQ(good->status, 200);
    EXPECT_EQ(good->body, "{\"a\":1}");
    EXPECT_EQ(good->content_type, "application/json");
    EXPECT_EQ(running.fetch({.url = server.url() + "/y"})->status, 404);
}

TEST(HttpFetcher, ARefusedConnectionNeverArrived) {
    Running running;
    const auto refused = running.fetch({.method = "POST", .url = "http://127.0.0.1:1/x"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
}

TEST(HttpFetcher, AnAnswerLongerThanItsBoundIsRefused) {
    Server server([](const HttpRequest&) { return answer(200, std::string(100'000, 'x')); });
    Running running;
    const auto long_one = running.fetch({.url = server.url() + "/", .body_bytes_max = 1'000});
    ASSERT_FALSE(long_one);
    EXPECT_EQ(long_one.error().code, ErrorCode::invalid);
}

TEST(HttpFetcher, OnlyTheEndOfAnAnswerIsKeptWhereOnlyThatIsAskedFor) {
    Server server([](const HttpRequest& request) {
        return answer(200, request.path == "/short" ? "short" : std::string(300'000, 'x') + "the end");
    });
    Running running;
    const auto long_one =
        running.fetch({.url = server.url() + "/", .body_bytes_max = 400'000, .body_tail_bytes = 1'000});
    ASSERT_TRUE(long_one);
    EXPECT_EQ(long_one->body.size(), 1'000U);
    EXPECT_TRUE(long_one->body.ends_with("xthe end"));
    EXPECT_EQ(long_one->left_out_bytes, 300'007U - 1'000U);
    const auto short_one =
        running.fetch({.url = server.url() + "/short", .body_bytes_max = 400'000, .body_tail_bytes = 1'000});
    ASSERT_TRUE(short_one);
    EXPECT_EQ(short_one->body, "short");
    EXPECT_EQ(short_one->left_out_bytes, 0U);
    const auto too_long =
        running.fetch({.url = server.url() + "/", .body_bytes_max = 200'000, .body_tail_bytes = 1'000});
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().code, ErrorCode::invalid);
}

TEST(HttpFetcher, ATimeOutAfterSendingHasAnUnknownOutcome) {
    std::promise<void> release;
    auto released = release.get_future().share();
    Server server(
        [released](const HttpRequest&) {
            released.wait();
            return answer(200, "");
        },
        1);
    Running running;
    const auto late = running.fetch({.method = "POST", .url = server.url() + "/", .timeout = Duration{300}});
    release.set_value();
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::outcome_unknown);
}

TEST(HttpFetcher, ManyRequestsAtOnceAllGetAnswers) {
    Server server([](const HttpRequest&) { return answer(200, "ok"); });
    Running running;
    std::atomic<int> good = 0;
    const auto all = running.wait<int>([&](auto done) {
        for (int i = 0; i < 200; ++i)
            running.fetcher.fetch({.url = server.url() + "/"}, [&, done](Result<FetchReply> reply) {
                if (reply && reply->status == 200 && ++good == 200) done(200);
            });
    });
    EXPECT_TRUE(all);
    EXPECT_EQ(running.fetcher.writing_requests(), 0u);
}

// What a node's driver starts lives on: it must not hold the port of an agent that is to start again.
TEST(RunCommand, InheritsNothingThatTheAgentHasOpen) {
    Server server([](const HttpRequest&) { return answer(200, "{}"); });
    Running running;
    const int ours = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_GT(ours, 2);
    const auto listed = running.run({.argv = {"ls", "-l", "/proc/self/fd"}});
    const auto reply = running.run(
        {.argv = {"/bin/sh", "-c", "test -e /proc/$$/fd/" + std::to_string(ours) + " && echo there || echo away"}});
    ::close(ours);
    ASSERT_TRUE(listed) << listed.error().message;
    EXPECT_EQ(listed->output.find("socket:"), std::string::npos) << listed->output;
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->output, "away\n");
}

TEST(RunCommand, GivesOutputErrorsAndExitCode) {
    Running running;
    const auto reply = running.run({.argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->exit_code, 3);
    EXPECT_EQ(reply->output, "out\n");
    EXPECT_EQ(reply->errors, "err\n");
}

TEST(RunCommand, AMissingProgramWasNotStarted) {
    Running running;
    const auto reply = running.run({.argv = {"/no/such/program"}});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
}

TEST(RunCommand, IsKilledWithItsChildrenAtItsDeadline) {
    Running running;
    const auto reply = running.run({.argv = {"sh", "-c", "sleep 300 & sleep 300"}, .timeout = Duration{200}});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown);
}

TEST(RunCommand, OutputIsBounded) {
    Running running;
    const auto reply = running.run({.argv = {"head", "-c", "1000000", "/dev/zero"}, .output_bytes_max = 1'000});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->output.size(), 1'000u);
    EXPECT_EQ(reply->exit_code, 0);
}

TEST(RunCommand, ALeftBehindDaemonDoesNotHoldIt) {
    Running running;
    const auto reply = running.run({.argv = {"sh", "-c", "echo up; exec setsid sleep 5 &"}});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->output, "up\n");
}

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
    std::promise<void> release;
    auto released = release.get_future().share();
    Server server(
        [released](const HttpRequest&) {
            released.wait();
            return answer(200, "");
        },
        1);
    Acting acting({.connect_urls = {server.url()}, .flink_urls = {}, .nodes = {}, .deployments = {}});
    const auto reply = acting.act(ResumeConnector{.connector = "x"}, "I1/1/1", Duration{200});
    release.set_value();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown);
    EXPECT_EQ(acting.act(AlterConfigs{}, "I1/1/2").error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace medic

#include "agent/world/real/real_world.h"

#include <gtest/gtest.h>

#include "agent/world/real/acting_internal.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_fake_internal.h"

namespace medic {
namespace {

using namespace world_test;

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

// Operations on nodes of other hosts, against a fake sidecar on loopback.
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "agent/base/test_folder_internal.h"
#include "agent/world/real/http_server.h"
#include "agent/world/real/real_world.h"

namespace medic {
namespace {

struct Acting : testing::Test {
    Acting() {
        folder.write("token", "0123456789abcdef-medic\n");
        server = HttpServer::start({}, [this](const HttpRequest& request) {
                     const std::lock_guard guard(mutex);
                     seen.push_back(request);
                     return answer;
                 }).value();
        const std::string url = "http://127.0.0.1:" + std::to_string(server->port());
        HttpFetcherOptions options;
        options.access.add("c", url, {.auth = {.bearer = {.file = (folder.path / "token").string()}}});
        fetcher = std::make_unique<HttpFetcher>(reactor, std::move(options));
        ClusterDoors doors{.name = "c", .sender = "s1"};
        doors.nodes["tm-1"] = {.commands = {}, .sidecar = url, .actions = {"status", "kill", "kill_task", "start"}};
        doors.nodes["gone"] = {.commands = {}, .sidecar = "http://127.0.0.1:1", .actions = {"kill"}};
        world = std::make_unique<RealWorld>(reactor, *fetcher, std::map<std::string, ClusterDoors>{{"c", doors}},
                                            [this](OperationReply reply) {
                                                const std::lock_guard guard(mutex);
                                                replies.push_back(std::move(reply));
                                                changed.notify_all();
                                            });
        io = std::thread([this] { reactor.run(); });
    }
    ~Acting() override {
        reactor.stop();
        io.join();
    }
    Result<std::string> act(OperationBody body, const std::string& key) {
        world->send(
            {.key = key, .cluster = "c", .body = std::move(body), .timeout = Duration{10'000}, .fencing_token = 7});
        std::unique_lock lock(mutex);
        const auto has = [&] { return !replies.empty() && replies.back().key == key; };
        if (!changed.wait_for(lock, std::chrono::seconds(30), has)) return fail(ErrorCode::internal, "no reply");
        return replies.back().detail;
    }

    TestFolder folder;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<HttpRequest> seen;
    std::vector<OperationReply> replies;
    HttpResponse answer{.status = 200, .body = R"({"schema":1,"outcome":"done","detail":"killed 7"})", .headers = {}};
    std::unique_ptr<HttpServer> server;
    Reactor reactor;
    std::unique_ptr<HttpFetcher> fetcher;
    std::unique_ptr<RealWorld> world;
    std::thread io;
};

TEST_F(Acting, TheSidecarGetsKeyTokenAndWhatToDo) {
    EXPECT_EQ(act(KillConnectorTask{.node = "tm-1", .connector = "o", .task = 2}, "I1/1/1").value_or("?"), "killed 7");
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].method + " " + seen[0].target, "POST /api/v1/nodes/tm-1/kill_task");
    EXPECT_EQ(seen[0].header("authorization"), "Bearer 0123456789abcdef-medic");
    EXPECT_EQ(
        seen[0].body,
        R"({"cluster":"c","fencing_token":7,"key":"s1/I1/1/1","timeout_ms":9000,"values":{"connector":"o","task":"2"}})");
}

TEST_F(Acting, WhatIsNotListedIsNotAskedFor) {
    EXPECT_EQ(act(StopNode{.node = "tm-1"}, "I1/1/1").error().code, ErrorCode::invalid);
    EXPECT_TRUE(seen.empty());
}

TEST_F(Acting, EachAnswerKeepsItsMeaning) {
    const auto code = [&](int status, const std::string& body, const std::string& key) {
        {
            const std::lock_guard guard(mutex);
            answer = {.status = status, .body = body, .headers = {}};
        }
        const auto reply = act(KillNode{.node = "tm-1"}, key);
        EXPECT_FALSE(reply);
        return reply ? ErrorCode::internal : reply.error().code;
    };
    const std::string why = R"({"schema":1,"error":"because"})";
    EXPECT_EQ(code(400, why, "1"), ErrorCode::invalid);
    EXPECT_EQ(code(401, why, "2"), ErrorCode::unavailable);
    EXPECT_EQ(code(404, why, "3"), ErrorCode::invalid);
    EXPECT_EQ(code(409, why, "4"), ErrorCode::not_ready);
    EXPECT_EQ(replies.back().detail.error().message, "POST /api/v1/nodes/tm-1/kill: HTTP status 409: because");
    EXPECT_EQ(code(500, why, "5"), ErrorCode::outcome_unknown);
    EXPECT_EQ(code(503, why, "6"), ErrorCode::unavailable);
    // Something else listens there.
    EXPECT_EQ(code(200, "<html>", "7"), ErrorCode::outcome_unknown);
    EXPECT_EQ(code(200, "{}", "8"), ErrorCode::outcome_unknown);
}

TEST_F(Acting, ASidecarThatIsNotThereWasToldNothing) {
    EXPECT_EQ(act(KillNode{.node = "gone"}, "I1/1/1").error().code, ErrorCode::unavailable);
}

TEST_F(Acting, NoMessageHoldsTheToken) {
    {
        const std::lock_guard guard(mutex);
        answer = {.status = 401, .body = "no", .headers = {}};
    }
    const auto reply = act(KillNode{.node = "tm-1"}, "I1/1/1");
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().message.find("0123456789abcdef"), std::string::npos);
}

}  // namespace
}  // namespace medic

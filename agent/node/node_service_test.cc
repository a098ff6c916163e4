// The sidecar without sockets: requests in, answers out; its commands are recorded instead of run.
#include "agent/node/node_service.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "agent/base/test_folder_internal.h"
#include "agent/collectors/node/node_document.h"

namespace medic {
namespace {

constexpr const char* token = "0123456789abcdef-medic";

struct Sidecar : testing::Test {
    Sidecar() {
        folder.write("tokens", std::string("medic ") + token + "\n");
        std::filesystem::permissions(folder.path / "tokens", std::filesystem::perms::owner_read);
        folder.write("proc/stat", "cpu  100 0 100 800 0 0 0 0\nbtime 1700000000\n");
        folder.write("proc/meminfo", "MemAvailable:  2000 kB\n");
        folder.write("proc/7/stat", "7 (java) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 500 999 10 0\n");
        config =
            load_config(
                "schema: 1\nscope: node\ndata_dir: d\napi: {token_file: " + (folder.path / "tokens").string() + R"(}
clusters:
  lab:
    nodes:
      - {name: tm-1, role: taskmanager, driver: {kind: command, status: [ctl], start: [start, "{node}", "{fencing_token}"], kill: [kill-it], threads: [jcmd, "{pid}", Thread.print]}}
      - {name: w, role: connect-worker, driver: {kind: command, status: [ctl], timeout: 5s, kill_task: [task, "{connector}", "{task}"], grow: [grow, "{log_dir}", "{bytes}"]}}
)",
                "node.yaml")
                .value();
        open();
    }
    void open() {
        service = std::make_unique<NodeService>(
            NodeService::Parts{.config = config,
                               .tokens = TokenFile::open(config.api_token_file).value(),
                               .book = OperationBook::open({.path = (folder.path / "operations.db").string()}).value(),
                               .run =
                                   [this](const CommandRequest& request) {
                                       {
                                           const std::lock_guard guard(mutex);
                                           ran.push_back(request);
                                       }
                                       return reply(request);
                                   },
                               .clock = [this] { return now; },
                               .proc = (folder.path / "proc").string()});
    }
    // A look in which tm-1 runs as process 7 and the worker can't be asked.
    void look() {
        for (const auto& due : service->due())
            service->answer(due.cluster, due.ask.node,
                            due.ask.node == "tm-1" ? Result<std::string>(R"({"pid": 7})")
                                                   : fail(ErrorCode::unavailable, "no such program"));
        service->look();
    }
    HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = "",
                     const std::string& with = token) {
        HttpRequest request{.method = method, .target = path, .path = path, .body = body};
        const auto mark = path.find('?');
        request.path = path.substr(0, mark);
        if (mark != std::string::npos) request.query = {{"cluster", path.substr(path.find('=') + 1)}};
        std::string part;
        for (const char c : request.path + "/") {
            if (c != '/') {
                part += c;
            } else if (!part.empty()) {
                request.segments.push_back(std::exchange(part, ""));
            }
        }
        if (!with.empty()) request.headers = {{"authorization", "Bearer " + with}};
        return service->handle(request);
    }
    HttpResponse order(const std::string& what, const std::string& key, int fence = 0, const std::string& more = "") {
        return ask("POST", "/api/v1/nodes/" + what,
                   R"({"cluster":"lab","key":")" + key + R"(","fencing_token":)" + std::to_string(fence) + more + "}");
    }

    TestFolder folder;
    Config config;
    Now now{Instant{Duration{50'000}}, {1'700'000'100'000}};
    std::mutex mutex;
    std::vector<CommandRequest> ran;
    std::function<Result<CommandReply>(const CommandRequest&)> reply = [](const CommandRequest&) {
        return CommandReply{.exit_code = 0, .output = "ok\n", .errors = ""};
    };
    std::unique_ptr<NodeService> service;
};

TEST_F(Sidecar, TellsWhatItSeesAndHowOldThatIs) {
    EXPECT_EQ(ask("GET", "/api/v1/nodes").status, 503);
    EXPECT_EQ(ask("GET", "/-/healthy", "", "").status, 503);
    look();
    now.monotonic += Duration{700};
    const auto answer = ask("GET", "/api/v1/nodes");
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto told = read_nodes_document(answer.body, "lab");
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(told->age, Duration{700});
    EXPECT_EQ(told->observation.outcome, ScrapeOutcome::partial);
    EXPECT_NE(told->observation.error.find("no such program"), std::string::npos);
    EXPECT_EQ(told->actions.at("tm-1"), (std::vector<std::string>{"start", "kill"}));
    EXPECT_EQ(ask("GET", "/api/v1/nodes?cluster=lab").status, 200);
    EXPECT_EQ(ask("GET", "/api/v1/nodes?cluster=prod").status, 404);
    EXPECT_EQ(ask("GET", "/-/healthy", "", "").status, 200);
    now.monotonic += Duration{10'000};
    EXPECT_EQ(ask("GET", "/-/healthy", "", "").status, 503);
}

TEST_F(Sidecar, NothingIsToldOrDoneWithoutAToken) {
    look();
    for (const std::string& with : {std::string(), std::string("0123456789abcdef-other"), std::string("x")}) {
        EXPECT_EQ(ask("GET", "/api/v1/nodes", "", with).status, 401);
        EXPECT_EQ(ask("GET", "/api/v1/nodes/tm-1/threads", "", with).status, 401);
        EXPECT_EQ(ask("POST", "/api/v1/nodes/tm-1/kill", R"({"key":"k","fencing_token":0})", with).status, 401);
    }
    EXPECT_TRUE(ran.empty());
    EXPECT_NE(ask("GET", "/metrics", "", "").body.find("medic_node_requests_refused_total 9"), std::string::npos);
}

TEST_F(Sidecar, RunsItsDriversCommandOnceForAKey) {
    const auto first = order("tm-1/start", "s/I1/1/1", 3);
    EXPECT_EQ(first.status, 200) << first.body;
    EXPECT_NE(first.body.find("\"detail\":\"ok\\n\""), std::string::npos);
    ASSERT_EQ(ran.size(), 1u);
    EXPECT_EQ(ran[0].argv, (std::vector<std::string>{"start", "tm-1", "3"}));
    EXPECT_EQ(order("tm-1/start", "s/I1/1/1", 3).body, first.body);
    open();  // A new process.
    EXPECT_EQ(order("tm-1/start", "s/I1/1/1", 3).body, first.body);
    EXPECT_EQ(ran.size(), 1u);
    EXPECT_EQ(order("tm-1/start", "s/I1/1/2", 3).status, 200);
    EXPECT_EQ(ran.size(), 2u);
    EXPECT_EQ(order("tm-1/kill", "s/I1/1/1", 3).status, 400);
}

TEST_F(Sidecar, TheOutcomeOfAnOperationThatADeathCutOffIsUnknown) {
    auto book = OperationBook::open({.path = (folder.path / "operations.db").string()}).value();
    ASSERT_TRUE(
        book.admit({.key = "s/I1/1/1", .cluster = "lab", .node = "tm-1", .action = "kill", .values = "{}"}, now.wall));
    const auto answer = order("tm-1/kill", "s/I1/1/1");
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_NE(answer.body.find("how it ended was not written down"), std::string::npos);
    EXPECT_TRUE(ran.empty());
}

TEST_F(Sidecar, OutcomesKeepTheirMeaningOverHttp) {
    reply = [](const CommandRequest&) {
        return CommandReply{.exit_code = 3, .output = "", .errors = "password=abc no room"};
    };
    const auto failed = order("tm-1/kill", "a");
    EXPECT_EQ(failed.status, 503);
    EXPECT_NE(failed.body.find("exit code 3"), std::string::npos);
    EXPECT_EQ(failed.body.find("abc"), std::string::npos);
    reply = [](const CommandRequest&) { return fail(ErrorCode::outcome_unknown, "not finished within 9 ms"); };
    EXPECT_EQ(order("tm-1/kill", "b").status, 500);
    reply = [](const CommandRequest&) { return fail(ErrorCode::unavailable, "could not be started"); };
    EXPECT_EQ(order("tm-1/kill", "c").status, 503);
    EXPECT_EQ(ran.size(), 3u);
    EXPECT_EQ(order("tm-1/kill", "b").status, 500);
    EXPECT_EQ(ran.size(), 3u);
}

TEST_F(Sidecar, AnAgentThatHasLostItsLeaseIsRefused) {
    EXPECT_EQ(order("tm-1/kill", "a", 5).status, 200);
    const auto old = order("tm-1/kill", "b", 4);
    EXPECT_EQ(old.status, 409);
    EXPECT_NE(old.body.find("another agent has taken over"), std::string::npos);
    EXPECT_EQ(order("tm-1/kill", "c").status, 409);
    EXPECT_EQ(ran.size(), 1u);
}

TEST_F(Sidecar, TheCommandEndsWhenTheOneWhoAskedStopsWaiting) {
    (void)order("tm-1/kill", "a", 0, R"(,"timeout_ms":900)");
    (void)order("tm-1/kill", "b", 0, R"(,"timeout_ms":99999999)");
    ASSERT_EQ(ran.size(), 2u);
    EXPECT_EQ(ran[0].timeout, Duration{900});
    EXPECT_EQ(ran[1].timeout, driver_takes_max);
    (void)order("w/kill_task", "c", 0, R"(,"timeout_ms":9000,"values":{"connector":"o","task":"3"})");
    EXPECT_EQ(ran.at(2).timeout, Duration{5'000});  // The driver's own.
}

TEST_F(Sidecar, ValuesFillPlaceholdersAndNothingElse) {
    EXPECT_EQ(order("w/kill_task", "a", 0, R"(,"values":{"connector":"o {task} $(id) --x","task":"3"})").status, 200);
    ASSERT_EQ(ran.size(), 1u);
    EXPECT_EQ(ran[0].argv, (std::vector<std::string>{"task", "o {task} $(id) --x", "3"}));
    EXPECT_EQ(order("w/grow", "b", 0, R"(,"values":{"log_dir":"/data","bytes":"1000"})").status, 200);
    for (const char* values :
         {R"({"connector":"o"})", R"({"connector":"o","task":"-1"})", R"({"connector":"","task":"1"})",
          R"({"connector":"a\u0000b","task":"1"})", R"({"connector":1,"task":"1"})",
          R"({"connector":"o","task":"1","node":"x"})", R"([])", R"(null)"})
        EXPECT_EQ(order("w/kill_task", "c", 0, std::string(R"(,"values":)") + values).status, 400) << values;
    EXPECT_EQ(order("tm-1/kill", "d", 0, R"(,"values":{"pid":"1"})").status, 400);
    EXPECT_EQ(ran.size(), 2u);
}

TEST_F(Sidecar, NoValueBecomesAnOptionOfTheCommand) {
    const HttpResponse refused = order("w/kill_task", "a", 0, R"(,"values":{"connector":"--all","task":"3"})");
    EXPECT_EQ(refused.status, 400);
    EXPECT_NE(refused.body.find("{connector}"), std::string::npos) << refused.body;
    EXPECT_NE(refused.body.find("option"), std::string::npos) << refused.body;
    EXPECT_TRUE(ran.empty());
    // Nothing was booked under that key.
    EXPECT_EQ(order("w/kill_task", "a", 0, R"(,"values":{"connector":"all--","task":"3"})").status, 200);
}

TEST_F(Sidecar, WhatItDoesNotHaveIsSaid) {
    EXPECT_EQ(order("tm-9/kill", "a").status, 404);
    EXPECT_EQ(order("tm-1/stop", "a").status, 400);
    EXPECT_EQ(order("tm-1/reboot", "a").status, 404);
    EXPECT_EQ(ask("GET", "/api/v1/nodes/tm-1/kill").status, 405);
    EXPECT_EQ(ask("POST", "/api/v1/nodes").status, 405);
    EXPECT_EQ(ask("GET", "/api/v1/incidents").status, 404);
    EXPECT_EQ(ask("GET", "/api/v1/nodes/tm-1").status, 404);
    EXPECT_EQ(ask("POST", "/api/v1/nodes/tm-1/kill", R"({"cluster":"prod","key":"a","fencing_token":0})").status, 400);
    EXPECT_TRUE(ran.empty());
}

TEST_F(Sidecar, HostileBodiesDoNothing) {
    const std::string deep(20'000, '[');
    const std::vector<std::string> bodies = {
        "",
        "null",
        "[]",
        "{",
        deep,
        R"({"key":"k"})",
        R"({"fencing_token":0})",
        R"({"key":1,"fencing_token":0})",
        R"({"key":"","fencing_token":0})",
        R"({"key":"k","fencing_token":-1})",
        R"({"key":"k","fencing_token":1.5})",
        R"({"key":"k","fencing_token":"1"})",
        R"({"key":"k","fencing_token":18446744073709551615})",
        R"({"key":"k\n","fencing_token":0})",
        R"({"key":"k","fencing_token":0,"cluster":[]})",
        R"({"key":"k","fencing_token":0,"timeout_ms":0})",
        R"({"key":"k","fencing_token":0,"timeout_ms":"9"})",
        "{\"key\":\"k\xff\",\"fencing_token\":0}",
        R"({"key":")" + std::string(300, 'k') + R"(","fencing_token":0})",
        R"({"key":"k","fencing_token":0,"cluster":)" + std::string(30'000, '[') + std::string(30'000, ']') + "}",
        R"({"key":"k","fencing_token":0,"x":")" + std::string(70'000, 'x') + "\"}"};
    for (const std::string& body : bodies)
        EXPECT_EQ(ask("POST", "/api/v1/nodes/tm-1/kill", body).status, 400) << body.substr(0, 80);
    EXPECT_TRUE(ran.empty());
}

TEST_F(Sidecar, TakesAThreadDumpOfTheProcessThatRuns) {
    EXPECT_EQ(ask("GET", "/api/v1/nodes/tm-1/threads").status, 409);
    look();
    reply = [](const CommandRequest&) {
        return CommandReply{.exit_code = 0, .output = "\"main\" waiting, password=abc\n", .errors = ""};
    };
    const auto dump = ask("GET", "/api/v1/nodes/tm-1/threads");
    EXPECT_EQ(dump.status, 200);
    EXPECT_NE(dump.body.find("\"main\" waiting"), std::string::npos);
    EXPECT_EQ(dump.body.find("abc"), std::string::npos);
    ASSERT_EQ(ran.size(), 1u);
    EXPECT_EQ(ran[0].argv, (std::vector<std::string>{"jcmd", "7", "Thread.print"}));
    EXPECT_EQ(ask("GET", "/api/v1/nodes/w/threads").status, 404);
    EXPECT_EQ(ask("GET", "/api/v1/nodes/x/threads").status, 404);
    reply = [](const CommandRequest&) {
        return CommandReply{.exit_code = 1, .output = "", .errors = "no such process"};
    };
    EXPECT_EQ(ask("GET", "/api/v1/nodes/tm-1/threads").status, 503);
    EXPECT_EQ(ask("POST", "/api/v1/nodes/tm-1/threads").status, 405);
}

TEST_F(Sidecar, WhileACommandRunsItsNodeIsBusyAndItsKeyUndecided) {
    std::condition_variable changed;
    bool begun = false, release = false;
    reply = [&](const CommandRequest&) {
        std::unique_lock lock(mutex);
        begun = true;
        changed.notify_all();
        changed.wait(lock, [&] { return release; });
        return CommandReply{.exit_code = 0, .output = "", .errors = ""};
    };
    HttpResponse slow;
    std::thread other([&] { slow = order("tm-1/start", "a"); });
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return begun; });
    }
    EXPECT_EQ(order("tm-1/start", "a").status, 500);
    EXPECT_EQ(order("tm-1/kill", "b").status, 503);
    EXPECT_EQ(ask("GET", "/-/healthy", "", "").status, 503);  // Answers, whatever runs.
    {
        const std::lock_guard guard(mutex);
        release = true;
    }
    changed.notify_all();
    other.join();
    EXPECT_EQ(slow.status, 200);
    EXPECT_EQ(order("tm-1/kill", "b").status, 200);
}

}  // namespace
}  // namespace medic

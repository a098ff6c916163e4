// What is done to Flink over its REST API: jobs cancelled, stopped, started and rescaled, versions asked about.
#include "agent/world/real/acting_internal.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

using namespace world_test;

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

}  // namespace
}  // namespace medic

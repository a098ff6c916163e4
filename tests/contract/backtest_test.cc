// `medic backtest` as a process, against a server that answers a Prometheus's range queries from made-up history: a
// task manager that was lost for ten minutes, a quiet twin, and a twin of which too little was recorded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "agent/backtest/fake_prometheus_internal.h"
#include "engine/common/process.h"

namespace medic {
namespace {

using namespace medic::engine;
using backtest::FakePrometheus;
using backtest::FlinkScene;
using nlohmann::json;
using testing::HasSubstr;

constexpr Duration patience{180'000};  // Generous: no figure is measured here.
const WallTime zero{1'790'000'010'000};
constexpr const char* an_hour_later = "2026-09-21T15:13:30Z";

struct Ran {
    int code = -1;
    std::string out, errors;
};

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Backtest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/medic-contract-XXXXXX";
        folder_ = mkdtemp(name);
    }
    void TearDown() override {
        if (server_) server_->stop();
        std::filesystem::remove_all(folder_);
    }

    void serve(FakePrometheus fake) {
        serve_with([fake = std::move(fake)](const HttpRequest& request) -> HttpResponse {
            if (request.path != "/api/v1/query_range") return {.status = 404, .body = "404 page not found"};
            const HttpAnswer answer = fake.answer(request.target);
            return {.status = answer.status, .body = answer.body, .content_type = answer.content_type};
        });
    }
    void serve_with(HttpHandler handler) {
        auto server = HttpServer::start({}, std::move(handler));
        ASSERT_TRUE(server) << server.error().message;
        server_ = *std::move(server);
    }
    [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }

    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ + "/" + name) << text;
        return folder_ + "/" + name;
    }

    Ran medic(const std::vector<std::string>& arguments) {
        std::string line = "exec '" MEDIC_BINARY_DIR "/medic' backtest";
        for (const std::string& one : arguments) line += " '" + one + "'";
        const std::string out = folder_ + "/out", errors = folder_ + "/errors";
        const auto child = spawn({.argv = {"/bin/sh", "-c", line + " >'" + out + "' 2>'" + errors + "'"},
                                  .log_file = folder_ + "/log",
                                  .fds = {},
                                  .environment = {},
                                  .working_directory = folder_});
        if (!child) return {-1, {}, child.error().message};
        std::optional<ProcessExit> ended;
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!(ended = reap(*child)) && std::chrono::steady_clock::now() < deadline) usleep(20'000);
        if (!ended) terminate(*child, Duration{1'000});
        return {ended ? ended->code : -1, text_of(out), text_of(errors)};
    }
    Ran hour(std::vector<std::string> more = {}) {
        std::vector<std::string> arguments = {"--prometheus", url(), "--since", "1h", "--until", an_hour_later};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return medic(arguments);
    }

    std::string folder_;
    std::unique_ptr<HttpServer> server_;
};

constexpr const char* three_nodes = R"(
schema: 1
data_dir: data
clusters:
  lab:
    nodes:
      - {name: tm-1, role: taskmanager, driver: {kind: command, start: ["true"], kill: ["true"], status: ["true"]}}
      - {name: tm-2, role: taskmanager, driver: {kind: command, start: ["true"], kill: ["true"], status: ["true"]}}
      - {name: tm-3, role: taskmanager, spare: true, driver: {kind: command, start: ["true"], kill: ["true"], status: ["true"]}}
    metrics:
      - {url: "http://tm-1:9249/metrics", kind: flink-taskmanager, node: tm-1}
      - {url: "http://tm-2:9249/metrics", kind: flink-taskmanager, node: tm-2}
    owners: {"owner:flink platform": team-flink}
)";

TEST_F(Backtest, ALostTaskManagerIsOneIncidentWithItsPlan) {
    serve(FlinkScene{}.recorded(zero));
    const std::string config = write("medic.yaml", three_nodes);
    const std::string alerts = write("alerts.json",
                                     R"([{"start": 1790001600, "end": 1790002100, "labels": {"alertname": "JobDown"}},
            {"start": 1790000100, "end": 1790000160, "labels": {"alertname": "NobodyKnows"}}])");
    const Ran ran = hour({"--config", config, "--alerts", alerts, "-o", "json"});
    ASSERT_EQ(ran.code, 1) << ran.out << ran.errors;
    const json told = json::parse(ran.out);
    ASSERT_EQ(told["incidents"].size(), 1U) << ran.out;
    const json& one = told["incidents"][0];
    EXPECT_EQ(one["cause"], "flink.taskmanager-lost");
    EXPECT_EQ(one["side"], "system");
    EXPECT_EQ(one["owner"], "team-flink");
    EXPECT_EQ(one["proposal"]["remedy"], "flink.replace-taskmanager");
    EXPECT_THAT(one["proposal"]["plan"].get<std::string>(), HasSubstr("start tm-3 from the warm pool"));
    EXPECT_FALSE(one["proposal"]["live_facts"].empty());
    EXPECT_NEAR(one["lasted_seconds"].get<double>(), 600, 90);
    EXPECT_EQ(one["alerts"], json::array({"JobDown"}));
    EXPECT_EQ(told["comparison"]["matched"], 1);
    EXPECT_EQ(told["comparison"]["missed"].size(), 1U);
    EXPECT_EQ(told["causes"][0]["count"], 1);
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/data")) << "nothing of the agent's may be made or touched";
    const Ran text = hour({"--config", config});
    EXPECT_EQ(text.code, 1);
    EXPECT_THAT(text.out, HasSubstr("would have been proposed: flink.replace-taskmanager"));
    EXPECT_THAT(text.errors, HasSubstr("h of history in"));
}

TEST_F(Backtest, AQuietHourHasNoIncident) {
    serve(FlinkScene{.lost = false}.recorded(zero));
    const Ran ran = hour();
    EXPECT_EQ(ran.code, 0) << ran.out << ran.errors;
    EXPECT_THAT(ran.out, HasSubstr("No incident, by the rules and analyzers that had data."));
    EXPECT_THAT(ran.out, HasSubstr("analyzer disk_forecast: "));
}

TEST_F(Backtest, WhatWasNotRecordedIsSaid) {
    FakePrometheus fake = FlinkScene{}.recorded(zero);
    fake.without("up").without("flink_jobmanager_numRegisteredTaskManagers");
    serve(std::move(fake));
    const Ran ran = hour();
    EXPECT_THAT(ran.out, testing::Not(HasSubstr("flink.taskmanager-lost")));
    EXPECT_THAT(ran.out, HasSubstr("rule FlinkTaskManagerMissing: flink_taskmanager_registered"));
    EXPECT_THAT(ran.out, HasSubstr("analyzer taskmanager_silence: "));
}

TEST_F(Backtest, NothingRecordedCannotTell) {
    serve(FakePrometheus(zero));
    const Ran ran = hour();
    EXPECT_EQ(ran.code, 2) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr("Nothing was recorded in this time: nothing can be told."));
}

TEST_F(Backtest, WrongAddressesAndArgumentsAreToldApart) {
    serve_with([](const HttpRequest&) -> HttpResponse {
        return {.body = "<!doctype html><html>login</html>", .content_type = "text/html"};
    });
    const Ran page = hour();
    EXPECT_EQ(page.code, 2);
    EXPECT_THAT(page.errors, HasSubstr("got an HTML page"));
    server_->stop();
    const Ran gone = hour();
    EXPECT_EQ(gone.code, 2);
    EXPECT_EQ(medic({}).code, 64);
    EXPECT_EQ(medic({"--prometheus", "ftp://x"}).code, 64);
    EXPECT_EQ(medic({"--prometheus", url(), "--since", "soon"}).code, 64);
    EXPECT_EQ(medic({"--prometheus", url(), "--until", "soon"}).code, 64);
    EXPECT_EQ(medic({"--prometheus", url(), "--step", "1ms"}).code, 64);
    EXPECT_EQ(medic({"--prometheus", url(), "--alerts", "missing.json"}).code, 64);
}

}  // namespace
}  // namespace medic

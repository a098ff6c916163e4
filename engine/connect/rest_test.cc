// The REST contract, against a herder whose task processes end at once (/bin/false): everything but a working task.
#include <unistd.h>

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/world/real/http_client.h"
#include "engine/common/signals.h"
#include "engine/connect/rest.h"

namespace medic::engine::connect {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class FakeOffsets final : public GroupOffsets {
public:
    PartitionOffsets offsets = {{{"a", 0}, 7}};
    bool members = false;

    Result<PartitionOffsets> read(const std::string& group, const std::vector<std::string>&) override {
        EXPECT_EQ(group, "connect-c");
        return offsets;
    }
    Status alter(const std::string&, const PartitionOffsets& next) override {
        if (members) return fail(ErrorCode::not_ready, "UNKNOWN_MEMBER_ID");
        for (const auto& [partition, offset] : next) offsets[partition] = offset;
        return {};
    }
    Status remove(const std::string&) override {
        offsets.clear();
        return {};
    }
};

// A herder that nobody supervises: what it wants is seen, and nothing is started.
std::unique_ptr<Herder> herder_of_two(const std::string& folder, Protocol protocol) {
    HerderOptions options;
    options.data_dir = folder;
    options.program = "/bin/false";
    options.protocol = protocol;
    auto herder = std::make_unique<Herder>(options);
    EXPECT_TRUE(herder->load());
    for (const char* name : {"a", "b"})
        EXPECT_TRUE(herder->put(name, {{"connector.class", "FileStreamSink"}, {"topics", "t"}, {"file", "/dev/null"}},
                                Herder::IfThere::refuse));
    return herder;
}

TEST(Rebalances, AreCountedAndStopAllThatRunsOnlyWhereTheyAreEager) {
    for (const auto& [protocol, starts] : {std::pair{Protocol::sessioned, 1U}, std::pair{Protocol::eager, 2U}}) {
        char name[] = "/tmp/medic-rebalance-XXXXXX";
        const std::string folder = mkdtemp(name);
        const auto herder = herder_of_two(folder, protocol);
        const auto before = herder->snapshot();
        const auto put = [&](const char* file) {
            return herder->put("a", {{"connector.class", "FileStreamSink"}, {"topics", "t"}, {"file", file}},
                               Herder::IfThere::update);
        };
        EXPECT_TRUE(put("/dev/zero"));
        EXPECT_EQ(herder->snapshot().rebalances, before.rebalances + 1);
        EXPECT_EQ(herder->snapshot().connector_starts, before.connector_starts + starts);
        EXPECT_TRUE(put("/dev/zero"));
        EXPECT_EQ(herder->snapshot().rebalances, before.rebalances + 1) << "nothing has changed";
        EXPECT_TRUE(herder->set_target("a", State::stopped));
        const auto stopped = herder->snapshot();
        EXPECT_TRUE(put("/dev/null"));
        EXPECT_EQ(herder->snapshot().rebalances, stopped.rebalances) << "of one that is stopped nobody hears";
        std::filesystem::remove_all(folder);
    }
}

class RestTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/medic-rest-XXXXXX";
        folder_ = mkdtemp(name);
        start();
    }
    void TearDown() override {
        stop();
        std::filesystem::remove_all(folder_);
    }

    void start() {
        HerderOptions options;
        options.worker_id = "127.0.0.1:8083";
        options.data_dir = folder_;
        options.program = "/bin/false";
        options.group_offsets = offsets_;
        herder_ = std::make_unique<Herder>(options);
        ASSERT_TRUE(herder_->load());
        thread_ = std::thread([this] {
            const StopSignal signal;
            herder_->run(signal);
        });
        HttpServerOptions http;
        http.handler_threads = 2;
        rest_ = *HttpServer::start(http, make_rest(*herder_, [] { return std::string("cluster-1"); }));
        page_ = *HttpServer::start({}, make_metrics_page(*herder_));
    }
    void stop() {
        herder_->stop();
        thread_.join();
        rest_.reset();
        page_.reset();
        herder_.reset();
    }

    HttpReply ask(const std::string& method, const std::string& target, const std::string& body = "") {
        HttpCall call;
        call.method = method;
        call.url = fmt::format("http://127.0.0.1:{}{}", rest_->port(), target);
        call.body = body;
        if (!body.empty()) call.headers = {{"content-type", "application/json"}};
        auto reply = client_.perform(call);
        EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
        return reply ? *std::move(reply) : HttpReply{};
    }
    json get(const std::string& target) { return json::parse(ask("GET", target).body); }
    void expect_refusal(const HttpReply& reply, int status, const std::string& message) {
        EXPECT_EQ(reply.status, status);
        const json body = json::parse(reply.body);
        EXPECT_EQ(body.at("error_code"), status);
        EXPECT_THAT(body.at("message").get<std::string>(), HasSubstr(message));
    }
    void wait_for_task_state(const std::string& state) {
        for (int i = 0; i < 5000; ++i) {
            if (get("/connectors/c/status")["tasks"][0]["state"] == state) return;
            usleep(2000);
        }
        ADD_FAILURE() << "task never " << state;
    }

    static constexpr const char* config_ =
        R"({"connector.class":"FileStreamSink","file":"/x","topics":"a,b","tasks.max":"1"})";
    std::string folder_;
    std::shared_ptr<FakeOffsets> offsets_ = std::make_shared<FakeOffsets>();
    std::unique_ptr<Herder> herder_;
    std::thread thread_;
    std::unique_ptr<HttpServer> rest_, page_;
    HttpClient client_;
};

TEST_F(RestTest, RootAndPlugins) {
    EXPECT_EQ(get("/"), (json{{"version", "3.9.1"}, {"commit", "medic-engine"}, {"kafka_cluster_id", "cluster-1"}}));
    EXPECT_EQ(get("/connector-plugins")[0], (json{{"class", "org.apache.kafka.connect.file.FileStreamSinkConnector"},
                                                  {"type", "sink"},
                                                  {"version", "3.9.1"}}));
    EXPECT_EQ(get("/connectors"), json::array());
    EXPECT_EQ(get("/health")["status"], "healthy");
}

TEST_F(RestTest, CreatesShowsUpdatesAndDeletes) {
    const auto made = ask("POST", "/connectors", fmt::format(R"({{"name":"c","config":{}}})", config_));
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(made.header("location"), "/connectors/c");
    json config = json::parse(config_);
    config["name"] = "c";
    const json info = {{"name", "c"},
                       {"config", config},
                       {"tasks", json::array({{{"connector", "c"}, {"task", 0}}})},
                       {"type", "sink"}};
    EXPECT_EQ(json::parse(made.body), info);
    EXPECT_EQ(get("/connectors/c"), info);
    EXPECT_EQ(get("/connectors/c/config"), config);
    EXPECT_EQ(get("/connectors"), json::array({"c"}));
    EXPECT_EQ(get("/connectors/c/tasks"),
              json::array({{{"id", {{"connector", "c"}, {"task", 0}}}, {"config", config}}}));
    expect_refusal(ask("POST", "/connectors", fmt::format(R"({{"name":"c","config":{}}})", config_)), 409,
                   "Connector c already exists");

    config["file"] = "/y";
    EXPECT_EQ(ask("PUT", "/connectors/c/config", config.dump()).status, 200);
    EXPECT_EQ(get("/connectors/c/config")["file"], "/y");
    EXPECT_EQ(ask("PUT", "/connectors/d/config", config_).status, 201);
    EXPECT_EQ(ask("DELETE", "/connectors/c").status, 204);
    expect_refusal(ask("GET", "/connectors/c"), 404, "Connector c not found");
    EXPECT_EQ(get("/connectors"), json::array({"d"}));
}

TEST_F(RestTest, ExpandsAllInOneCall) {
    ask("PUT", "/connectors/c/config", config_);
    wait_for_task_state("FAILED");
    const json all = get("/connectors?expand=status&expand=info");
    EXPECT_EQ(all["c"]["status"]["name"], "c");
    EXPECT_EQ(all["c"]["status"]["connector"], (json{{"state", "RUNNING"}, {"worker_id", "127.0.0.1:8083"}}));
    EXPECT_EQ(all["c"]["status"]["type"], "sink");
    EXPECT_EQ(all["c"]["status"]["tasks"][0]["id"], 0);
    EXPECT_THAT(all["c"]["status"]["tasks"][0]["trace"].get<std::string>(),
                HasSubstr("of task c-0 ended with exit code 1"));
    EXPECT_EQ(all["c"]["info"]["type"], "sink");
    EXPECT_FALSE(get("/connectors?expand=info")["c"].contains("status"));
}

TEST_F(RestTest, RefusesInConnectsWords) {
    expect_refusal(ask("PUT", "/connectors/c/config", R"({"connector.class":"FileStreamSink","topics":"a"})"), 400,
                   "Connector configuration is invalid and contains the following 1 error(s):\nMissing required "
                   "configuration \"file\"");
    expect_refusal(ask("PUT", "/connectors/c/config", "[]"), 400, "JSON object");
    expect_refusal(ask("PUT", "/connectors/c/config", "{"), 400, "JSON object");
    expect_refusal(ask("POST", "/connectors", R"({"name":"c"})"), 400, "config");
    expect_refusal(ask("POST", "/connectors", R"({"name":"c","config":{"name":"d"}})"), 400, "doesn't match");
    expect_refusal(ask("GET", "/connectors/none/status"), 404, "No status found for connector none");
    expect_refusal(ask("POST", "/connectors/none/restart"), 404, "Unknown connector: none");
    expect_refusal(ask("POST", "/connectors/none/tasks/0/restart"), 404, "Unknown connector: none");
    expect_refusal(ask("PUT", "/connectors/none/pause"), 404, "none");
    expect_refusal(ask("DELETE", "/connectors/none"), 404, "none");
    expect_refusal(ask("GET", "/connectors/none/tasks/0/status"), 404, "No status found for task none-0");
    expect_refusal(ask("GET", "/nothing"), 404, "HTTP 404 Not Found");
    expect_refusal(ask("PATCH", "/connectors"), 405, "HTTP 405 Method Not Allowed");
    ask("PUT", "/connectors/c/config", config_);
    expect_refusal(ask("POST", "/connectors/c/tasks/7/restart"), 404, "Unknown task: c-7");
    expect_refusal(ask("POST", "/connectors/c/tasks/x/restart"), 404, "HTTP 404");
    expect_refusal(ask("POST", "/connectors/c/pause"), 405, "405");
}

TEST_F(RestTest, RestartsAFailedTaskWithANewProcess) {
    ask("PUT", "/connectors/c/config", config_);
    wait_for_task_state("FAILED");
    const json before = get("/connectors/c/tasks/0/status")["trace"];
    EXPECT_EQ(ask("POST", "/connectors/c/tasks/0/restart").status, 204);
    wait_for_task_state("FAILED");
    EXPECT_NE(get("/connectors/c/tasks/0/status")["trace"], before);  // It names the new process.
    const auto plan = ask("POST", "/connectors/c/restart?includeTasks=true&onlyFailed=true");
    EXPECT_EQ(plan.status, 202);
    EXPECT_EQ(json::parse(plan.body)["tasks"][0]["state"], "RESTARTING");
    EXPECT_EQ(json::parse(plan.body)["connector"]["state"], "RUNNING");
    EXPECT_EQ(ask("POST", "/connectors/c/restart").status, 204);
}

TEST_F(RestTest, AStoppedConnectorHasNoTasksAndStaysStoppedAcrossARestartOfTheWorker) {
    ask("PUT", "/connectors/c/config", config_);
    EXPECT_EQ(ask("PUT", "/connectors/c/stop").status, 204);
    EXPECT_EQ(get("/connectors/c/status")["connector"]["state"], "STOPPED");
    EXPECT_EQ(get("/connectors/c/status")["tasks"], json::array());
    stop();
    start();
    EXPECT_EQ(get("/connectors/c/status")["connector"]["state"], "STOPPED");
    EXPECT_EQ(ask("PUT", "/connectors/c/resume").status, 202);
    EXPECT_EQ(get("/connectors/c/status")["tasks"].size(), 1u);
    EXPECT_EQ(ask("PUT", "/connectors/c/pause").status, 202);
    EXPECT_EQ(get("/connectors/c/status")["connector"]["state"], "PAUSED");
}

std::string offset_body(const std::string& partition, const std::string& offset) {
    return R"({"offsets":[{"partition":)" + partition + R"(,"offset":)" + offset + "}]}";
}
const std::string a_0 = R"({"kafka_topic":"a","kafka_partition":0})";

TEST_F(RestTest, OffsetsOfASinkAreShownAndAlteredWhileItIsStopped) {
    ask("PUT", "/connectors/c/config", config_);
    EXPECT_EQ(get("/connectors/c/offsets"), json::parse(offset_body(a_0, R"({"kafka_offset":7})")));
    const std::string eight = offset_body(a_0, R"({"kafka_offset":8})");
    expect_refusal(ask("PATCH", "/connectors/c/offsets", eight), 400,
                   "Connectors must be in the STOPPED state before their offsets can be modified");
    expect_refusal(ask("DELETE", "/connectors/c/offsets"), 400, "must be in the STOPPED state");
    EXPECT_EQ(ask("PUT", "/connectors/c/stop").status, 204);
    const auto altered = ask("PATCH", "/connectors/c/offsets", eight);
    EXPECT_EQ(altered.status, 200);
    EXPECT_EQ(json::parse(altered.body)["message"], "The offsets for this connector have been altered successfully");
    EXPECT_EQ(get("/connectors/c/offsets")["offsets"][0]["offset"]["kafka_offset"], 8);
    offsets_->members = true;
    expect_refusal(ask("PATCH", "/connectors/c/offsets", eight), 500, "tasks haven't stopped completely yet");
    offsets_->members = false;
    EXPECT_EQ(json::parse(ask("DELETE", "/connectors/c/offsets").body)["message"],
              "The offsets for this connector have been reset successfully");
    EXPECT_EQ(get("/connectors/c/offsets")["offsets"], json::array());
}

TEST_F(RestTest, OffsetsThatCannotBeReadAreRefusedInConnectsWords) {
    ask("PUT", "/connectors/c/config", config_);
    ask("PUT", "/connectors/c/stop");
    const auto refused = [&](const std::string& body, const std::string& message) {
        expect_refusal(ask("PATCH", "/connectors/c/offsets", body), 400, message);
    };
    refused(R"({"offsets":[]})", "Partitions / offsets need to be provided for an alter offsets request");
    refused("{", "Partitions / offsets need to be provided");
    refused(offset_body("null", R"({"kafka_offset":8})"), "partition for a sink connector offset cannot be null");
    refused(offset_body(R"({"kafka_topic":"a"})", R"({"kafka_offset":8})"), "'kafka_topic' and 'kafka_partition'");
    refused(offset_body(R"({"kafka_topic":"a","kafka_partition":"x"})", R"({"kafka_offset":8})"),
            "Partition values for sink connectors need to be integers");
    refused(offset_body(a_0, R"({"offset":8})"), "contain the key 'kafka_offset'");
    refused(offset_body(a_0, R"({"kafka_offset":-1})"), "Offset values for sink connectors need to be integers");
    expect_refusal(ask("GET", "/connectors/none/offsets"), 404, "Connector none not found");
    expect_refusal(ask("DELETE", "/connectors/none/offsets"), 404, "Connector none not found");
    expect_refusal(ask("PUT", "/connectors/c/offsets", offset_body(a_0, R"({"kafka_offset":8})")), 405, "405");
    EXPECT_EQ(offsets_->offsets.at({"a", 0}), 7);
}

TEST_F(RestTest, MetricsPageCountsWhatTheWorkerDid) {
    ask("PUT", "/connectors/c/config", config_);
    wait_for_task_state("FAILED");
    HttpCall call;
    call.url = fmt::format("http://127.0.0.1:{}/metrics", page_->port());
    const auto page = client_.perform(call);
    ASSERT_TRUE(page);
    EXPECT_THAT(page->body, HasSubstr("kafka_connect_worker_connector_count 1\n"));
    EXPECT_THAT(page->body, HasSubstr("kafka_connect_worker_task_startup_attempts 1\n"));
    EXPECT_THAT(page->body,
                HasSubstr("kafka_connect_connector_task_status{connector=\"c\",status=\"failed\",task=\"0\"} 1\n"));
    EXPECT_THAT(page->body, testing::Not(HasSubstr("sink_record_read")));  // Nobody measured it: absent, not 0.
}

}  // namespace
}  // namespace medic::engine::connect

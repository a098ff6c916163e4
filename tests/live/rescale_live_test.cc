// What Flink says to the agent's request to rescale its job in place: a platform that was brought up with --adaptive
// does it, any other refuses it and goes on. `make test-live` runs it on the latter.
#include "agent/world/real/http_client.h"
#include "tests/contract/one_operation.h"
#include "tests/live/live_internal.h"

namespace medic::live {
namespace {

using nlohmann::json;

constexpr auto patience = std::chrono::minutes(3);  // Nothing is measured here.

class Rescale : public ::testing::Test {
protected:
    void SetUp() override {
        if (data_folder().empty()) GTEST_SKIP() << "MEDIC_LIVE_DATA names no platform: run `make test-live`";
        const auto state = engine::lab::load_state(data_folder());
        ASSERT_TRUE(state) << state.error().message;
        for (const auto& process : state->plan.processes)
            if (process.role == engine::lab::Role::jobmanager && url_.empty())
                url_ = "http://127.0.0.1:" + std::to_string(process.ports.at("rest"));
        const json overview = get("/jobs/overview");
        for (const json& job : overview.at("jobs"))
            if (job.at("state") == "RUNNING") job_ = job.at("jid").get<std::string>();
        ASSERT_NE(job_, "") << "no job runs";
    }

    json get(const std::string& path) {
        const auto reply = client_.perform({.method = "GET", .url = url_ + path, .timeout = Duration(30'000)});
        return reply && reply->status == 200 ? json::parse(reply->body) : json();
    }
    bool adaptive() {
        for (const json& setting : get("/jobmanager/config"))
            if (setting.at("key") == "jobmanager.scheduler") return setting.at("value") == "adaptive";
        return false;
    }
    int parallelism() {
        int most = 0;
        const json job = get("/jobs/" + job_);
        for (const json& vertex : job.at("vertices")) most = std::max(most, vertex.at("parallelism").get<int>());
        return most;
    }
    std::string state() { return get("/jobs/" + job_).at("state").get<std::string>(); }
    bool becomes(int wanted) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < deadline) {
            if (parallelism() == wanted && state() == "RUNNING") return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(500));
        }
        return false;
    }
    Result<std::string> act(const std::string& key, const RescaleJob& what) {
        return contract::perform(
            {.name = "live", .connect_urls = {}, .flink_urls = {url_}, .nodes = {}, .deployments = {}}, key, what);
    }

    std::string url_, job_;
    HttpClient client_;
};

TEST_F(Rescale, NarrowerAndAsItWasOrRefused) {
    const int before = parallelism();
    if (!adaptive()) {
        const auto refused = act("I1/1/1", {.job_id = job_, .from = before, .to = before + 1});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::invalid) << refused.error().message;
        EXPECT_EQ(parallelism(), before);
        EXPECT_EQ(state(), "RUNNING");
        return;
    }
    ASSERT_GT(before, 1) << "the job has one subtask: it can't be made narrower";
    const auto narrower = act("I1/1/1", {.job_id = job_, .from = before, .to = before - 1});
    ASSERT_TRUE(narrower) << narrower.error().message;
    ASSERT_TRUE(becomes(before - 1));
    EXPECT_EQ(act("I1/1/2", {.job_id = job_, .from = before, .to = before - 1}).value_or("?"),
              "it has that parallelism already");
    EXPECT_EQ(act("I1/1/3", {.job_id = job_, .from = before + 7, .to = before + 8}).error().code, ErrorCode::outdated);
    ASSERT_TRUE(act("I1/1/4", {.job_id = job_, .from = before - 1, .to = before}));
    EXPECT_TRUE(becomes(before));
}

}  // namespace
}  // namespace medic::live

// A job is rescaled while it goes on, under the adaptive scheduler alone: through REST as Flink has it, and through the
// agent's own operation.
#include "tests/contract/flow_scene.h"
#include "tests/contract/one_operation.h"

namespace medic {
namespace {

using namespace medic::contract;

class Rescale : public FlowContract {
protected:
    json requirements(const std::string& job) { return get("/jobs/" + job + "/resource-requirements"); }
    int parallelism(const std::string& job) {
        int most = 0;
        for (const json& vertex : get("/jobs/" + job).value("vertices", json::array()))
            most = std::max(most, vertex.value("parallelism", 0));
        return most;
    }
    int put(const std::string& job, const json& body) {
        const auto reply = ask("PUT", rest_port_, "/jobs/" + job + "/resource-requirements", body);
        return reply ? reply->status : 0;
    }
    // The agent's own operation.
    Result<std::string> act(const std::string& key, const RescaleJob& what) {
        return perform({.name = "c",
                        .connect_urls = {},
                        .flink_urls = {fmt::format("http://127.0.0.1:{}", rest_port_)},
                        .nodes = {},
                        .deployments = {}},
                       key, what);
    }
};

class Adaptive : public Rescale {
protected:
    Adaptive() { scheduler_ = "Adaptive"; }
};

TEST_F(Adaptive, AJobGetsMoreSubtasksAndFewerAndNothingIsLostOrDoubled) {
    const std::string job = run({"--rate", "4000"}, {{"parallelism", 1}});
    wait_until("some checkpoints are complete", [&] { return completed(job) >= 2; });
    EXPECT_EQ(parallelism(job), 1);
    const auto wider = act("I1/1/1", {.job_id = job, .from = 1, .to = 2});
    ASSERT_TRUE(wider) << wider.error().message;
    wait_until("it has two", [&] { return parallelism(job) == 2 && state(job) == "RUNNING"; });
    EXPECT_EQ(act("I1/1/2", {.job_id = job, .from = 1, .to = 2}).value_or("?"), "it has that parallelism already");
    EXPECT_EQ(act("I1/1/3", {.job_id = job, .from = 5, .to = 6}).error().code, ErrorCode::outdated);
    int before = completed(job);
    wait_until("it makes checkpoints", [&] { return completed(job) >= before + 2; });
    ASSERT_TRUE(act("I1/1/4", {.job_id = job, .from = 2, .to = 1}));
    wait_until("it has one", [&] { return parallelism(job) == 1 && state(job) == "RUNNING"; });
    before = completed(job);
    wait_until("it makes checkpoints again", [&] { return completed(job) >= before + 2; });
    expect_exactly_once_from(stop(job));
    EXPECT_TRUE(get("/jobs/" + job + "/exceptions").at("exceptionHistory").at("entries").empty());
}

TEST_F(Adaptive, WithoutSlotsItRunsOnAsItIs) {
    const std::string job = run({"--rate", "2000"});
    wait_until("some checkpoints are complete", [&] { return completed(job) >= 2; });
    ASSERT_TRUE(act("I1/1/1", {.job_id = job, .from = 2, .to = 3}));
    const int before = completed(job);
    wait_until("it goes on", [&] { return completed(job) >= before + 3; });
    EXPECT_EQ(parallelism(job), 2);
    ASSERT_TRUE(ask("POST", control_ports_["tm-3"], "/activate"));
    wait_until("it has three", [&] { return parallelism(job) == 3 && state(job) == "RUNNING"; });
    ASSERT_TRUE(ask("PATCH", rest_port_, "/jobs/" + job + "?mode=cancel"));
}

TEST_F(Adaptive, WhatIsNotACompleteRequestIsRefused) {
    const std::string job = run({"--rate", "2000"}, {{"parallelism", 1}});
    const json now = requirements(job);
    ASSERT_FALSE(now.empty());
    EXPECT_EQ(put(job, json::object()), 400);
    EXPECT_EQ(put("none", now), 404);
    json part = now;
    part.erase(part.begin());
    EXPECT_EQ(put(job, part), 400);
    json changed = now;
    changed.begin().value() = {{"parallelism", {{"lowerBound", 3}, {"upperBound", 2}}}};
    EXPECT_EQ(put(job, changed), 400);
    EXPECT_EQ(put(job, now), 200);
    EXPECT_EQ(requirements(job), now);
}

TEST_F(Rescale, AnotherSchedulerCannot) {
    const std::string job = run({"--rate", "2000"}, {{"parallelism", 1}});
    wait_until("it runs", [&] { return state(job) == "RUNNING"; });
    EXPECT_TRUE(requirements(job).empty());
    const auto refused = act("I1/1/1", {.job_id = job, .from = 1, .to = 2});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
    EXPECT_EQ(parallelism(job), 1);
}

}  // namespace
}  // namespace medic

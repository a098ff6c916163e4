// What is asked of a job because of the state that it is in: its end, and how wide it may become while it runs.
#include <gtest/gtest.h>

#include "agent/collectors/flink/flink.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::look;
using recorded::ok;

// A job that ends with a savepoint, at a job manager that answers from its cache for 3 s.
class EndingFlink : public testing::Test {
protected:
    Observation look_at(int second) {
        checkpoint_asks = 0;
        return look(collector_, {second * 1'000}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (url.ends_with("/jobs/overview"))
                return ok(R"({"jobs":[{"jid":"a","name":"j","state":")" + state + R"(","start-time":1000}]})");
            if (!url.ends_with("/checkpoints")) return ok("{}");
            ++checkpoint_asks;
            if (!answers) return fail(ErrorCode::unavailable, "time-out");
            return ok(R"({"latest":{"savepoint":{"id":3,"external_path":")" + savepoint + R"("}},"history":[]})");
        });
    }
    std::string savepoint_at(int second) {
        return look_at(second).attributes.at({"c", "job", "j"}).at("savepoint_path");
    }
    FlinkCollector collector_{{.cluster = "c", .url = "http://jm", .target = "c/flink"}};
    std::string state = "RUNNING", savepoint = "file:/sp/nightly";
    bool answers = true;
    int checkpoint_asks = 0;
};

TEST_F(EndingFlink, IsAskedUntilItsAnswerIsOfTheEnd) {
    EXPECT_EQ(savepoint_at(10), "file:/sp/nightly");
    state = "FINISHED";
    EXPECT_EQ(savepoint_at(15), "file:/sp/nightly") << "as it was kept from before the end";
    savepoint = "file:/sp/of-the-stop";
    EXPECT_EQ(savepoint_at(20), "file:/sp/of-the-stop");
    EXPECT_EQ(savepoint_at(25), "file:/sp/of-the-stop");
    EXPECT_EQ(checkpoint_asks, 0) << "nothing new comes of a job that has ended";
}

TEST_F(EndingFlink, IsAskedEverySecondUntilThen) {
    state = "FINISHED";
    for (int second = 10; second <= 15; ++second) {
        (void)look_at(second);
        EXPECT_EQ(checkpoint_asks, 1) << second;
    }
    (void)look_at(16);
    EXPECT_EQ(checkpoint_asks, 0);
}

TEST_F(EndingFlink, IsAskedAgainWhereItGaveNoAnswerButNotForEver) {
    state = "FINISHED";
    answers = false;
    int asks = 0;
    for (int second = 10; second < 210; second += 5) {
        (void)look_at(second);
        asks += checkpoint_asks;
    }
    EXPECT_EQ(asks, 20);
    state = "RUNNING";
    answers = true;
    (void)look_at(210);
    EXPECT_EQ(checkpoint_asks, 1);
}

class AdaptiveFlink : public testing::Test {
protected:
    std::string bounds_at(int second) {
        const auto seen = look(collector_, {second * 1'000}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (url.ends_with("/jobs/overview"))
                return ok(R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1000}]})");
            if (url.ends_with("/jobmanager/config"))
                return ok(R"([{"key":"jobmanager.scheduler","value":")" + scheduler + R"("}])");
            if (!url.ends_with("/resource-requirements")) return ok("{}");
            ++asks;
            if (requirements.empty()) return HttpAnswer{500, "application/json", "{}"};
            return ok(requirements);
        });
        const auto& job = seen.attributes.at({"c", "job", "j"});
        const auto found = job.find("parallelism_bounds");
        return found == job.end() ? "" : found->second;
    }
    FlinkCollector collector_{{.cluster = "c", .url = "http://jm", .target = "c/flink"}};
    std::string scheduler = "adaptive";
    std::string requirements = R"({"b":{"parallelism":{"lowerBound":1,"upperBound":1}},)"
                               R"("a":{"parallelism":{"lowerBound":1,"upperBound":4}}})";
    int asks = 0;
};

TEST_F(AdaptiveFlink, TellsHowWideEachVertexMayBe) {
    (void)bounds_at(5);  // Only now it is known how it schedules.
    EXPECT_EQ(bounds_at(10), "4,1");
    requirements = R"({"a":{"parallelism":{"upperBound":8}},"b":{"parallelism":{"upperBound":1}}})";
    EXPECT_EQ(bounds_at(15), "8,1");
}

TEST_F(AdaptiveFlink, ThatDoesNotAnswerTellsNothingOfBefore) {
    (void)bounds_at(5);
    EXPECT_EQ(bounds_at(10), "4,1");
    for (const char* silent : {"", "[]", R"({"a":{"parallelism":{}},"b":{"parallelism":{"upperBound":1}}})"}) {
        requirements = silent;
        EXPECT_EQ(bounds_at(asks * 100), "") << silent;
    }
}

TEST_F(AdaptiveFlink, UnderAnotherSchedulerIsNotAsked) {
    scheduler = "default";
    for (const int second : {5, 10, 15}) EXPECT_EQ(bounds_at(second), "");
    EXPECT_EQ(asks, 0);
}

}  // namespace
}  // namespace medic

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "agent/collectors/flink/flink.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::count;
using recorded::look;
using recorded::ok;
using recorded::value;

constexpr const char* busy = R"(flink_subtask_busy_ratio{cluster="c",job="j",subtask="0",vertex="v"})";
constexpr const char* backpressured =
    R"(flink_subtask_backpressured_ratio{cluster="c",job="j",subtask="0",vertex="v"})";

// A job of one subtask, whose counts of time are set by hand; Flink's own mean of the last minute lags behind: 0.25.
class CountedTimes : public testing::Test {
protected:
    Observation look_at(int second) {
        return look(collector_, {second * 1'000}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (url.ends_with("/jobs/overview"))
                return ok(R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1000}]})");
            if (url.ends_with("/jobs/a")) return ok(R"({"vertices":[{"id":"v","name":"v","parallelism":1}]})");
            if (url.ends_with("/vertices/v"))
                return ok(fmt::format(
                    R"({{"subtasks":[{{"subtask":0,"status":"RUNNING","attempt":{},"metrics":{{"accumulated-busy-time":{},)"
                    R"("accumulated-idle-time":{},"accumulated-backpressured-time":{}}}}}]}})",
                    attempt_, busy_ms_, idle_ms_, backpressured_ms_));
            if (url.ends_with("/backpressure")) {
                ++rates_asked_;
                return ok(
                    R"({"status":"ok","subtasks":[{"subtask":0,"ratio":0.0,"busyRatio":0.25,"idleRatio":0.75}]})");
            }
            return ok("{}");
        });
    }

    FlinkCollector collector_{{.cluster = "c", .url = "http://jm", .target = "c/flink"}};
    int attempt_ = 0, rates_asked_ = 0;
    std::string busy_ms_ = "10000.0";
    int idle_ms_ = 50'000, backpressured_ms_ = 0;
};

TEST_F(CountedTimes, AreExactBetweenTwoAnswersAndNeedNoOtherQuestion) {
    EXPECT_EQ(value(look_at(10), busy), 0.25) << "until there are two counts";
    busy_ms_ = "19000.0", idle_ms_ = 50'500, backpressured_ms_ = 500;
    rates_asked_ = 0;
    const auto seen = look_at(20);
    EXPECT_EQ(value(seen, busy), 0.9);
    EXPECT_EQ(value(seen, backpressured), 0.05);
    EXPECT_EQ(count(seen, "flink_subtask_busy_ratio"), 1u);
    EXPECT_EQ(value(look_at(25), busy), 0.9) << "Flink has fetched nothing newer";
    EXPECT_EQ(rates_asked_, 0);
}

TEST_F(CountedTimes, OfAnotherAttemptBeginAnew) {
    (void)look_at(10);
    busy_ms_ = "19000.0", idle_ms_ = 51'000;
    EXPECT_EQ(value(look_at(20), busy), 0.9);
    attempt_ = 1, busy_ms_ = "20000.0";
    EXPECT_EQ(value(look_at(30), busy), 0.25);
    busy_ms_ = "500.0", idle_ms_ = 1'500;
    EXPECT_EQ(value(look_at(40), busy), 0.25) << "fewer than before: not the same count";
}

TEST_F(CountedTimes, ThatStandStillAreNotOfNow) {
    (void)look_at(10);
    busy_ms_ = "19000.0", idle_ms_ = 51'000;
    EXPECT_EQ(value(look_at(20), busy), 0.9);
    EXPECT_EQ(value(look_at(50), busy), 0.9);
    EXPECT_EQ(value(look_at(51), busy), 0.25) << "what Flink says of it";
}

TEST_F(CountedTimes, AreNotKnownOfAnOldSourceOrBeforeTheFirstFetch) {
    busy_ms_ = R"("NaN")";
    (void)look_at(10);
    idle_ms_ = 60'000;
    EXPECT_EQ(value(look_at(20), busy), 0.25);
    busy_ms_ = "0.0", idle_ms_ = 0;
    (void)look_at(30);
    busy_ms_ = "9000.0", idle_ms_ = 1'000;
    EXPECT_EQ(value(look_at(40), busy), 0.25) << "a whole life is no share of the last seconds";
}

}  // namespace
}  // namespace medic

#include "agent/collectors/flink/standing_tasks_internal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/collectors/flink/flink.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::look;
using recorded::ok;

// A job of one subtask that is busy all the time; what it has put out is set by hand.
class StandingTask : public testing::Test {
protected:
    std::vector<Event> dumps_at(int second) {
        const auto seen =
            look(collector_, {ahead_ms_ + second * 1'000}, [&](const std::string& url) -> Result<HttpAnswer> {
                if (url.ends_with("/jobs/overview"))
                    return ok(R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1000}]})");
                if (url.ends_with("/jobs/a"))
                    return ok(fmt::format(
                        R"({{"vertices":[{{"id":"v","name":"parse","parallelism":1,"metrics":[{}]}}]}})", second));
                if (url.ends_with("/vertices/v"))
                    return ok(fmt::format(
                        R"({{"subtasks":[{{"subtask":0,"status":"RUNNING","attempt":0,"taskmanager-id":"tm-1","metrics":)"
                        R"({{"read-records":0,"write-records":{},"accumulated-busy-time":{},"accumulated-idle-time":{},)"
                        R"("accumulated-backpressured-time":0}}}}]}})",
                        written_, second * (busy_ ? 1'000 : 300), second * (busy_ ? 10 : 700)));
                if (url.ends_with("/taskmanagers/tm-1/thread-dump")) {
                    ++asked_;
                    return dump_;
                }
                return ok("{}");
            });
        std::vector<Event> dumps;
        for (const Event& event : seen.events)
            if (event.kind == "thread-dump") dumps.push_back(event);
        return dumps;
    }
    // Looks every five seconds; the dumps of the last one.
    std::vector<Event> dumps_until(int second) {
        std::vector<Event> dumps;
        for (; at_ <= second; at_ += 5) dumps = dumps_at(at_);
        return dumps;
    }

    FlinkCollector collector_{{.cluster = "c", .url = "http://jm", .target = "c/flink"}};
    Result<HttpAnswer> dump_ = ok(
        R"x({"threadInfos":[{"threadName":"parse (1/10)#0","stringifiedThreadInfo":"another"},)x"
        R"x({"threadName":"parse (1/1)#3","stringifiedThreadInfo":"\"parse (1/1)#3\" Id=7 RUNNABLE\n\tat a.B.c(B.java:1)\n"}]})x");
    int written_ = 500, asked_ = 0, at_ = 5;
    std::int64_t ahead_ms_ = 0;  // The agent's clock.
    bool busy_ = true;
};

TEST_F(StandingTask, ItsThreadIsAskedForEveryFifteenSecondsAndTold) {
    EXPECT_TRUE(dumps_until(15).empty());
    const auto dumps = dumps_until(20);
    ASSERT_EQ(dumps.size(), 1U);
    EXPECT_EQ(dumps[0].subject, (Subject{"c", "job", "j"}));
    EXPECT_EQ(dumps[0].text, "\"parse (1/1)#3\" Id=7 RUNNABLE\n\tat a.B.c(B.java:1)\n");
    EXPECT_EQ(dumps[0].fields.at("state"), "RUNNABLE");
    EXPECT_EQ(dumps[0].fields.at("taskmanager"), "tm-1");
    (void)dumps_until(30);
    EXPECT_EQ(asked_, 1);
    EXPECT_EQ(dumps_until(35).size(), 1U);
    EXPECT_EQ(asked_, 2);
}

TEST_F(StandingTask, NoDumpWaitsForAClockThatWasSetBack) {
    ahead_ms_ = 3'600'000;
    (void)dumps_until(20);
    EXPECT_EQ(asked_, 1);
    ahead_ms_ = 0;
    ++written_;
    (void)dumps_until(60);
    EXPECT_GT(asked_, 1);
}

TEST_F(StandingTask, WhoMovesOrRestsOrHasNeverMovedIsNotAskedAbout) {
    for (; at_ <= 60; at_ += 5) {
        written_ += at_ % 10 == 0 ? 900 : 0;
        (void)dumps_at(at_);
    }
    EXPECT_EQ(asked_, 0) << "Flink fetches counts every ten seconds";
    written_ = 0;
    (void)dumps_until(120);
    EXPECT_EQ(asked_, 0) << "it may have nothing to do";
}

TEST_F(StandingTask, OneThatIsIdleIsNotAskedAbout) {
    busy_ = false;
    (void)dumps_until(60);
    EXPECT_EQ(asked_, 0);
}

TEST_F(StandingTask, ADumpThatFailsOrLacksTheThreadTellsNothing) {
    dump_ = fail(ErrorCode::unavailable, "Ask timed out");
    EXPECT_TRUE(dumps_until(20).empty());
    dump_ = ok(R"({"threadInfos":[{"threadName":"other (1/1)#0","stringifiedThreadInfo":"x"}]})");
    EXPECT_TRUE(dumps_until(60).empty());
    EXPECT_GT(asked_, 1);
}

}  // namespace
}  // namespace medic

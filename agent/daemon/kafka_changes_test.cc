// Changes of a Kafka cluster: none is sent once its time is over, and no cluster waits for another one.
#include "agent/daemon/kafka_changes.h"

#include <atomic>
#include <latch>

#include <gtest/gtest.h>

namespace medic {
namespace {

constexpr Duration start{100'000};

Operation operation(const std::string& key, Duration timeout) {
    return {.key = key, .cluster = "lab", .body = RemoveGroupMembers{}, .timeout = timeout};
}

struct Told {
    Result<std::string> result = fail(ErrorCode::internal, "nothing was told");
    KafkaChanges::Done done() {
        return [this](Result<std::string> told) { result = std::move(told); };
    }
};

class Changes : public testing::Test {
protected:
    TimeLeft::Clock clock() {
        return [this] { return Instant(Duration{now_ms.load()}); };
    }

    std::atomic<std::int64_t> now_ms = start.count();
    std::vector<std::string> sent;  // On the changes' thread; read when that has ended.
};

// What was told as unknown meanwhile is tried again, or a person has paused: then it must not leave after all.
TEST_F(Changes, ThatHaveWaitedForLongerThanTheyMayTakeAreNeverSent) {
    std::latch all_wait(1);
    std::vector<Duration> given;
    KafkaChanges changes(
        [&](const Operation& one, const TimeLeft& time) -> Result<std::string> {
            sent.push_back(one.key);
            given.push_back(time.for_next_call().value_or(Duration{0}));
            if (one.key != "hangs") return "changed";
            all_wait.wait();
            now_ms += 20'000;
            return fail(ErrorCode::outcome_unknown, "no answer");
        },
        clock());
    Told hangs, late, in_time;
    changes.send(operation("hangs", Duration{20'000}), hangs.done());
    changes.send(operation("late", Duration{5'000}), late.done());
    changes.send(operation("in time", Duration{30'000}), in_time.done());
    all_wait.count_down();
    changes.stop();
    EXPECT_EQ(sent, (std::vector<std::string>{"hangs", "in time"}));
    EXPECT_EQ(given, (std::vector<Duration>{Duration{20'000}, Duration{10'000}})) << "what it waited is gone";
    ASSERT_FALSE(late.result);
    EXPECT_EQ(late.result.error().code, ErrorCode::not_ready);
    EXPECT_NE(late.result.error().message.find("not sent: it waited too long"), std::string::npos);
    EXPECT_EQ(in_time.result.value_or(""), "changed");
}

TEST_F(Changes, OfOneClusterDoNotWaitForAnother) {
    std::latch other_is_done(1);
    KafkaChanges hanging(
        [&](const Operation&, const TimeLeft&) -> Result<std::string> {
            other_is_done.wait();
            return "at last";
        },
        clock());
    KafkaChanges other([](const Operation&, const TimeLeft&) -> Result<std::string> { return "changed"; }, clock());
    Told told;
    hanging.send(operation("hangs", Duration{5'000}), told.done());
    other.send(operation("other", Duration{5'000}), [&](const Result<std::string>&) { other_is_done.count_down(); });
    hanging.stop();
    EXPECT_EQ(told.result.value_or(""), "at last");
}

TEST_F(Changes, AreRefusedWhenNobodyTakesThemAnyMore) {
    KafkaChanges changes([](const Operation&, const TimeLeft&) -> Result<std::string> { return "changed"; }, clock());
    changes.stop();
    Told told;
    changes.send(operation("late", Duration{5'000}), told.done());
    ASSERT_FALSE(told.result);
    EXPECT_EQ(told.result.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace medic

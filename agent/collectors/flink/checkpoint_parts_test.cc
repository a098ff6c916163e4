// What is asked about a slow checkpoint, and what its subtasks' answers become. Shapes as Flink 1.20 and 2.0 give them.
#include <gtest/gtest.h>

#include "agent/collectors/flink/flink.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::look;
using recorded::ok;

struct Shown {
    std::string checkpoint = R"({"id":7,"status":"COMPLETED","is_savepoint":false,"trigger_timestamp":1000000,
        "latest_ack_timestamp":1040000,"end_to_end_duration":40000})";
    std::string subtasks =
        R"([{"index":0,"status":"completed","ack_timestamp":1001000,"end_to_end_duration":1000,"checkpointed_size":100,
             "checkpoint":{"sync":5,"async":20},"alignment":{"buffered":0,"duration":10},"start_delay":900},
            {"index":1,"status":"completed","ack_timestamp":1040000,"end_to_end_duration":40000,"checkpointed_size":900,
             "checkpoint":{"sync":5,"async":39000},"alignment":{"buffered":0,"duration":30},"start_delay":-1},
            {"index":2,"status":"pending_or_failed"}])";
    std::string lasts;  // Of the job's entry in the list: more members.
};

struct Asked {
    std::vector<Event> parts;
    std::size_t details = 0;
    ScrapeOutcome outcome = ScrapeOutcome::failed;
};

Asked watch(FlinkCollector& collector, WallTime at, const Shown& shown) {
    Asked asked;
    const auto seen = look(collector, at, [&](const std::string& url) -> Result<HttpAnswer> {
        const auto ends = [&](std::string_view tail) { return url.ends_with(tail); };
        if (ends("/jobs/overview"))
            return ok(R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1)" + shown.lasts + "}]}");
        if (ends("/taskmanagers")) return ok(R"({"taskmanagers":[]})");
        if (ends("/jobs/a"))
            return ok(
                R"({"vertices":[{"id":"v1","name":"count","parallelism":3},{"id":"v2","name":"sink","parallelism":3}]})");
        if (ends("/exceptions?maxExceptions=20")) return ok(R"({"exceptionHistory":{"entries":[]}})");
        if (ends("/checkpoints")) return ok(R"({"counts":{},"history":[)" + shown.checkpoint + "]}");
        if (url.find("/details/") != std::string::npos && !ends("/v1") && !ends("/v2")) {
            ++asked.details;
            return ok(
                R"({"id":7,"tasks":{"v1":{"num_subtasks":3,"num_acknowledged_subtasks":2,"end_to_end_duration":40000},
                "v2":{"num_subtasks":3,"num_acknowledged_subtasks":3,"end_to_end_duration":300}}})");
        }
        if (ends("/subtasks/v1")) return ok(R"({"subtasks":)" + shown.subtasks + "}");
        if (ends("/subtasks/v2")) return HttpAnswer{500, "application/json", "{}"};
        return HttpAnswer{404, "application/json", "{}"};
    });
    asked.outcome = seen.outcome;
    for (const Event& event : seen.events)
        if (event.kind == "checkpoint-parts") asked.parts.push_back(event);
    return asked;
}

TEST(CheckpointParts, SlowestSubtaskAndTheMedianOfItsSiblings) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto seen = watch(collector, {1'050'000}, {});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << "a detail that fails leaves the look complete";
    ASSERT_EQ(seen.parts.size(), 1u);
    const auto& fields = seen.parts[0].fields;
    EXPECT_EQ(seen.parts[0].subject, (Subject{"c", "job", "j"}));
    EXPECT_EQ(fields.at("vertex"), "count");
    EXPECT_EQ(fields.at("checkpoint"), "7");
    EXPECT_EQ(fields.at("duration_ms"), "40000");
    EXPECT_EQ(fields.at("slowest"), "1");
    EXPECT_EQ(fields.at("async_ms"), "39000");
    EXPECT_EQ(fields.at("usual_async_ms"), "20");
    EXPECT_EQ(fields.at("state_bytes"), "900");
    EXPECT_FALSE(fields.contains("start_delay_ms")) << "-1 is not known";
    EXPECT_EQ(fields.at("missing"), "2");
    EXPECT_EQ(fields.at("acknowledged"), "2");
}

TEST(CheckpointParts, EndedOneIsAskedAboutOnceAndOthersOnceAMinute) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    EXPECT_EQ(watch(collector, {1'050'000}, {}).details, 1u);
    EXPECT_EQ(watch(collector, {1'051'000}, {}).details, 0u);
    EXPECT_EQ(watch(collector, {1'200'000}, {}).details, 0u);
    const Shown next{.checkpoint =
                         R"({"id":8,"status":"IN_PROGRESS","is_savepoint":false,"trigger_timestamp":1200000})"};
    EXPECT_EQ(watch(collector, {1'220'000}, next).details, 0u) << "20 s under way";
    EXPECT_EQ(watch(collector, {1'240'000}, next).details, 1u);
    EXPECT_EQ(watch(collector, {1'280'000}, next).details, 0u);
    EXPECT_EQ(watch(collector, {1'305'000}, next).details, 1u);
}

// The agent's clock is an hour ahead of Flink's: what is under way has been so for 20 s, whatever our clock says.
TEST(CheckpointParts, TimesAreFlinksOwn) {
    const std::string under_way = R"({"id":8,"status":"IN_PROGRESS","is_savepoint":false,"trigger_timestamp":1200000})";
    const WallTime ahead{1'220'000 + 3'600'000};
    FlinkCollector told({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    EXPECT_EQ(watch(told, ahead, {.checkpoint = under_way, .lasts = R"(,"duration":1219999)"}).details, 0u);
    FlinkCollector not_told({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    EXPECT_EQ(watch(not_told, ahead, {.checkpoint = under_way}).details, 1u);
}

TEST(CheckpointParts, QuickOnesAndSavepointsAreNotAskedAbout) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    EXPECT_EQ(watch(collector, {1'050'000}, {.checkpoint = R"({"id":7,"status":"COMPLETED","is_savepoint":false,
        "trigger_timestamp":1000000,"latest_ack_timestamp":1002000})"})
                  .details,
              0u);
    EXPECT_EQ(watch(collector, {1'050'000}, {.checkpoint = R"({"id":7,"status":"COMPLETED","is_savepoint":true,
        "trigger_timestamp":1000000,"latest_ack_timestamp":1040000})"})
                  .details,
              0u);
}

TEST(CheckpointParts, ExpiryIsToldFromAnotherFailure) {
    const std::string failed = R"({"id":7,"status":"FAILED","is_savepoint":false,"trigger_timestamp":1000000,
        "failure_timestamp":1020000,"latest_ack_timestamp":1010000,"failure_message":")";
    FlinkCollector one({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto expired = watch(one, {1'050'000}, {.checkpoint = failed + R"(Checkpoint expired before completing."})"});
    ASSERT_EQ(expired.parts.size(), 1u);
    EXPECT_EQ(expired.parts[0].fields.at("expired"), "true");
    FlinkCollector other({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto lost = watch(other, {1'050'000}, {.checkpoint = failed + R"(TaskManager lost."})"});
    ASSERT_EQ(lost.parts.size(), 1u);
    EXPECT_FALSE(lost.parts[0].fields.contains("expired"));
}

TEST(CheckpointParts, NothingWithoutSubtasks) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    EXPECT_TRUE(watch(collector, {1'050'000}, {.subtasks = "[]"}).parts.empty());
}

}  // namespace
}  // namespace medic

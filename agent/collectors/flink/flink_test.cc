#include "agent/collectors/flink/flink.h"

#include <gtest/gtest.h>

#include <map>

#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::count;
using recorded::look;
using recorded::ok;
using recorded::value;

struct Recording {
    std::string folder, job;
    WallTime at;
};

// Answers as the real job managers gave them.
Result<HttpAnswer> play(const Recording& recording, const std::string& url) {
    const auto ends = [&](std::string_view tail) { return url.ends_with(tail); };
    const auto give = [&](const std::string& name) { return ok(recorded::file(recording.folder + "/" + name)); };
    if (ends("/jobs/overview")) return give("flink-jobs-overview.json");
    if (ends("/taskmanagers")) return give("flink-taskmanagers.json");
    if (ends("/jobs/" + recording.job)) return give("flink-job.json");
    if (ends("/checkpoints/config"))
        return ok(
            R"({"interval":2000,"timeout":20000,"externalization":{"enabled":true,"delete_on_cancellation":false},)"
            R"("unaligned_checkpoints":false,"state_backend":"HashMapStateBackend"})");
    if (ends("/jobs/" + recording.job + "/config")) return give("flink-job-config.json");
    if (ends("/config")) return give("flink-config.json");
    if (ends("/checkpoints")) return give("flink-checkpoints.json");
    if (url.find("/exceptions") != std::string::npos) return give("flink-exceptions.json");
    if (url.find("get=numRestarts") != std::string::npos) return ok(R"([{"id":"numRestarts","value":"0"}])");
    if (ends("/backpressure")) return give("flink-vertex-backpressure.json");
    if (ends("/watermarks")) return give("flink-vertex-watermarks.json");
    if (url.find("/vertices/") != std::string::npos) return give("flink-vertex.json");
    return fail(ErrorCode::unavailable, "not recorded: {}", url);
}

const Recording flink_1_20{"kafka-3.9.1-flink-1.20.1", "f3354c755bba6d905a16c736d2ee5153", {1795339769000}};
const Recording flink_2_0{"kafka-4.1.0-flink-2.0.0", "8ebb2ec00430f5cceba6b0b1bf6f9301", {1795339880700}};

class RealFlink : public testing::TestWithParam<Recording> {};

TEST_P(RealFlink, MeansTheSameInBothVersions) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    std::size_t asked = 0;
    const auto seen =
        look(collector, GetParam().at, [&](const std::string& url) { return play(GetParam(), url); }, &asked);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(asked, 4u + 6u + 3u * 3u);
    EXPECT_EQ(value(seen, R"(flink_jobmanager_reachable{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(flink_job_state{cluster="c",job="orders-by-customer",state="RUNNING"})"), 1);
    EXPECT_EQ(value(seen, R"(flink_job_tasks{cluster="c",job="orders-by-customer",state="RUNNING"})"), 12);
    EXPECT_EQ(value(seen, R"(flink_job_tasks{cluster="c",job="orders-by-customer",state="SCHEDULED"})"), 0);
    EXPECT_EQ(value(seen, R"(flink_job_parallelism{cluster="c",job="orders-by-customer"})"), 4);
    EXPECT_EQ(value(seen, R"(flink_job_restarts_total{cluster="c",job="orders-by-customer"})"), 0);
    EXPECT_EQ(value(seen, R"(flink_job_exceptions{cluster="c",job="orders-by-customer"})"), 0);
    EXPECT_GT(value(seen, R"(flink_checkpoints_completed_total{cluster="c",job="orders-by-customer"})").value_or(0), 0);
    EXPECT_GT(value(seen, R"(flink_checkpoint_last_size_bytes{cluster="c",job="orders-by-customer"})").value_or(0),
              1000);
    EXPECT_LT(
        value(seen, R"(flink_checkpoint_last_duration_seconds{cluster="c",job="orders-by-customer"})").value_or(99), 2);
    EXPECT_EQ(count(seen, "flink_taskmanager_registered"), 2u);
    EXPECT_EQ(count(seen, "flink_subtask_state"), 12u);
    EXPECT_EQ(count(seen, "flink_subtask_busy_ratio"), 12u);
    EXPECT_EQ(count(seen, "flink_subtask_records_in_total"), 12u);
    EXPECT_EQ(count(seen, "flink_subtask_watermark_timestamp_seconds"), 12u);
    const double lag =
        value(seen, R"(flink_job_watermark_lag_seconds{cluster="c",job="orders-by-customer"})").value_or(-99);
    EXPECT_GT(lag, -5);
    EXPECT_LT(lag, 5);
    EXPECT_EQ(value(seen, R"(flink_job_subtasks_without_watermark{cluster="c",job="orders-by-customer"})"), 0);
    ASSERT_FALSE(seen.events.empty());
    EXPECT_EQ(seen.events[0].kind, "deployment");
    const auto& job = seen.attributes.at({"c", "job", "orders-by-customer"});
    EXPECT_EQ(job.at("id"), GetParam().job);
    EXPECT_TRUE(job.at("checkpoint_path").starts_with("file:/data/data/ck/"));
    EXPECT_FALSE(job.at("flink_version").empty());
    EXPECT_EQ(job.at("checkpoint_timeout_ms"), "20000");
    EXPECT_EQ(job.at("checkpoint_unaligned"), "false");
    EXPECT_EQ(job.at("checkpoints_kept"), "always");
    EXPECT_EQ(job.at("checkpoint_is_savepoint"), "false");
}
INSTANTIATE_TEST_SUITE_P(Versions, RealFlink, testing::Values(flink_1_20, flink_2_0));

// Flink renews its task managers' metrics every ten seconds: asked more seldom than the rest, told in every look.
TEST(Flink, WhatFlinkRenewsSeldomIsAskedSeldomAndToldInEveryLook) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    std::map<std::string, int> asked;
    std::string state = "RUNNING";
    const auto at = [&](std::int64_t seconds) {
        return look(collector, {flink_1_20.at.unix_ms + seconds * 1'000}, [&](const std::string& url) {
            for (const char* kind : {"/backpressure", "/watermarks", "get=numRestarts", "/exceptions"})
                asked[kind] += url.find(kind) != std::string::npos ? 1 : 0;
            if (!url.ends_with("/jobs/overview")) return play(flink_1_20, url);
            return ok(R"({"jobs":[{"jid":")" + flink_1_20.job + R"(","name":"orders-by-customer","state":")" + state +
                      R"(","start-time":1795339700000}]})");
        });
    };
    const auto first = at(0), second = at(1);
    EXPECT_EQ(asked["/backpressure"], 3);
    EXPECT_EQ(asked["/watermarks"], 3);
    EXPECT_EQ(asked["get=numRestarts"], 1);
    EXPECT_EQ(asked["/exceptions"], 2) << "what tells of a failure is asked at each look";
    for (const char* series :
         {"flink_subtask_busy_ratio", "flink_subtask_watermark_timestamp_seconds", "flink_job_restarts_total"}) {
        EXPECT_GT(count(first, series), 0u) << series;
        EXPECT_EQ(count(first, series), count(second, series)) << series;
    }
    const std::string lag = R"(flink_job_watermark_lag_seconds{cluster="c",job="orders-by-customer"})";
    EXPECT_EQ(value(first, lag), value(second, lag)) << "the lag is that of its reading, and does not grow by itself";
    (void)at(5);
    EXPECT_EQ(asked["/backpressure"], 6);
    EXPECT_EQ(asked["/watermarks"], 3);
    state = "RESTARTING";
    (void)at(6);
    EXPECT_EQ(asked["/backpressure"], 9) << "what was read before a restart is of another attempt";
    state = "RUNNING";
    (void)at(7);
    EXPECT_EQ(asked["/backpressure"], 12);
}

TEST(Flink, AVertexIsAskedAboutWhenTheJobTellsSomethingNewOfItAndNowAndThen) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    int asked = 0;
    std::string told = R"("RUNNING":4)";
    const auto at = [&](std::int64_t seconds) {
        return look(collector, {flink_1_20.at.unix_ms + seconds * 1'000}, [&](const std::string& url) {
            const auto vertex = url.find("/vertices/");
            if (vertex != std::string::npos && url.find('/', vertex + 10) == std::string::npos) ++asked;
            if (!url.ends_with("/jobs/" + flink_1_20.job)) return play(flink_1_20, url);
            std::string job = recorded::file(flink_1_20.folder + "/flink-job.json");
            job.replace(job.find(R"("RUNNING":4)"), 11, told);
            return ok(job);
        });
    };
    const auto first = at(0);
    EXPECT_EQ(asked, 3);
    const auto second = at(5);
    EXPECT_EQ(asked, 3) << "nothing new of any";
    for (const char* series : {"flink_subtask_state", "flink_subtask_records_in_total", "flink_subtask_busy_ratio"}) {
        EXPECT_GT(count(first, series), 0u) << series;
        EXPECT_EQ(count(first, series), count(second, series)) << series;
    }
    told = R"("RUNNING":3)";
    (void)at(6);
    EXPECT_EQ(asked, 4) << "one of them";
    (void)at(10);
    EXPECT_EQ(asked, 6) << "the other two were asked about ten seconds ago";
}

// Recorded after a task manager was killed and, two minutes later, the job's own function met a null.
TEST(Flink, EachExceptionOfTheHistoryIsAnEventWithItsTaskAndPlace) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto seen = look(collector, flink_1_20.at, [&](const std::string& url) {
        if (url.find("/exceptions") != std::string::npos)
            return ok(recorded::file(flink_1_20.folder + "/flink-exceptions-killed-then-null.json"));
        return play(flink_1_20, url);
    });
    EXPECT_EQ(value(seen, R"(flink_job_exceptions{cluster="c",job="orders-by-customer"})"), 7);
    std::vector<Event> failures;
    for (const Event& event : seen.events)
        if (event.kind == "exception") failures.push_back(event);
    ASSERT_EQ(failures.size(), 7u);
    const Event& newest = failures.front();
    EXPECT_NE(newest.text.find("Caused by: java.lang.NullPointerException\n\tat org.example.orders.ParseOrder.flatMap"),
              std::string::npos);
    EXPECT_EQ(newest.fields.at("taskmanager"), "127.0.0.1:19361-33988a");
    EXPECT_EQ(newest.fields.at("vertex"), "Source: orders -> parse");
    EXPECT_EQ(newest.fields.at("subtask"), "0");
    EXPECT_EQ(failures.back().fields.at("exception"),
              "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException");
}

TEST(Flink, HeartbeatIsAMomentAndBecomesAnAge) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto seen = look(collector, flink_2_0.at, [&](const std::string& url) { return play(flink_2_0, url); });
    EXPECT_DOUBLE_EQ(value(seen, R"(flink_taskmanager_heartbeat_age_seconds{cluster="c",taskmanager="tm1-1795339821"})")
                         .value_or(-1),
                     (1795339880700 - 1795339878147) / 1000.0);
}

TEST(Flink, AnUnreachableJobManagerIsAFailedLookNotAHealthyOne) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto seen = look(collector, {1000}, [](const std::string&) -> Result<HttpAnswer> {
        return fail(ErrorCode::unavailable, "refused");
    });
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_EQ(value(seen, R"(flink_jobmanager_reachable{cluster="c"})"), 0);
    EXPECT_EQ(seen.samples.size(), 1u);
}

TEST(Flink, OfSeveralInAClusterEachTellsWhichItIs) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink/jm:80", .flink = "jm:80"});
    const auto silent = look(collector, {1000}, [](const std::string&) -> Result<HttpAnswer> {
        return fail(ErrorCode::unavailable, "refused");
    });
    EXPECT_EQ(value(silent, R"(flink_jobmanager_reachable{cluster="c",flink="jm:80"})"), 0);
    auto seen = look(collector, flink_2_0.at, [&](const std::string& url) { return play(flink_2_0, url); });
    EXPECT_EQ(value(seen, R"(flink_jobmanager_reachable{cluster="c",flink="jm:80"})"), 1);
    EXPECT_EQ((seen.attributes[{"c", "job", "orders-by-customer"}]["flink"]), "jm:80");
}

TEST(Flink, AnHtmlPageOrAWrongTypeSaysNothing) {
    for (const std::string body :
         {"<html>login</html>", "[1,2]", "{\"jobs\":\"none\"}", "{\"jobs\":[{\"jid\":7}]}", "", "{"}) {
        FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
        const auto seen = look(collector, {1000}, [&](const std::string&) { return ok(body); });
        EXPECT_NE(seen.outcome, ScrapeOutcome::complete) << body;
        EXPECT_EQ(count(seen, "flink_job_state"), 0u) << body;
    }
}

TEST(Flink, HalfAnAnswerKeepsItsHalfAndSaysWhatIsMissing) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto seen = look(collector, flink_2_0.at, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/checkpoints")) return HttpAnswer{500, "application/json", "{\"errors\":[]}"};
        return play(flink_2_0, url);
    });
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_NE(seen.error.find("checkpoints: HTTP status 500"), std::string::npos) << seen.error;
    EXPECT_EQ(count(seen, "flink_subtask_state"), 12u);
    EXPECT_EQ(count(seen, "flink_checkpoints_failed_total"), 0u);
}

TEST(Flink, AVanishedTaskManagerAndAChangedStateAreTold) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    (void)look(collector, flink_2_0.at, [&](const std::string& url) { return play(flink_2_0, url); });
    const auto seen = look(collector, flink_2_0.at + Duration{1000}, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/taskmanagers")) return ok(R"({"taskmanagers":[{"id":"tm2-1795339821"}]})");
        if (url.ends_with("/jobs/overview")) {
            std::string body = recorded::file("kafka-4.1.0-flink-2.0.0/flink-jobs-overview.json");
            body.replace(body.find("\"RUNNING\""), 9, "\"RESTARTING\"");
            return ok(body);
        }
        return play(flink_2_0, url);
    });
    EXPECT_EQ(value(seen, R"(flink_taskmanager_registered{cluster="c",taskmanager="tm1-1795339821"})"), 0);
    EXPECT_EQ(value(seen, R"(flink_taskmanager_registered{cluster="c",taskmanager="tm2-1795339821"})"), 1);
    EXPECT_EQ(value(seen, R"(flink_job_state{cluster="c",job="orders-by-customer",state="RUNNING"})"), 0);
    EXPECT_EQ(value(seen, R"(flink_job_state{cluster="c",job="orders-by-customer",state="RESTARTING"})"), 1);
    ASSERT_EQ(seen.events.size(), 2u);
    EXPECT_EQ(seen.events[0].text, "RUNNING → RESTARTING");
    EXPECT_EQ(seen.events[1].kind, "node-lost");
    EXPECT_EQ(seen.events[1].subject.name, "tm1-1795339821");
}

TEST(Flink, ExceptionsBecomeEventsWithTheirPlaceAndTheConcurrentOnes) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto server = [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.find("/exceptions") != std::string::npos)
            return ok(
                R"~({"exceptionHistory":{"entries":[{"exceptionName":"java.lang.NullPointerException","stacktrace":"java.lang.NullPointerException: password=hunter2\n\tat a.B.c(B.java:7)",
                "timestamp":1795339880000,"taskName":"score (2/4) - execution #1","endpoint":"localhost:1","taskManagerId":"tm1",
                "failureLabels":{"type":"user"},"concurrentExceptions":[{"exceptionName":"X","stacktrace":"X","timestamp":1795339880001}]}],"truncated":false}})~");
        return play(flink_2_0, url);
    };
    const auto first = look(collector, flink_2_0.at, server);
    ASSERT_EQ(first.events.size(), 3u);
    const Event& root = first.events[1];
    EXPECT_EQ(root.kind, "exception");
    EXPECT_EQ(root.subject.name, "orders-by-customer");
    EXPECT_EQ(root.fields.at("vertex"), "score");
    EXPECT_EQ(root.fields.at("subtask"), "1");
    EXPECT_EQ(root.fields.at("taskmanager"), "tm1");
    EXPECT_EQ(root.fields.at("label.type"), "user");
    EXPECT_EQ(root.text.find("hunter2"), std::string::npos);
    EXPECT_EQ(first.events[2].fields.at("concurrent_with"), root.id);
    const auto again = look(collector, flink_2_0.at + Duration{1000}, server);
    EXPECT_EQ(again.events[0].id, root.id);
}

TEST(Flink, AJobWithoutWatermarksHasNoLag) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto seen = look(collector, flink_2_0.at, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/watermarks"))
            return ok(R"([{"id":"0.currentInputWatermark","value":"-9223372036854775808"}])");
        return play(flink_2_0, url);
    });
    EXPECT_EQ(count(seen, "flink_subtask_watermark_timestamp_seconds"), 0u);
    EXPECT_EQ(count(seen, "flink_job_watermark_lag_seconds"), 0u);
    EXPECT_GT(value(seen, R"(flink_job_subtasks_without_watermark{cluster="c",job="orders-by-customer"})").value_or(0),
              0);
}

TEST(Flink, TheVersionThatRunsIsTheOneUploadedLastBeforeTheStart) {
    FlinkCollector collector({.cluster = "c",
                              .url = "http://jm",
                              .target = "c/flink",
                              .artifacts = {{"j", {{"v1", "j-1.jar"}, {"v2", "j-2.jar"}}}}});
    std::string overview = R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1000}]})";
    std::string jars =
        R"({"files":[{"id":"x_j-1.jar","name":"j-1.jar","uploaded":900},{"id":"y_j-2.jar","name":"j-2.jar","uploaded":1500}]})";
    const auto server = [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/jobs/overview")) return ok(overview);
        if (url.ends_with("/jars")) return ok(jars);
        return ok("{}");
    };
    const auto first = look(collector, {5000}, server);
    EXPECT_EQ(first.attributes.at({"c", "job", "j"}).at("version"), "v1");
    EXPECT_EQ(first.events.at(0).fields.at("version"), "v1");
    overview = R"({"jobs":[{"jid":"b","name":"j","state":"RUNNING","start-time":2000}]})";
    const auto second = look(collector, {6000}, server);
    EXPECT_EQ(second.events.at(0).fields.at("version"), "v2");
    EXPECT_EQ(second.events.at(0).fields.at("version_before"), "v1");
    EXPECT_EQ(second.events.at(0).fields.at("before"), "a");
}

// The agent is restarted while v2 fails: which version was good before it, only the one that saw it can say.
TEST(Flink, WhatAnEarlierAgentKnewOfAJobGoesOn) {
    FlinkCollectorOptions options{.cluster = "c",
                                  .url = "http://jm",
                                  .target = "c/flink",
                                  .artifacts = {{"j", {{"v1", "j-1.jar"}, {"v2", "j-2.jar"}}}}};
    std::string overview = R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1000}]})";
    const auto server = [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/jobs/overview")) return ok(overview);
        if (url.ends_with("/jars"))
            return ok(
                R"({"files":[{"id":"x_j-1.jar","name":"j-1.jar","uploaded":900},{"id":"y_j-2.jar","name":"j-2.jar","uploaded":1500}]})");
        if (url.ends_with("/checkpoints"))
            return ok(
                R"({"counts":{"completed":1},"latest":{"completed":{"id":1,"external_path":"file:/c/1"}},"history":[]})");
        return ok("{}");
    };
    FlinkCollector first(options);
    const auto healthy = look(first, {5000}, server);
    ASSERT_EQ(healthy.job_runs.size(), 1u);
    EXPECT_EQ(healthy.job_runs[0].good_version, "v1");

    options.earlier["j"] = healthy.job_runs[0];
    overview = R"({"jobs":[{"jid":"b","name":"j","state":"RESTARTING","start-time":2000}]})";
    FlinkCollector second(options);
    const auto failing = look(second, {6000}, server);
    EXPECT_EQ(failing.attributes.at({"c", "job", "j"}).at("last_good_version"), "v1");
    EXPECT_EQ(failing.events.at(0).fields.at("version_before"), "v1");
    EXPECT_EQ(failing.events.at(0).fields.at("before"), "a");

    options.earlier["j"] = failing.job_runs.at(0);
    FlinkCollector third(options);
    const auto still = look(third, {7000}, server);
    EXPECT_EQ(still.attributes.at({"c", "job", "j"}).at("last_good_version"), "v1");
    EXPECT_EQ(still.events.at(0).fields.at("before"), "a") << "the same run, seen by a third agent";
}

TEST(Flink, WhatIsKeptOfAJobThatEndsIsReadFromItsCheckpointConfig) {
    const auto kept = [](const std::string& externalization) {
        FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
        const auto seen = look(collector, {5000}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (url.ends_with("/jobs/overview"))
                return ok(R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1000}]})");
            if (url.ends_with("/checkpoints/config")) return ok("{" + externalization + "}");
            return ok("{}");
        });
        const auto& job = seen.attributes.at({"c", "job", "j"});
        return job.contains("checkpoints_kept") ? job.at("checkpoints_kept") : "not told";
    };
    EXPECT_EQ(kept(R"("externalization":{"enabled":true,"delete_on_cancellation":false})"), "always");
    EXPECT_EQ(kept(R"("externalization":{"enabled":true,"delete_on_cancellation":true})"), "unless-cancelled");
    EXPECT_EQ(kept(R"("externalization":{"enabled":false,"delete_on_cancellation":true})"), "never");
    EXPECT_EQ(kept(R"("externalization":{"enabled":true})"), "not told");
    EXPECT_EQ(kept(R"("externalization":7)"), "not told");
    EXPECT_EQ(kept(R"("interval":5)"), "not told");
}

TEST(Flink, AJobWithoutACheckpointOfItsOwnGoesBackToWhatItWasRestoredFrom) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    std::string completed = "null";
    const auto server = [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/jobs/overview"))
            return ok(R"({"jobs":[{"jid":"a","name":"j","state":"RESTARTING","start-time":1000}]})");
        if (url.ends_with("/checkpoints"))
            return ok(R"({"counts":{},"latest":{"completed":)" + completed +
                      R"(,"restored":{"id":3,"is_savepoint":true,"external_path":"file:/sp/3"}},"history":[]})");
        return ok("{}");
    };
    EXPECT_EQ(look(collector, {5000}, server).attributes.at({"c", "job", "j"}).at("checkpoint_path"), "file:/sp/3");
    completed = R"({"id":4,"external_path":"file:/cp/4"})";
    const auto later = look(collector, {6000}, server);
    EXPECT_EQ(later.attributes.at({"c", "job", "j"}).at("checkpoint_path"), "file:/cp/4");
    EXPECT_EQ(later.attributes.at({"c", "job", "j"}).at("restored_from"), "file:/sp/3");
}

TEST(Flink, ArtifactsOfOneNameTellNoVersion) {
    FlinkCollector collector({.cluster = "c",
                              .url = "http://jm",
                              .target = "c/flink",
                              .artifacts = {{"j", {{"v1", "j.jar"}, {"v2", "j.jar"}}}}});
    const auto seen = look(collector, {5000}, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/jobs/overview"))
            return ok(R"({"jobs":[{"jid":"a","name":"j","state":"RUNNING","start-time":1000}]})");
        if (url.ends_with("/jars")) return ok(R"({"files":[{"id":"x","name":"j.jar","uploaded":900}]})");
        return ok("{}");
    });
    EXPECT_FALSE(seen.attributes.at({"c", "job", "j"}).contains("version"));
}

TEST(Flink, ASecondJobOfTheSameNameCountsOnlyWhileItLives) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto seen = look(collector, {5000}, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/jobs/overview"))
            return ok(
                R"({"jobs":[{"jid":"old","name":"j","state":"RUNNING","start-time":1},{"jid":"new","name":"j","state":"FAILED","start-time":2}]})");
        return HttpAnswer{404, "application/json", "{}"};
    });
    EXPECT_EQ(seen.attributes.at({"c", "job", "j"}).at("id"), "old");
}

TEST(Flink, AVersionIsGoodOnceItHasCompletedACheckpoint) {
    FlinkCollector collector({.cluster = "c",
                              .url = "http://jm",
                              .target = "c/flink",
                              .artifacts = {{"j", {{"v1", "j-1.jar"}, {"v2", "j-2.jar"}, {"v3", "j-3.jar"}}}}});
    std::string id = "a", start = "1000", jar = "j-1.jar", completed = R"({"id":4,"external_path":"file:/cp/4"})";
    const auto server = [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/jobs/overview"))
            return ok(R"({"jobs":[{"jid":")" + id + R"(","name":"j","state":"RUNNING","start-time":)" + start + "}]}");
        if (url.ends_with("/jars")) return ok(R"({"files":[{"id":"x","name":")" + jar + R"(","uploaded":900}]})");
        if (url.ends_with("/checkpoints")) return ok(R"({"latest":{"completed":)" + completed + R"(},"history":[]})");
        return ok("{}");
    };
    const auto good = [&](int second) {
        const auto seen = look(collector, {second * 1'000}, server);
        const auto& job = seen.attributes.at({"c", "job", "j"});
        const auto found = job.find("last_good_version");
        return found == job.end() ? std::string("-") : found->second;
    };
    EXPECT_EQ(good(5), "-");  // Nothing before it was seen.
    id = "b", start = "2000", jar = "j-2.jar", completed = "null";
    EXPECT_EQ(good(10), "v1");
    id = "c", start = "3000", jar = "j-3.jar";
    EXPECT_EQ(good(15), "v1");  // v2 never ran well.
}

}  // namespace
}  // namespace medic

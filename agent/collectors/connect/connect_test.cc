#include "agent/collectors/connect/connect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "agent/base/redact.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::count;
using recorded::look;
using recorded::ok;
using recorded::value;

ConnectCollectorOptions two_workers() {
    return {.cluster = "c", .urls = {"http://127.0.0.1:28083", "http://127.0.0.1:28084"}, .target = "c/connect"};
}

class RealConnect : public testing::TestWithParam<std::string> {};

TEST_P(RealConnect, MeansTheSameInBothVersions) {
    ConnectCollector collector(two_workers());
    const auto seen = look(collector, {1000}, [&](const std::string& url) {
        return ok(
            recorded::file(GetParam() + (url.ends_with("/") ? "/connect-root.json" : "/connect-connectors.json")));
    });
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, R"(connect_worker_reachable{cluster="c",worker="127.0.0.1:28083"})"), 1);
    EXPECT_EQ(count(seen, "connect_connector_state"), 4u);
    EXPECT_EQ(
        value(
            seen,
            R"(connect_task_state{cluster="c",connector="json-sink",state="RUNNING",task="0",worker="127.0.0.1:28083"})"),
        1);
    const Relation reads{{"c", "connector", "json-sink"}, "reads", {"c", "topic", "events-json"}};
    EXPECT_NE(std::ranges::find(seen.relations, reads), seen.relations.end());
    const Relation writes{{"c", "connector", "tick-source"}, "writes", {"c", "topic", "ticks"}};
    EXPECT_NE(std::ranges::find(seen.relations, writes), seen.relations.end());
    EXPECT_TRUE(seen.events.empty());
}
INSTANTIATE_TEST_SUITE_P(Versions, RealConnect, testing::Values("kafka-3.9.1-flink-1.20.1", "kafka-4.1.0-flink-2.0.0"));

// What a worker answers to `/` and about one connector; the list of connectors is always told.
struct OneWorker {
    bool root = true, herder = true;

    Result<HttpAnswer> operator()(const std::string& url) const {
        if (url.ends_with("/connectors?expand=status&expand=info")) return ok(R"({"in out/1":{}})");
        const bool answers = url.ends_with("/") ? root : herder;
        if (!url.ends_with("/")) {
            EXPECT_TRUE(url.ends_with("/connectors/in%20out%2F1")) << url;
        }
        if (!answers) return fail(ErrorCode::unavailable, "no answer");
        return ok("{}");
    }
};

TEST(Connect, AHerderIsSilentWhenItHasStoppedToAnswer) {
    ConnectCollector collector({.cluster = "c", .urls = {"http://127.0.0.1:28083"}, .target = "c/connect"});
    const std::string series = R"(connect_worker_herder_answers{cluster="c",worker="127.0.0.1:28083"})";
    EXPECT_EQ(value(look(collector, {1000}, OneWorker{}), series), std::nullopt) << "no connector is known yet";
    EXPECT_EQ(value(look(collector, {2000}, OneWorker{.herder = false}), series), std::nullopt) << "it may be starting";
    EXPECT_EQ(value(look(collector, {3000}, OneWorker{}), series), 1);
    EXPECT_EQ(value(look(collector, {4000}, OneWorker{.herder = false}), series), 0);
    EXPECT_EQ(value(look(collector, {5000}, OneWorker{.root = false, .herder = false}), series), std::nullopt)
        << "a worker that does not answer at all";
    EXPECT_EQ(value(look(collector, {6000}, OneWorker{.herder = false}), series), std::nullopt) << "started anew";
    EXPECT_EQ(value(look(collector, {7000}, OneWorker{}), series), 1);
}

TEST(Connect, AFailedTaskGivesItsTraceOnce) {
    ConnectCollector collector(two_workers());
    const auto server = [](const std::string& url) {
        return ok(url.ends_with("/") ? "{}"
                                     : R"~({"s":{"status":{"name":"s","connector":{"state":"RUNNING","worker_id":"w"},
            "tasks":[{"id":0,"state":"FAILED","worker_id":"w","trace":"org.x.E: no\n\tat a.b(C.java:1)"}]}}})~");
    };
    const auto first = look(collector, {1000}, server), second = look(collector, {2000}, server);
    ASSERT_EQ(first.events.size(), 1u);
    EXPECT_EQ(first.events[0].subject, (Subject{"c", "connector-task", "s/0"}));
    EXPECT_EQ(first.events[0].fields.at("exception"), "org.x.E");
    ASSERT_EQ(second.events.size(), 1u);
    EXPECT_EQ(second.events[0].id, first.events[0].id);
}

// Looks at a connector with one task, by their states; both give the same trace whenever they are FAILED.
class FailedAgain : public testing::Test {
protected:
    std::set<std::string> ids(std::int64_t at, const std::string& own, const std::string& task) {
        const std::string trace = R"(,"worker_id":"w","trace":"org.x.E: no")";
        const std::string tasks = task.empty() ? "" : R"({"id":0,"state":")" + task + "\"" + trace + "}";
        const auto seen = look(collector_, {at}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (own.empty()) return fail(ErrorCode::unavailable, "no answer");
            return ok(url.ends_with("/") ? "{}"
                                         : R"({"s":{"status":{"connector":{"state":")" + own + "\"" + trace +
                                               R"(},"tasks":[)" + tasks + "]}}}");
        });
        std::set<std::string> ids;
        for (const Event& event : seen.events)
            if (event.kind == "exception") ids.insert(event.id);
        return ids;
    }
    ConnectCollector collector_{{.cluster = "c", .urls = {"http://w:8083"}, .target = "c/connect"}};
    static constexpr std::int64_t later = 3 * 3'600'000;
};

TEST_F(FailedAgain, TheSameTraceAfterItRanIsAnotherFailure) {
    const auto first = ids(1'000, "RUNNING", "FAILED");
    EXPECT_TRUE(ids(2'000, "RUNNING", "RUNNING").empty());
    const auto second = ids(later, "RUNNING", "FAILED");
    ASSERT_EQ(first.size(), 1u);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_NE(first, second);
    const auto of_connector = ids(later + 1'000, "FAILED", "");
    EXPECT_TRUE(ids(later + 2'000, "RUNNING", "").empty());
    EXPECT_NE(ids(later + 3'000, "FAILED", ""), of_connector);
}

TEST_F(FailedAgain, AsLongAsItStaysFailedItIsOneFailure) {
    const auto first = ids(0, "FAILED", "FAILED");
    EXPECT_EQ(first.size(), 2u) << "of the connector, and of its task";
    for (std::int64_t at = 1'000; at <= 100'000; at += 1'000) EXPECT_EQ(ids(at, "FAILED", "FAILED"), first);
    for (std::int64_t at = 101'000; at <= 103'000; at += 1'000) EXPECT_TRUE(ids(at, "", "").empty());
    EXPECT_EQ(ids(104'000, "FAILED", "FAILED"), first) << "nobody answered meanwhile";
    EXPECT_EQ(ids(105'000, "FAILED", "").size(), 1u);
    EXPECT_EQ(ids(106'000, "FAILED", "FAILED"), first) << "a look that lacked the task";
}

TEST_F(FailedAgain, OneThatWasDeletedMeanwhileIsAnother) {
    const auto first = ids(0, "RUNNING", "FAILED");
    for (std::int64_t at = 1'000; at <= 3'000; at += 1'000) EXPECT_TRUE(ids(at, "RUNNING", "").empty());
    const auto second = ids(4'000, "RUNNING", "FAILED");
    EXPECT_EQ(second.size(), 1u);
    EXPECT_NE(second, first);
}

// A sink in this state, with one task; `asked` is whether its offsets were.
Observation sink_that_is(const std::string& own, const std::string& task, bool& asked, int status = 200) {
    ConnectCollector collector({.cluster = "c", .urls = {"http://w:8083"}, .target = "c/connect"});
    return look(collector, {1000}, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/connectors/s/offsets")) {
            asked = true;
            return HttpAnswer{status, "application/json",
                              R"({"offsets":[{"partition":{"kafka_topic":"t","kafka_partition":3},"offset":)"
                              R"({"kafka_offset":42}},{"partition":{"kafka_topic":"t","kafka_partition":4},)"
                              R"("offset":null}]})"};
        }
        const std::string tasks = task.empty() ? "" : R"({"id":0,"state":")" + task + R"("})";
        return ok(url.ends_with("/")
                      ? "{}"
                      : R"({"s":{"status":{"name":"s","connector":{"state":")" + own + R"("},"tasks":[)" + tasks +
                            R"(]},"info":{"name":"s","type":"sink","config":{"topics":"t"}}}})");
    });
}

TEST(Connect, ASinkThatStandsStillIsAskedHowFarItHasCome) {
    const Subject sink{"c", "connector", "s"};
    for (const auto& [own, task, wanted] :
         {std::tuple{"RUNNING", "FAILED", true}, {"STOPPED", "", true}, {"RUNNING", "RUNNING", false}}) {
        bool asked = false;
        const auto seen = sink_that_is(own, task, asked);
        EXPECT_EQ(asked, wanted) << own << " " << task;
        EXPECT_EQ(seen.attributes.at(sink).contains("committed:t-3"), wanted);
        EXPECT_FALSE(seen.attributes.at(sink).contains("committed:t-4")) << "nothing is committed there";
        if (wanted) {
            EXPECT_EQ(seen.attributes.at(sink).at("committed:t-3"), "42");
        }
    }
}

TEST(Connect, ASinkThatGoesOnIsAskedForAWhile) {
    ConnectCollector collector({.cluster = "c", .urls = {"http://w:8083"}, .target = "c/connect"});
    std::string task = "FAILED";
    bool asked = false;
    const auto server = [&](const std::string& url) {
        asked = asked || url.ends_with("/offsets");
        return ok(url.ends_with("/connectors?expand=status&expand=info")
                      ? R"({"s":{"status":{"name":"s","connector":{"state":"RUNNING"},"tasks":[{"id":0,"state":")" +
                            task + R"("}]},"info":{"name":"s","type":"sink","config":{"topics":"t"}}}})"
                      : "{}");
    };
    look(collector, {1'000}, server);
    task = "RUNNING";
    for (const auto& [at, wanted] : {std::pair{500'000, true}, {602'000, false}}) {
        asked = false;
        look(collector, {at}, server);
        EXPECT_EQ(asked, wanted) << at;
    }
}

TEST(Connect, AWorkerThatTellsNoOffsetsLeavesThemUnknown) {
    bool asked = false;
    const auto seen = sink_that_is("RUNNING", "FAILED", asked, 404);
    EXPECT_TRUE(asked);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete);
    EXPECT_FALSE(seen.attributes.at({"c", "connector", "s"}).contains("committed:t-3"));
}

// Looks at a connector with these settings.
std::vector<Event> events_with(ConnectCollector& collector, std::int64_t at, const std::string& config) {
    return look(collector, {at},
                [&](const std::string& url) {
                    return ok(url.ends_with("/")
                                  ? "{}"
                                  : R"~({"s":{"status":{"name":"s","connector":{"state":"RUNNING"},"tasks":[]},
                    "info":{"name":"s","type":"sink","config":)~" +
                                        config + "}}}");
                })
        .events;
}

TEST(Connect, ChangedSettingsAreToldByNameAndNeverByValue) {
    ConnectCollector collector(two_workers());
    EXPECT_TRUE(events_with(collector, 1000, R"({"topics":"a","password":"plum1","old":"x"})").empty())
        << "what was never seen otherwise has not changed";
    const auto events = events_with(collector, 2000, R"({"topics":"a","password":"plum2","tasks.max":"2"})");
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, "config-change");
    EXPECT_EQ(events[0].subject, (Subject{"c", "connector", "s"}));
    EXPECT_EQ(events[0].fields.at("settings"), "old, password, tasks.max");
    EXPECT_EQ(events[0].text.find("plum"), std::string::npos);
}

TEST(Connect, AnAnswerThatIsNestedEndlesslyIsNone) {
    constexpr std::size_t levels = 200'000;
    const std::string nested = std::string(levels, '[') + std::string(levels, ']');
    ConnectCollector collector({.cluster = "c", .urls = {"http://127.0.0.1:28083"}, .target = "c/connect"});
    const auto seen = look(collector, {1000}, [&](const std::string& url) {
        return ok(url.ends_with("/") ? "{}"
                                     : R"({"s":{"status":{"connector":{"state":"RUNNING"},"tasks":[]},)"
                                       R"("info":{"type":"sink","config":{"topics":"t","x":)" +
                                           nested + "}}}}");
    });
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_NE(seen.error.find("nested deeper"), std::string::npos) << seen.error;
    EXPECT_EQ(count(seen, "connect_connector_state"), 0u);
}

TEST(Connect, WhatIsNoSettingIsNotCompared) {
    ConnectCollector collector(two_workers());
    for (const char* odd : {"[1]", "[2]", R"({"a":[3]})"})
        EXPECT_TRUE(events_with(collector, 1000, R"({"topics":"a","x":)" + std::string(odd) + "}").empty()) << odd;
    EXPECT_EQ(events_with(collector, 2000, R"({"topics":"a","x":7})").size(), 1u);
}

TEST(Connect, TheSameSettingsAndUnknownOnesAreNoChange) {
    ConnectCollector collector(two_workers());
    const std::string config = R"({"topics":"a","tasks.max":"1"})";
    EXPECT_TRUE(events_with(collector, 1000, config).empty());
    EXPECT_TRUE(events_with(collector, 2000, R"({"tasks.max":"1","topics":"a"})").empty());
    EXPECT_TRUE(events_with(collector, 3000, "null").empty()) << "not told";
    EXPECT_TRUE(events_with(collector, 4000, config).empty());
}

// One connector with these states of its own and of its tasks.
Observation connector_with(const std::string& own, const std::vector<std::string>& tasks, const std::string& config) {
    ConnectCollector collector(two_workers());
    std::string list;
    for (std::size_t i = 0; i < tasks.size(); ++i)
        list += (i > 0 ? "," : "") + (R"({"id":)" + std::to_string(i) + R"(,"state":")" + tasks[i] + R"("})");
    return look(collector, {1000}, [&](const std::string& url) {
        return ok(url.ends_with("/") ? "{}"
                                     : R"({"s":{"status":{"connector":{"state":")" + own + R"("},"tasks":[)" + list +
                                           R"(]},"info":{"type":"sink","config":)" + config + "}}}");
    });
}

TEST(Connect, SettingsAreToldWithoutWhatMayBeASecret) {
    const auto seen = connector_with("RUNNING", {"RUNNING", "RUNNING"},
                                     R"({"topics":"a","db.password":"plum","url":"x://me:plum@h","odd":null})");
    ASSERT_TRUE(seen.connectors);
    ASSERT_EQ(seen.connectors->size(), 1u);
    const ConnectorLook& told = seen.connectors->front();
    EXPECT_EQ(told.settings.kept, (std::map<std::string, std::string>{{"topics", "a"}}));
    EXPECT_EQ(told.settings.withheld, (std::set<std::string>{"db.password", "url"}));
    EXPECT_EQ(told.withheld_marks.size(), 2u);
    EXPECT_EQ(told.tasks, 2u);
    EXPECT_TRUE(told.runs);
}

TEST(Connect, AConnectorRunsOnlyWithAllOfItsTasks) {
    const auto state = [](const std::string& own, const std::vector<std::string>& tasks) {
        const auto seen = connector_with(own, tasks, R"({"topics":"a"})");
        EXPECT_EQ(seen.connectors->front().runs,
                  seen.attributes.at({"c", "connector", "s"}).at("state_of_all") == "RUNNING");
        return seen.attributes.at({"c", "connector", "s"}).at("state_of_all");
    };
    EXPECT_EQ(state("RUNNING", {"RUNNING"}), "RUNNING");
    EXPECT_EQ(state("RUNNING", {"RUNNING", "UNASSIGNED", "FAILED"}), "FAILED");
    EXPECT_EQ(state("RUNNING", {"UNASSIGNED", "RUNNING"}), "UNASSIGNED");
    EXPECT_EQ(state("FAILED", {"RUNNING"}), "FAILED");
    EXPECT_EQ(state("PAUSED", {"PAUSED"}), "PAUSED");
    EXPECT_EQ(state("RUNNING", {}), "no tasks");
}

TEST(Connect, AnyLivingWorkerAnswersForAll) {
    ConnectCollector collector(two_workers());
    const auto seen = look(collector, {1000}, [](const std::string& url) -> Result<HttpAnswer> {
        if (url.find("28083") != std::string::npos) return fail(ErrorCode::unavailable, "refused");
        return ok(url.ends_with("/") ? "{}" : recorded::file("kafka-4.1.0-flink-2.0.0/connect-connectors.json"));
    });
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(value(seen, R"(connect_worker_reachable{cluster="c",worker="127.0.0.1:28083"})"), 0);
    EXPECT_EQ(value(seen, R"(connect_worker_reachable{cluster="c",worker="127.0.0.1:28084"})"), 1);
    EXPECT_EQ(count(seen, "connect_task_state"), 4u);
}

// An ingress before a worker that is gone.
TEST(Connect, AProxysAnswerIsNoneOfTheWorker) {
    const std::string reachable = R"(connect_worker_reachable{cluster="c",worker="w:8083"})",
                      herder = R"(connect_worker_herder_answers{cluster="c",worker="w:8083"})";
    for (const int status : {502, 503, 504}) {
        ConnectCollector collector({.cluster = "c", .urls = {"http://w:8083"}, .target = "c/connect"});
        std::string silent = "nothing";
        const auto server = [&](const std::string& url) -> Result<HttpAnswer> {
            if (url.find(silent) != std::string::npos) return HttpAnswer{status, "text/html", "<html>"};
            return ok(url.ends_with("expand=info") ? R"({"s":{}})" : "{}");
        };
        (void)look(collector, {1000}, server);
        EXPECT_EQ(value(look(collector, {2000}, server), herder), 1);
        silent = "/connectors/s";
        const auto stuck = look(collector, {3000}, server);
        EXPECT_EQ(value(stuck, reachable), 1);
        EXPECT_EQ(value(stuck, herder), 0) << status;
        silent = "";
        const auto gone = look(collector, {4000}, server);
        EXPECT_EQ(value(gone, reachable), 0) << status;
        EXPECT_NE(gone.error.find("worker w:8083: HTTP status " + std::to_string(status)), std::string::npos);
        EXPECT_EQ(value(gone, herder), std::nullopt);
    }
}

TEST(Connect, WhatAWorkerSaysOfItselfIsAnAnswer) {
    for (const int status : {401, 404, 500}) {
        ConnectCollector collector({.cluster = "c", .urls = {"http://w:8083"}, .target = "c/connect"});
        const auto seen =
            look(collector, {1000}, [&](const std::string&) { return HttpAnswer{status, "text/html", "no"}; });
        EXPECT_EQ(value(seen, R"(connect_worker_reachable{cluster="c",worker="w:8083"})"), 1) << status;
    }
}

TEST(Connect, AListOfManyConnectorsMayBeLongButNotLate) {
    ConnectCollector collector({.cluster = "c", .urls = {"http://w:8083"}, .target = "c/connect"});
    const auto asks = collector.begin({1000});
    ASSERT_FALSE(asks.empty());
    EXPECT_EQ(asks[0].purpose, "connectors");
    EXPECT_EQ(asks[0].bytes_max, 64u * 1024 * 1024);
    EXPECT_EQ(asks[0].timeout, Duration{3'000});
}

TEST(Connect, ARebalanceIsWorkUnderWayAndEveryWorkerIsAskedOnce) {
    ConnectCollector collector(two_workers());
    int asked = 0;
    const auto seen = look(collector, {1000}, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url.ends_with("/")) return ok("{}");
        ++asked;
        return HttpAnswer{409, "application/json", R"({"error_code":409,"message":"rebalance in process"})"};
    });
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    ASSERT_EQ(seen.under_way.size(), 1u);
    EXPECT_EQ(seen.under_way[0].kind, "rebalance");
    EXPECT_EQ(count(seen, "connect_task_state"), 0u);
}

TEST(Connect, AWantedLoginIsTold) {
    ConnectCollector collector(two_workers());
    const auto seen = look(collector, {1000}, [](const std::string&) { return HttpAnswer{401, "text/html", "no"}; });
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_NE(seen.error.find("check `auth`"), std::string::npos) << seen.error;
}

TEST(Connect, SilenceAndNonsenseAreNotHealth) {
    for (const std::string body : {"<html>", "[]", "{\"s\":{}}", "{\"s\":{\"status\":{\"tasks\":[{}]}}}"}) {
        ConnectCollector collector(two_workers());
        const auto seen = look(collector, {1000}, [&](const std::string&) { return ok(body); });
        EXPECT_NE(seen.outcome, ScrapeOutcome::complete) << body;
        EXPECT_EQ(count(seen, "connect_task_state"), 0u) << body;
    }
}

TEST(Connect, AStateThatChangedLeavesNoOldStateBehind) {
    ConnectCollector collector(two_workers());
    std::string state = "RUNNING";
    const auto server = [&](const std::string& url) {
        return ok(url.ends_with("/")
                      ? "{}"
                      : R"({"s":{"status":{"tasks":[{"id":0,"state":")" + state + R"(","worker_id":"w"}]}}})");
    };
    (void)look(collector, {1000}, server);
    state = "UNASSIGNED";
    const auto seen = look(collector, {2000}, server);
    EXPECT_EQ(value(seen, R"(connect_task_state{cluster="c",connector="s",state="RUNNING",task="0",worker="w"})"), 0);
    EXPECT_EQ(value(seen, R"(connect_task_state{cluster="c",connector="s",state="UNASSIGNED",task="0",worker="w"})"),
              1);
    ASSERT_EQ(seen.events.size(), 1u);
    EXPECT_EQ(seen.events[0].kind, "state-change");
}

TEST(Redact, HidesValuesOfSecretKeysAndLeavesTheRest) {
    EXPECT_EQ(redact("ssl.keystore.password=abc, x=1"), "ssl.keystore.password=[hidden], x=1");
    EXPECT_EQ(redact(R"({"db.password": "a b", "k": 2})"), R"({"db.password": [hidden], "k": 2})");
    EXPECT_EQ(redact("jdbc:x://me:pw@host/db"), "jdbc:x://me:[hidden]@host/db");
    EXPECT_EQ(redact("Authorization: Bearer abc\nnext"), "Authorization: [hidden]\nnext");
    EXPECT_EQ(redact("Unrecognized token 'abc': was expecting"), "Unrecognized token 'abc': was expecting");
    EXPECT_EQ(redact("abcdef", 3), "abc");
}

}  // namespace
}  // namespace medic

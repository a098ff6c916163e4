// What the commands that ask an agent, or read its journal, say and how they end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/base/test_folder_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/run_medic_internal.h"
#include "agent/loop/incident_codec.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_fake_internal.h"
#include "remediations/journal/journal.h"

namespace medic::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t day_ms = 24 * 3'600'000;

std::string web_refusal(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t times = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++times;
    return times;
}

// An agent that is down: its configuration and its journal.
struct StoppedAgent {
    StoppedAgent() {
        config = folder.write("medic.yaml",
                              "schema: 1\ndata_dir: data\napi: {listen: \"127.0.0.1:1\"}\n"
                              "clusters: {lab: {kafka: {bootstrap: [127.0.0.1:1]}}}\n");
        std::filesystem::create_directories(folder.path / "data");
    }
    void keep(std::vector<JournalEntry> entries) const {
        const auto journal = Journal::open({.path = (folder.path / "data" / "journal.db").string()});
        ASSERT_TRUE(journal) << journal.error().message;
        ASSERT_TRUE((*journal)->append(std::move(entries)));
        ASSERT_TRUE((*journal)->flush().durable);
    }
    TestFolder folder;
    std::string config;
};

IncidentRow row(const std::string& id, WallTime opened_at = {1'700'000'000'000}) {
    Incident one;
    one.id = id;
    one.cluster = "lab";
    one.opened_at = opened_at;
    one.diagnosis.cause = "kafka.broker-lost";
    one.diagnosis.summary = "broker 2 is gone";
    return to_row(one);
}

TEST(Incidents, ARecordThatCanNotBeReadIsToldByItsColumns) {
    const StoppedAgent agent;
    IncidentRow unreadable = row("I2");
    unreadable.detail = "{}";
    unreadable.summary = "broker 3 is gone";
    agent.keep({row("I1"), unreadable});
    for (const char* output : {"text", "json"}) {
        const Ran ran = run_medic({"incidents", "--config", agent.config, "-o", output});
        EXPECT_EQ(ran.code, exit_cannot_tell) << ran.errors;
        EXPECT_THAT(ran.out, HasSubstr("broker 2 is gone"));
        EXPECT_THAT(ran.out, HasSubstr("broker 3 is gone"));
        EXPECT_THAT(ran.errors, HasSubstr("1 record(s) of the journal can't be read"));
    }
    const Ran one = run_medic({"incidents", "I2", "--config", agent.config});
    EXPECT_EQ(one.code, exit_cannot_tell) << one.errors;
    EXPECT_THAT(one.out, HasSubstr("broker 3 is gone"));
    const Ran good = run_medic({"incidents", "I1", "--config", agent.config});
    EXPECT_EQ(good.code, exit_ok) << good.errors;
}

TEST(Incidents, BothFailuresAreNamed) {
    const StoppedAgent agent;  // Without a journal.
    const Ran ran = run_medic({"incidents", "--config", agent.config});
    EXPECT_EQ(ran.code, exit_problem);
    EXPECT_THAT(ran.errors, HasSubstr("no agent answers ("));
    EXPECT_THAT(ran.errors, HasSubstr("and its journal does not tell: "));
}

TEST(Incidents, ReplayOfNothingIsNoSuccess) {
    const StoppedAgent agent;
    agent.keep({row("I1")});
    const Ran unknown = run_medic({"incidents", "replay", "I99", "--config", agent.config});
    EXPECT_EQ(unknown.code, exit_problem);
    EXPECT_THAT(unknown.errors, HasSubstr("no incident I99"));
    const Ran nothing = run_medic({"incidents", "replay", "I1", "--config", agent.config});
    EXPECT_EQ(nothing.code, exit_cannot_tell);
    EXPECT_THAT(nothing.errors, HasSubstr("nothing to ask again"));
    const Ran elsewhere = run_medic({"incidents", "replay", "I1", "--url", "http://127.0.0.1:1"});
    EXPECT_EQ(elsewhere.code, exit_usage);
    EXPECT_THAT(elsewhere.errors, HasSubstr("give --config"));
}

TEST(AgentCommands, AConfigurationThatIsNoneIsWrongUsage) {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"incidents"},
                                                      {"incidents", "I1"},
                                                      {"incidents", "replay", "I1"},
                                                      {"actions"},
                                                      {"pause", "--reason", "x"}}) {
        auto whole = arguments;
        whole.insert(whole.end(), {"--config", "no-such-file.yaml"});
        const Ran ran = run_medic(whole);
        EXPECT_EQ(ran.code, exit_usage) << arguments[0] << ran.errors;
        EXPECT_THAT(ran.errors, Not(HasSubstr("no agent answers"))) << arguments[0];
    }
}

TEST(AgentCommands, TakeOptionsBehindTheirSubcommandToo) {
    const FakeWeb web([](const std::string& head) {
        return head.starts_with("POST") ? web_answer(R"({"accepted":true})")
                                        : web_answer(R"({"actions":[7],"incidents":[]})");
    });
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"actions", "approve", "I17/2"},
                                                      {"actions", "list", "-o", "json"},
                                                      {"incidents", "list", "-o", "json"},
                                                      {"incidents", "verdict", "I17", "right"}}) {
        auto whole = arguments;
        whole.insert(whole.end(), {"--url", web.url() + "/"});
        const Ran ran = run_medic(whole);
        EXPECT_EQ(ran.code, exit_ok) << arguments[1] << ": " << ran.errors;
    }
    EXPECT_EQ(run_medic({"incidents", "replay", "I1", "I2", "--url", web.url()}).code, exit_usage) << "one at a time";
}

TEST(AgentCommands, WhatOneCallWasGivenIsNotTheNextOnes) {
    const FakeWeb web([](const std::string&) { return web_answer(R"({"accepted":true})"); });
    EXPECT_EQ(run_medic({"pause", "--reason", "x", "--url", web.url()}).code, exit_ok);
    EXPECT_EQ(run_medic({"pause", "--reason", "x", "--config", "no-such-file.yaml"}).code, exit_usage);
}

TEST(Actions, WhatTheyAreCalledStaysOnItsLine) {
    const FakeWeb web([](const std::string&) {
        return web_answer(R"({"actions":[{"id":"I1/1","state":"acting","text":"stop x\nI9/1 forged",)"
                          R"("waiting_for":"ann\nI9/2 forged","refusals":[{"why":"so\nI9/3 forged"},7]},7]})");
    });
    const Ran ran = run_medic({"actions", "--url", web.url()});
    EXPECT_EQ(ran.code, exit_ok) << ran.errors;
    EXPECT_THAT(ran.out, HasSubstr("stop x I9/1 forged"));
    EXPECT_EQ(count(ran.out, "\nI9/"), 0U) << ran.out;
}

constexpr const char* whole_incident =
    R"({"id":"I17","cluster":"lab","state":"waiting_approval","outcome":"no_effect","waiting_for":"kafka platform",
"opened_at":"2026-11-28T10:00:00.000Z","detected_at":"2026-11-28T10:00:02.000Z","resolved_at":null,
"action":"I17/2","approved_by":"","first_failure":"java.io.IOException: full\n\tat x",
"diagnosis":{"cause":"kafka.broker-lost","side":"system","owner":"kafka platform","confidence":0.9,
"summary":"broker 2\nis gone","subject":{"cluster":"lab","kind":"broker","name":"2"},
"evidence":[{"kind":"metric","text":"no process on b2"},7]},
"plan":{"remedy":"kafka.restart-broker","summary":"start it again","needs_approval":"it holds data",
"steps":[{"text":"start broker 2"}]},
"refusals":[{"guard":"pause","why":"paused by ann","until":"2026-11-28T12:00:00.000Z"}],
"story":[{"at":"2026-11-28T10:00:02.000Z","text":"named\nI9 forged"}]})";

TEST(Incidents, OneIsToldWithAllThatAPersonDecidesFrom) {
    const FakeWeb web([](const std::string&) { return web_answer(whole_incident); });
    const Ran ran = run_medic({"incidents", "I17", "--url", web.url()});
    EXPECT_EQ(ran.code, exit_ok) << ran.errors;
    for (const char* told :
         {"broker 2 is gone", "cause kafka.broker-lost · lab:broker/2 · owner kafka platform · 90 % sure",
          "waits for kafka platform", "outcome no_effect", "cause named 2026-11-28T10:00:02.000Z",
          "metric: no process on b2", "kafka.restart-broker: start it again", "is I17/2)",
          "a person must agree: it holds data", "- start broker 2",
          "pause: paused by ann (until 2026-11-28T12:00:00.000Z)", "named I9 forged"})
        EXPECT_THAT(ran.out, HasSubstr(told));
}

TEST(Report, IncidentsOfADrillThatBeganBeforeItsTimeAreSetAside) {
    const StoppedAgent agent;
    const WallTime now = read_clock().wall;
    agent.keep({row("I1", now - Duration{6 * day_ms}), row("I2", now - Duration{6 * day_ms})});
    agent.folder.write("data/drills/D-1.json", R"({"drill":{"id":"D-1","fault":"f","at_ms":)" +
                                                   std::to_string((now - Duration{8 * day_ms}).unix_ms) +
                                                   R"(,"incidents":["I1"]}})");
    const Ran ran = run_medic({"report", "--config", agent.config, "--since", "7d", "-o", "json"});
    EXPECT_EQ(ran.code, exit_ok) << ran.errors;
    EXPECT_THAT(ran.out, HasSubstr(R"("incidents": 1,)"));
    EXPECT_THAT(ran.out, HasSubstr(R"("drills": [])"));
}

TEST(Report, ATimeBeforeAllClocksIsRefused) {
    const StoppedAgent agent;
    agent.keep({row("I1")});
    EXPECT_EQ(run_medic({"report", "--config", agent.config, "--since", "1000y"}).code, exit_usage);
}

// follow() blocks the signals that end it; the tests after it want them as they were.
struct SignalsAsBefore {
    SignalsAsBefore() { pthread_sigmask(SIG_SETMASK, nullptr, &before); }
    ~SignalsAsBefore() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    SignalsAsBefore(const SignalsAsBefore&) = delete;
    SignalsAsBefore& operator=(const SignalsAsBefore&) = delete;
    sigset_t before{};
};

TEST(Follow, ThatTheAgentDoesNotAnswerIsSaidOnce) {
    const SignalsAsBefore signals;
    std::atomic<int> looks{0};
    const FakeWeb web([&](const std::string& head) {
        if (head.starts_with("POST")) return web_answer(R"({"accepted":true})");
        const int look = ++looks;
        if (look == 1) return web_answer(R"({"incidents":[]})");
        if (look < 4) return web_refusal(503, "");
        return web_answer(R"({"incidents":[{"id":"I1","state":"resolved","outcome":"done",)"
                          R"("diagnosis":{"cause":"operator.roll","summary":"a roll\nof ann's"}}]})");
    });
    const Ran ran = run_medic({"roll", "broker", "--reason", "x", "--url", web.url()});
    EXPECT_EQ(ran.code, exit_ok) << ran.errors;
    EXPECT_EQ(count(ran.errors, "the agent does not answer"), 1U) << ran.errors;
    EXPECT_THAT(ran.out, HasSubstr("I1: a roll of ann's\n"));
}

// Flink with these jobs; what it says of one is asked for by its id.
class FakeFlink {
public:
    explicit FakeFlink(std::string jobs) : jobs_(std::move(jobs)) {}
    [[nodiscard]] Ran lint(std::vector<std::string> more) const {
        more.insert(more.begin(), {"lint", "job"});
        more.insert(more.end(), {"--flink", web_.url(), "-o", "json"});
        return run_medic(more);
    }

private:
    [[nodiscard]] std::string answer(const std::string& head) const {
        if (head.starts_with("GET /jobs/overview ")) return web_answer(R"({"jobs":[)" + jobs_ + "]}");
        for (const std::string id : {"old", "older", "new"})
            if (head.starts_with("GET /jobs/" + id + " "))
                return web_answer(R"({"jid":")" + id + R"(","name":"orders","vertices":[]})");
        return web_refusal(404, "{}");
    }
    std::string jobs_;
    FakeWeb web_{[this](const std::string& head) { return answer(head); }};
};

std::string job(const std::string& id, const std::string& state, int start) {
    return R"({"jid":")" + id + R"(","name":"orders","state":")" + state + R"(","start-time":)" +
           std::to_string(start) + "}";
}

TEST(Lint, ByNameTheOneThatLivesOrElseTheNewest) {
    const std::string over = job("older", "FAILED", 1) + "," + job("old", "CANCELED", 2);
    const Ran alive = FakeFlink(over + "," + job("new", "RUNNING", 3)).lint({"orders"});
    EXPECT_THAT(alive.out, HasSubstr(R"("job_id": "new")"));
    EXPECT_EQ(count(alive.out, R"("job_id")"), 1U) << alive.out;
    const Ran none = FakeFlink(over).lint({"orders"});
    EXPECT_THAT(none.out, HasSubstr(R"("job_id": "old")"));
    EXPECT_EQ(count(none.out, R"("job_id")"), 1U) << none.out;
    EXPECT_THAT(FakeFlink(over).lint({"older"}).out, HasSubstr(R"("job_id": "older")"));
}

TEST(Lint, AJobThatCanNotBeReadEndsNotTheOthers) {
    const Ran ran = FakeFlink(job("lost", "RUNNING", 1) + "," + job("new", "RUNNING", 2)).lint({});
    EXPECT_NE(ran.code, exit_ok) << "not all was seen";
    EXPECT_THAT(ran.out, HasSubstr(R"("job_id": "new")"));
    EXPECT_THAT(ran.out, HasSubstr(R"("what": "orders")"));
    EXPECT_THAT(ran.errors, HasSubstr("orders: "));
}

}  // namespace
}  // namespace medic::cli

#include "agent/backtest/backtest.h"

#include <gtest/gtest.h>

#include "agent/backtest/fake_prometheus_internal.h"
#include "agent/backtest/summary.h"

namespace medic::backtest {
namespace {

const WallTime zero{1'790'000'010'000};

// An hour of the scene, as a cluster without a medic.yaml.
Options hour() {
    Options options;
    options.config.clusters.emplace_back().name = "lab";
    options.config.clusters[0].prometheus = {.url = "http://prometheus:9090", .match = "{}"};
    options.from = zero;
    options.to = zero + Duration{3'600'000};
    return options;
}

Result<Outcome> play(const FakePrometheus& fake, const Options& options) {
    return run(options,
               [&](const std::string&, const std::string& url) -> Result<HttpAnswer> { return fake.answer(url); });
}

Outcome played(const FakePrometheus& fake, const Options& options = hour()) {
    auto outcome = play(fake, options);
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *std::move(outcome) : Outcome{};
}

bool unheard(const Outcome& outcome, std::string_view name) {
    return std::ranges::any_of(outcome.unheard, [&](const Unheard& one) { return one.name == name; });
}

void add_nodes(Config& config) {
    for (const char* name : {"tm-1", "tm-2", "tm-3"}) {
        NodeConfig node{.name = name, .role = "taskmanager", .spare = std::string_view(name) == "tm-3"};
        node.driver.commands = {{"start", {"true"}}, {"start_spare", {"true"}}, {"kill", {"true"}}};
        config.clusters[0].nodes.push_back(node);
        config.clusters[0].pages.push_back(
            {.url = fmt::format("http://{}:9249/metrics", name), .kind = "flink-taskmanager", .node = name});
    }
}

TEST(Backtest, ALostTaskManagerIsOneIncident) {
    const Outcome outcome = played(FlinkScene{}.recorded(zero));
    ASSERT_EQ(outcome.cases.size(), 1U) << text_of(outcome);
    const Case& one = outcome.cases[0];
    EXPECT_EQ(one.cause, "flink.taskmanager-lost");
    EXPECT_EQ(one.side, "system");
    EXPECT_EQ(one.proposal.remedy, "flink.replace-taskmanager");
    EXPECT_FALSE(one.proposal.live_facts.empty());
    ASSERT_TRUE(one.until);
    EXPECT_NEAR(static_cast<double>(one.lasted(outcome.to).count()), 600'000, 90'000);
    EXPECT_EQ(outcome.verdict(), Outcome::Verdict::problem);
}

TEST(Backtest, WithNodesThePlanAndTheObjectionsAreTold) {
    Options options = hour();
    add_nodes(options.config);
    const Outcome outcome = played(FlinkScene{}.recorded(zero), options);
    ASSERT_EQ(outcome.cases.size(), 1U) << text_of(outcome);
    const Proposal& proposal = outcome.cases[0].proposal;
    EXPECT_NE(proposal.plan.find("start tm-3 from the warm pool"), std::string::npos) << text_of(outcome);
    EXPECT_EQ(proposal.mode, "observe");
    EXPECT_TRUE(std::ranges::any_of(proposal.live_facts, [](const std::string& one) {
        return one.starts_with("operation-under-way");
    })) << text_of(outcome);
}

// A policy that would act is told, and nothing is done: the loop itself only observes.
TEST(Backtest, ThePolicyIsToldAndNothingActs) {
    Options options = hour();
    add_nodes(options.config);
    options.policy.rules.push_back({.mode = Mode::auto_});
    const Outcome outcome = played(FlinkScene{}.recorded(zero), options);
    ASSERT_EQ(outcome.cases.size(), 1U);
    EXPECT_EQ(outcome.cases[0].proposal.mode, "auto");
}

TEST(Backtest, AQuietHourHasNone) {
    const Outcome outcome = played(FlinkScene{.lost = false}.recorded(zero));
    EXPECT_TRUE(outcome.cases.empty()) << text_of(outcome);
    EXPECT_EQ(outcome.verdict(), Outcome::Verdict::quiet);
    EXPECT_FALSE(unheard(outcome, "FlinkTaskManagerMissing"));
    EXPECT_FALSE(unheard(outcome, "taskmanager_silence"));
    EXPECT_TRUE(unheard(outcome, "disk_forecast"));
}

// Without the job manager's count and without scrapes nobody can say that a task manager is lost.
TEST(Backtest, MissingSeriesAreNamed) {
    FakePrometheus fake = FlinkScene{}.recorded(zero);
    fake.without("up").without("flink_jobmanager_numRegisteredTaskManagers");
    const Outcome outcome = played(fake);
    EXPECT_TRUE(std::ranges::none_of(outcome.cases, [](const Case& one) { return one.group == "system-node-lost"; }))
        << text_of(outcome);
    EXPECT_TRUE(unheard(outcome, "FlinkTaskManagerMissing"));
    EXPECT_TRUE(unheard(outcome, "taskmanager_silence"));
    EXPECT_NE(text_of(outcome).find("analyzer taskmanager_silence: "), std::string::npos);
}

TEST(Backtest, NothingRecordedIsNotHealthy) {
    const Outcome outcome = played(FakePrometheus(zero));
    EXPECT_TRUE(outcome.cases.empty());
    EXPECT_EQ(outcome.moments_seen, 0U);
    EXPECT_EQ(outcome.verdict(), Outcome::Verdict::cannot_tell);
    EXPECT_EQ(outcome.unheard.size(), outcome.rules + outcome.analyzers);
}

TEST(Backtest, AnHourInWhichNobodyLookedForAWhileIsNotQuiet) {
    FakePrometheus fake(zero);
    fake.series("up", {{"instance", "jm:9249"}},
                [](int s) { return s < 1'200 || s > 1'500 ? std::optional(1.0) : std::nullopt; });
    const Outcome outcome = played(fake);
    ASSERT_EQ(outcome.gaps.size(), 1U);
    EXPECT_EQ(outcome.gaps[0].to - outcome.gaps[0].from, Duration{300'000});
    EXPECT_EQ(outcome.verdict(), Outcome::Verdict::cannot_tell);
}

TEST(Backtest, AServerThatFindsItTooMuchIsAskedForLess) {
    FakePrometheus fake = FlinkScene{.lost = false}.recorded(zero);
    fake.points_max = 20;
    const Outcome outcome = played(fake);
    EXPECT_EQ(outcome.moments_seen, 121U);
    EXPECT_EQ(outcome.verdict(), Outcome::Verdict::quiet);
}

TEST(Backtest, APartialAnswerIsNotQuiet) {
    FakePrometheus fake = FlinkScene{.lost = false}.recorded(zero);
    fake.warning = "a store did not answer";
    const Outcome outcome = played(fake);
    EXPECT_EQ(outcome.verdict(), Outcome::Verdict::cannot_tell);
    EXPECT_NE(text_of(outcome).find("Incomplete: a store did not answer"), std::string::npos);
}

TEST(Backtest, SaysWhatIsNoQueryApi) {
    const auto said = [](HttpAnswer answer) {
        const auto outcome =
            run(hour(), [&](const std::string&, const std::string&) -> Result<HttpAnswer> { return answer; });
        return outcome ? std::string() : outcome.error().message;
    };
    EXPECT_NE(said({200, "text/html", "<!doctype html><html></html>"}).find("got an HTML page"), std::string::npos);
    EXPECT_NE(said({404, "text/plain", "404 page not found"}).find("expected the address of a query API"),
              std::string::npos);
    EXPECT_NE(
        said({200, "application/json", R"({"status":"success","data":{"resultType":"matrix","res)"}).find("breaks off"),
        std::string::npos);
    EXPECT_NE(said({400, "application/json", R"({"status":"error","error":"parse error"})"}).find("parse error"),
              std::string::npos);
}

TEST(Backtest, AServerThatIsGoneIsUnavailable) {
    int asked = 0;
    const auto outcome = run(hour(), [&](const std::string&, const std::string& url) -> Result<HttpAnswer> {
        ++asked;
        return fail(ErrorCode::unavailable, "{}: connection refused", url);
    });
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
    EXPECT_EQ(outcome.error().message.find("query_range"), std::string::npos) << outcome.error().message;
    EXPECT_EQ(asked, HistoryOptions{}.tries_max);
}

TEST(BacktestAlerts, ReadsBothSpellings) {
    const auto alerts = read_alerts(R"([
        {"start": "2026-11-03T02:10:00Z", "end": "2026-11-03T02:31:00Z", "labels": {"alertname": "A"}},
        {"startsAt": "2026-11-03T02:10:00.5Z", "endsAt": "0001-01-01T00:00:00Z", "labels": {}},
        {"start": 1790000000}])");
    ASSERT_TRUE(alerts) << alerts.error().message;
    ASSERT_EQ(alerts->size(), 3U);
    EXPECT_EQ((*alerts)[0].end - (*alerts)[0].start, Duration{21 * 60'000});
    EXPECT_EQ((*alerts)[0].name(), "A");
    EXPECT_EQ((*alerts)[1].end, (*alerts)[1].start);
    EXPECT_EQ((*alerts)[2].start.unix_ms, 1'790'000'000'000);
}

TEST(BacktestAlerts, RefusesWhatItCannotRead) {
    for (const char* text : {"{}", "[1]", R"([{"end": 5}])", R"([{"start": "yesterday"}])", "nonsense"})
        EXPECT_FALSE(read_alerts(text)) << text;
}

TEST(Backtest, TheMedianOfAnEvenNumberLiesBetweenTheTwoInTheMiddle) {
    Outcome outcome;
    outcome.cases.resize(2);
    outcome.cases[0].since = outcome.cases[1].since = zero;
    outcome.cases[0].until = zero + Duration{60'000};
    outcome.cases[1].until = zero + Duration{600'000};
    ASSERT_EQ(summary_of(outcome).size(), 1U);
    EXPECT_EQ(summary_of(outcome)[0].median, Duration{330'000});
}

TEST(BacktestAlerts, MatchedMissedAndExtra) {
    const auto at = [](int minutes) { return zero + Duration{minutes * 60'000}; };
    std::vector<Case> cases(2);
    cases[0].subject = cases[1].subject = {"lab", "job", "orders"};
    cases[0].since = at(100), cases[0].until = at(110);
    cases[1].since = at(1'000), cases[1].until = at(1'010);
    const std::vector<SeenAlert> alerts = {{at(105), at(108), {{"alertname", "JobDown"}}},
                                           {at(105), at(108), {{"alertname", "Other"}, {"cluster", "prod"}}},
                                           {at(500), at(510), {}},
                                           {at(-500), at(-490), {}}};
    const Comparison with = compare(cases, alerts, zero, at(7 * 24 * 60));
    EXPECT_EQ(with.alerts, 3U);
    EXPECT_EQ(with.outside, 1U);
    EXPECT_EQ(with.matched, 1U);
    EXPECT_EQ(with.missed.size(), 2U);
    EXPECT_EQ(with.extra, std::vector<std::size_t>{1});
    EXPECT_EQ(with.met[0], std::vector<std::string>{"JobDown"});
    EXPECT_DOUBLE_EQ(with.extra_per_week, 1);
}

}  // namespace
}  // namespace medic::backtest

#include <gtest/gtest.h>

#include "agent/loop/incident_codec.h"
#include "agent/report/report.h"

namespace medic::report {
namespace {

constexpr std::int64_t began = 1'700'000'000'000;
WallTime at(int second) { return {began + second * 1'000}; }
const WallTime from = at(0), to = at(7 * 24 * 3'600);

Case incident(const std::string& id, const std::string& cause, Side side, const std::string& outcome) {
    Case one;
    one.incident.id = id;
    one.incident.cluster = "lab";
    one.incident.diagnosis.cause = cause;
    one.incident.diagnosis.side = side;
    one.incident.outcome = outcome;
    one.incident.state = IncidentState::resolved;
    one.incident.opened_at = at(100);
    one.incident.detected_at = at(102);
    return one;
}

Case healed(const std::string& id, int seconds) {
    auto one = incident(id, "connect.task-stuck", Side::system, "healed");
    one.incident.healed_at = at(100 + seconds);
    one.incident.acted = true;
    one.incident.plan = Plan{.remedy = "connect.kill-stuck-task", .steps = {Step{}}};
    one.attempts.push_back(
        {.key = id + "/1/1", .incident = id, .remedy = "connect.kill-stuck-task", .state = "replied"});
    return one;
}

Case shadow(const std::string& id, std::optional<bool> right) {
    auto one = incident(id, "flink.null-dereference", Side::user, "went_away");
    one.incident.plan = Plan{.remedy = "flink.roll-back"};
    one.right = right;
    return one;
}

TEST(TrustReport, CountsOutcomesAndTimes) {
    const auto report = make_report({healed("I1", 6), healed("I2", 8), healed("I3", 60), shadow("I4", {})}, from, to);
    EXPECT_EQ(report.incidents, 4U);
    EXPECT_EQ(report.healed, 3U);
    EXPECT_EQ(report.went_away, 1U);
    EXPECT_EQ(report.by_side.at("system"), 3U);
    EXPECT_EQ(report.recover.median, 8.0);
    EXPECT_EQ(report.recover.worst, 60.0);
    EXPECT_EQ(report.detect.median, 2.0);
    ASSERT_EQ(report.causes.size(), 2U);
    EXPECT_EQ(report.causes[0].cause, "connect.task-stuck");
    ASSERT_EQ(report.remedies.size(), 2U);
    EXPECT_EQ(report.remedies[0].helped, 3U);
    EXPECT_EQ(report.remedies[1].would, 1U);
}

TEST(TrustReport, PromotionNeedsEnoughRightVerdictsAndNoWrongOne) {
    std::vector<Case> cases;
    for (std::size_t i = 0; i < promotion_verdicts_min; ++i) cases.push_back(shadow("I" + std::to_string(i), true));
    EXPECT_TRUE(make_report(cases, from, to).remedies[0].promote);
    cases.push_back(shadow("I99", false));
    EXPECT_FALSE(make_report(cases, from, to).remedies[0].promote);
    cases.assign(cases.size(), shadow("I1", {}));
    EXPECT_FALSE(make_report(cases, from, to).remedies[0].promote) << "promoted without a verdict";
}

TEST(TrustReport, GuardsAreCountedByName) {
    auto one = shadow("I1", {});
    one.decisions.push_back({.kind = "guards", .verdict = "one-in-flight: I3 is under way; pause: ann, game day"});
    one.decisions.push_back({.kind = "guards", .verdict = "permitted"});
    one.decisions.push_back({.kind = "plan", .verdict = "made: x"});
    const auto report = make_report({one}, from, to);
    ASSERT_EQ(report.refusals.size(), 2U);
    EXPECT_EQ(report.refusals[0].second, 1U);
}

// Reasons are people's words, and name what is no guard.
TEST(TrustReport, WhatAReasonSaysIsNoGuard) {
    auto one = shadow("I1", {});
    one.decisions.push_back({.kind = "guards", .verdict = "pause: ann, release: done; note: call bob; pause: again"});
    const auto report = make_report({one}, from, to);
    ASSERT_EQ(report.refusals.size(), 1U);
    EXPECT_EQ(report.refusals[0], (std::pair<std::string, std::size_t>{"pause", 1}));
}

// Nothing was wrong: a roll that ended is no incident that was given to a person.
TEST(TrustReport, WhatPeopleAskedForIsNoIncident) {
    auto roll = incident("I2", "operator.roll", Side::system, "done");
    roll.incident.requested_by = "ann <b>";
    roll.right = true;
    roll.attempts.push_back({.key = "I2/1/1", .incident = "I2", .remedy = "node.roll", .state = "replied"});
    const auto report = make_report({healed("I1", 6), roll}, from, to);
    EXPECT_EQ(report.incidents, 1U);
    EXPECT_EQ(report.escalated, 0U);
    EXPECT_EQ(report.verdicts_right, 0U);
    EXPECT_EQ(report.per_day[0], 1U);
    ASSERT_EQ(report.remedies.size(), 1U);
    ASSERT_EQ(report.requests.size(), 1U);
    EXPECT_EQ(report.requests[0].by, "ann <b>");
    EXPECT_NE(text_of(report).find("1 requests of people"), std::string::npos) << text_of(report);
    EXPECT_NE(text_of(make_report({roll}, from, to)).find("I2  operator.roll in lab by ann <b>: done"),
              std::string::npos);
    EXPECT_NE(json_of(report).find("\"requests\": [\n"), std::string::npos) << json_of(report);
    EXPECT_NE(html_of(report).find("ann &lt;b&gt;"), std::string::npos);
}

TEST(TrustReport, OnlyWhatWasSentAtLastHasHelpedOrIsJudged) {
    auto one = healed("I1", 6);
    one.right = true;
    one.attempts.push_back({.key = "I1/2/1", .incident = "I1", .remedy = "a.tried-before", .state = "replied"});
    one.attempts.push_back({.key = "I1/3/1", .incident = "I1", .remedy = "b.never-left", .state = "not-sent"});
    const auto report = make_report({one}, from, to);
    ASSERT_EQ(report.remedies.size(), 3U);
    for (const RemedyLine& line : report.remedies) {
        const std::size_t wanted = line.remedy == "connect.kill-stuck-task" ? 1 : 0;
        EXPECT_EQ(line.helped, wanted) << line.remedy;
        EXPECT_EQ(line.judged_right, wanted) << line.remedy;
    }
    for (const bool undo : {false, true}) {
        auto other = healed("I2", 6);
        other.right = false;
        other.attempts[0].undo = undo;
        if (!undo) other.attempts[0].state = "not-done";
        const auto line = make_report({other}, from, to).remedies.at(0);
        EXPECT_EQ(line.helped, 0U) << undo;
        EXPECT_EQ(line.judged_wrong, 0U) << undo;
    }
}

TEST(TrustReport, PromotionGoesByShadowDecisionsAlone) {
    std::vector<Case> cases;
    for (std::size_t i = 0; i < promotion_verdicts_min; ++i) {
        cases.push_back(healed("I" + std::to_string(i), 6));
        cases.back().right = true;
    }
    cases.push_back(shadow("I90", true));
    cases.back().incident.plan->remedy = "connect.kill-stuck-task";
    auto line = make_report(cases, from, to).remedies.at(0);
    EXPECT_EQ(line.judged_right, promotion_verdicts_min + 1);
    EXPECT_EQ(line.would_right, 1U);
    EXPECT_FALSE(line.promote) << "one shadow decision was judged";
    for (std::size_t i = 1; i < promotion_verdicts_min; ++i) cases.push_back(cases.back());
    const auto report = make_report(cases, from, to);
    EXPECT_TRUE(report.remedies.at(0).promote);
    EXPECT_NE(text_of(report).find(": 5 shadow decisions were judged right"), std::string::npos) << text_of(report);
}

TEST(TrustReport, TheMedianOfAnEvenNumberLiesBetweenTheTwoInTheMiddle) {
    EXPECT_EQ(make_report({healed("I1", 6), healed("I2", 60)}, from, to).recover.median, 33.0);
}

TEST(TrustReport, OfManyDaysTheNewestAreKept) {
    constexpr std::int64_t day_ms = 24 * 3'600'000;
    const WallTime end = from + Duration{500 * day_ms};
    auto newest = healed("I1", 6);
    newest.incident.opened_at = end - Duration{1};
    const auto report = make_report({healed("I0", 6), newest}, from, end);
    ASSERT_EQ(report.per_day.size(), days_max);
    EXPECT_EQ(report.per_day.back(), 1U);
    EXPECT_EQ(report.per_day.front(), 0U) << "the oldest is not among them";
    EXPECT_EQ(report.per_day_from, end - Duration{static_cast<std::int64_t>(days_max) * day_ms});
    EXPECT_NE(html_of(report).find("from 2024-02-22 on"), std::string::npos) << html_of(report);
}

TEST(TrustReport, WhatWasGivenToAPersonMayStillBeOpen) {
    auto open = incident("I1", "kafka.disk-filling", Side::user, "no_effect");
    open.incident.state = IncidentState::escalated;
    auto over = incident("I2", "kafka.disk-filling", Side::user, "no_effect");
    over.incident.resolved_at = at(100 + 90);
    const auto report = make_report({open, over}, from, to);
    EXPECT_EQ(report.escalated, 2U);
    EXPECT_EQ(report.escalated_open, 1U);
    EXPECT_EQ(report.over.median, 90.0);
    EXPECT_NE(text_of(report).find("2 given to a person (1 still open)"), std::string::npos) << text_of(report);
    EXPECT_NE(text_of(report).find("until over: median 90.0 s"), std::string::npos) << text_of(report);
}

TEST(TrustReport, NothingHappenedIsSaidAndNotDividedBy) {
    const auto report = make_report({}, from, to);
    EXPECT_NE(text_of(report).find("no incident"), std::string::npos);
    EXPECT_FALSE(report.recover.median);
    EXPECT_NE(html_of(report).find("0 incidents"), std::string::npos);
}

TEST(TrustReport, NothingFromOutsideReachesThePageUnescaped) {
    auto one = incident("I1", "<script>alert(1)</script>", Side::user, "escalated");
    const auto page = html_of(make_report({one}, from, to));
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
}

TEST(TrustReport, ReadsTheJournalWithinItsWindow) {
    const auto journal = Journal::open({.path = ":memory:"});
    ASSERT_TRUE(journal) << journal.error().message;
    auto inside = healed("I1", 5).incident, before = healed("I2", 5).incident;
    before.opened_at = from - Duration{1};
    ASSERT_TRUE(
        (*journal)->append({to_row(inside), to_row(before),
                            VerdictRow{.incident = "I1", .right = false, .by = "ann", .reason = "", .at = at(1)},
                            VerdictRow{.incident = "I1", .right = true, .by = "ann", .reason = "", .at = at(2)}}));
    ASSERT_TRUE((*journal)->flush().durable);
    const auto cases = read_cases(**journal, from, to);
    ASSERT_TRUE(cases) << cases.error().message;
    ASSERT_EQ(cases->size(), 1U);
    EXPECT_EQ((*cases)[0].incident.id, "I1");
    EXPECT_EQ((*cases)[0].right, true) << "the newest verdict holds";
}

}  // namespace
}  // namespace medic::report

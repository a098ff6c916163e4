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

#include "agent/collectors/alertmanager/silences.h"

#include <gtest/gtest.h>

#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

constexpr WallTime now{1'795'339'769'000};

// As Alertmanager 0.27 answers; the second silence has ended, the third has not begun.
constexpr const char* silences = R"([
 {"id":"a1","status":{"state":"active"},"updatedAt":"2026-11-28T10:00:00.000Z","comment":"new disks\npassword=hunter2",
  "createdBy":"ana","startsAt":"2026-11-28T10:00:00.123Z","endsAt":"2026-11-28T15:00:00.000+01:00",
  "matchers":[{"isEqual":true,"isRegex":false,"name":"cluster","value":"prod"},
              {"isEqual":true,"isRegex":true,"name":"broker","value":"1|2"},
              {"isEqual":false,"isRegex":false,"name":"team","value":"x"},
              {"isEqual":false,"isRegex":true,"name":"job","value":"a.*"},
              {"isRegex":false,"name":"old","value":"y"}]},
 {"id":"a2","status":{"state":"expired"},"createdBy":"bo","comment":"","startsAt":"2026-11-28T10:00:00Z","endsAt":"2026-11-28T11:00:00Z","matchers":[]},
 {"id":"a3","status":{"state":"pending"},"createdBy":"bo","comment":"","startsAt":"2099-11-28T10:00:00Z","endsAt":"2099-11-28T11:00:00Z","matchers":[]}
])";
constexpr const char* alerts = R"([
 {"fingerprint":"f1","labels":{"alertname":"BrokerSlow","broker":"2","cluster":"prod"},"startsAt":"2026-11-28T09:00:00Z",
  "status":{"state":"suppressed","inhibitedBy":["0a1b"],"silencedBy":[]}},
 {"fingerprint":"f2","labels":{"alertname":"Other"},"status":{"state":"active","inhibitedBy":[],"silencedBy":[]}}
])";

Observation look(const std::string& silences_body, const std::string& alerts_body,
                 SilenceCollectorOptions options = {.url = "http://am:9093/prefix", .target = "prod/alertmanager"}) {
    SilenceCollector collector(std::move(options));
    return recorded::look(collector, now, [&](const std::string& url) -> Result<HttpAnswer> {
        if (url == "http://am:9093/prefix/api/v2/silences") return recorded::ok(silences_body);
        if (url.starts_with("http://am:9093/prefix/api/v2/alerts?active=false&silenced=false"))
            return recorded::ok(alerts_body);
        return HttpAnswer{404, "text/plain", ""};
    });
}

TEST(Silences, active_ones_and_inhibited_alerts_are_read_and_nothing_else) {
    const auto seen = look(silences, alerts);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    ASSERT_TRUE(seen.silences);
    ASSERT_EQ(seen.silences->size(), 2U);
    const Silence& one = seen.silences->at(0);
    EXPECT_EQ(one.id, "a1");
    EXPECT_EQ(one.by, "ana");
    EXPECT_TRUE(one.comment.starts_with("new disks password=")) << one.comment;
    EXPECT_EQ(one.comment.find("hunter2"), std::string::npos);
    EXPECT_EQ(one.until, WallTime{1'795'874'400'000});
    using Op = LabelMatcher::Op;
    const Op ops[] = {Op::equal, Op::matches, Op::not_equal, Op::not_matches, Op::equal};
    ASSERT_EQ(one.matchers.size(), std::size(ops));
    for (std::size_t i = 0; i < std::size(ops); ++i) EXPECT_EQ(one.matchers[i].op, ops[i]) << i;
    const Silence& held = seen.silences->at(1);
    EXPECT_EQ(held.kind, Silence::Kind::inhibition);
    EXPECT_EQ(held.by, "alert 0a1b");
    EXPECT_EQ(held.comment, "BrokerSlow");
    EXPECT_FALSE(held.until);
    EXPECT_TRUE(concerns(held, labels_of({"prod", "broker", "2"})));
    EXPECT_FALSE(concerns(held, labels_of({"prod", "broker", "3"})));
}

TEST(Silences, nothing_silenced_is_an_answer) {
    const auto seen = look("[]", "[]");
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete);
    ASSERT_TRUE(seen.silences);
    EXPECT_TRUE(seen.silences->empty());
}

TEST(Silences, what_can_not_be_read_wholly_is_unknown_and_no_blind_target) {
    for (const auto& [first, second] : {std::pair{"{}", "[]"}, std::pair{"[]", "<html>"}, std::pair{"", ""}}) {
        const auto seen = look(first, second);
        EXPECT_FALSE(seen.silences);
        EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
        EXPECT_FALSE(seen.error.empty());
    }
    const auto many = look(silences, alerts, {.url = "http://am:9093/prefix", .target = "t", .silences_max = 1});
    EXPECT_FALSE(many.silences);
    EXPECT_NE(many.error.find("more than 1"), std::string::npos);
}

}  // namespace
}  // namespace medic

#include "agent/practice/drill_watch.h"

#include <gtest/gtest.h>

#include "agent/practice/scorecard.h"

namespace medic::practice {
namespace {

constexpr Instant begin{Duration{1'000'000}};

IncidentSight incident(const std::string& state, const std::string& cause = "flink.taskmanager-lost") {
    return {.id = "I8",
            .number = 8,
            .cluster = "staging",
            .state = state,
            .outcome = "",
            .waiting_for = "",
            .cause = cause,
            .side = cause.empty() ? "unknown" : "system",
            .subject = "taskmanager/tm-1",
            .summary = "",
            .plan = "start the spare tm-3",
            .plan_remedy = "flink.replace-taskmanager",
            .acted = false,
            .healed = false,
            .story = {{"10:00", "opened"}}};
}

struct Watching {
    explicit Watching(const std::string& mode)
        : watch({.fault = find_fault("taskmanager-lost"), .mode = mode}, begin) {}
    DrillWatch watch;
    std::string said;
    std::optional<Outcome> see(int second, std::optional<std::vector<IncidentSight>> all) {
        auto seen = watch.see({begin + Duration{second * 1'000}, std::move(all)});
        for (const std::string& line : seen.lines) said += line + "\n";
        return seen.over;
    }
};

TEST(DrillWatch, told_acted_and_healed) {
    Watching one("auto");
    EXPECT_FALSE(one.see(1, std::vector<IncidentSight>{}));
    EXPECT_FALSE(one.see(2, {{incident("diagnosing", "")}}));
    EXPECT_FALSE(one.see(3, {{incident("planning")}}));
    IncidentSight acting = incident("acting");
    acting.acted = true;
    EXPECT_FALSE(one.see(4, {{acting}}));
    IncidentSight tidying = incident("verifying");
    tidying.acted = tidying.healed = true;
    EXPECT_FALSE(one.see(9, {{tidying}})) << "it still brings a spare back";
    IncidentSight healed = tidying;
    healed.state = "healed";
    EXPECT_EQ(one.see(12, {{healed}}), Outcome::healed);
    const Measured& m = one.watch.measured();
    EXPECT_EQ(m.told, Duration{2'000});
    EXPECT_EQ(m.named, Duration{3'000});
    EXPECT_EQ(m.acted, Duration{4'000});
    EXPECT_EQ(m.healed, Duration{9'000});
    EXPECT_TRUE(one.watch.passed(Outcome::healed));
    EXPECT_FALSE(m.wrong_first);
    for (const char* part : {"cause and the side are right", "acts: flink.replace-taskmanager", "healed by the agent"})
        EXPECT_TRUE(one.said.contains(part)) << one.said;
}

TEST(DrillWatch, what_comes_back_by_itself_is_no_healing) {
    Watching one("auto");
    EXPECT_FALSE(one.see(2, {{incident("waiting_guard")}}));
    EXPECT_EQ(one.see(9, {{incident("resolved")}}), Outcome::came_back);
    EXPECT_FALSE(one.watch.passed(Outcome::came_back));
}

TEST(DrillWatch, under_observe_it_is_enough_to_be_told_rightly) {
    Watching one("observe");
    EXPECT_EQ(one.see(3, {{incident("observing")}}), Outcome::only_told);
    EXPECT_TRUE(one.watch.passed(Outcome::only_told));
    EXPECT_TRUE(one.said.contains("it would do flink.replace-taskmanager"));
    Watching wrong("observe");
    EXPECT_FALSE(wrong.see(3, {{incident("observing", "flink.out-of-memory")}})) << "the right cause may still come";
    EXPECT_EQ(wrong.see(301, {{incident("observing", "flink.out-of-memory")}}), Outcome::patience_over);
    EXPECT_FALSE(wrong.watch.passed(Outcome::patience_over));
    EXPECT_TRUE(wrong.said.contains("expected flink.taskmanager-lost"));
}

TEST(DrillWatch, under_ask_it_waits_for_the_person_and_then_for_no_longer) {
    Watching one("ask");
    IncidentSight waits = incident("waiting_approval");
    waits.waiting_for = "flink platform";
    for (int second = 1; second < 300; ++second) EXPECT_FALSE(one.see(second, {{waits}}));
    EXPECT_EQ(one.see(300, {{waits}}), Outcome::patience_over);
    EXPECT_TRUE(one.watch.passed(Outcome::patience_over)) << "it was proposed, and nobody agreed";
    EXPECT_TRUE(one.said.contains("waits for flink platform: start the spare tm-3"));
    EXPECT_EQ(one.said.find("waits for"), one.said.rfind("waits for")) << "said once";
    // Under auto the same is a failure.
    Watching automatic("auto");
    (void)automatic.see(1, {{waits}});
    EXPECT_FALSE(automatic.watch.passed(Outcome::patience_over));
}

TEST(DrillWatch, what_nobody_noticed_fails) {
    Watching one("auto");
    EXPECT_EQ(one.see(300, std::vector<IncidentSight>{}), Outcome::patience_over);
    EXPECT_FALSE(one.watch.measured().told);
    EXPECT_FALSE(one.watch.passed(Outcome::patience_over));
}

TEST(DrillWatch, an_agent_that_is_silent_for_long_ends_it) {
    Watching one("auto");
    EXPECT_FALSE(one.see(2, {{incident("planning")}}));
    EXPECT_FALSE(one.see(20, std::nullopt));
    EXPECT_FALSE(one.see(25, {{incident("planning")}})) << "one answer missed is none";
    EXPECT_FALSE(one.see(50, std::nullopt));
    EXPECT_EQ(one.see(56, std::nullopt), Outcome::agent_gone);
}

TEST(DrillWatch, the_expected_cause_counts_also_when_another_came_first) {
    Watching one("auto");
    IncidentSight effect = incident("planning", "flink.peer-lost");
    EXPECT_FALSE(one.see(1, {{effect}}));
    IncidentSight main = incident("acting");
    main.id = "I9";
    main.number = 9;
    main.acted = true;
    EXPECT_FALSE(one.see(2, {{effect, main}}));
    EXPECT_TRUE(one.watch.cause_right());
    EXPECT_TRUE(one.watch.measured().wrong_first);
    main.state = "healed";
    main.healed = true;
    EXPECT_FALSE(one.see(3, {{effect, main}})) << "another of its incidents is still open";
    effect.state = "resolved";
    EXPECT_EQ(one.see(4, {{effect, main}}), Outcome::healed);
    EXPECT_EQ(one.watch.measured().incidents, (std::vector<std::string>{"I8", "I9"}));
}

TEST(IncidentSight, only_what_came_after_and_nobody_asked_for_is_the_drills) {
    const auto all = read_incidents(
        R"({"schema":1,"incidents":[
            {"id":"I9","cluster":"staging","state":"acting","acted_at":"2026-11-29T10:00:00.000Z","healed_at":null,
             "diagnosis":{"cause":"flink.taskmanager-lost","side":"system","subject":{"kind":"taskmanager","name":"tm-1"}},
             "plan":{"remedy":"flink.replace-taskmanager","summary":"start the spare"},"story":[{"at":"10:00","text":"opened"}]},
            {"id":"I8","cluster":"staging","state":"acting","diagnosis":{"cause":"operator.roll"}},
            {"id":"I7","cluster":"prod","state":"acting","diagnosis":{"cause":"kafka.broker-lost"}},
            {"id":"I6","cluster":"staging","state":"resolved","diagnosis":{"cause":"kafka.broker-lost"}}]})");
    ASSERT_TRUE(all) << all.error().message;
    const auto ours = caused_since(*all, "staging", 6);
    ASSERT_EQ(ours.size(), 1u);
    EXPECT_EQ(ours[0].id, "I9");
    EXPECT_EQ(ours[0].subject, "taskmanager/tm-1");
    EXPECT_TRUE(ours[0].acted);
    EXPECT_FALSE(ours[0].healed);
    EXPECT_TRUE(ours[0].at_work());
    EXPECT_FALSE(read_incidents("{}"));
    EXPECT_FALSE(read_incidents("no json"));
}

TEST(Scorecard, tells_what_was_measured_and_what_is_not_undone) {
    Scorecard card{.id = "D-1", .fault = "taskmanager-lost", .cluster = "staging", .node = "tm-1", .by = "ana"};
    card.outcome = Outcome::healed;
    card.passed = card.cause_right = card.undone = true;
    card.measured.told = Duration{2'300};
    card.measured.cause = "flink.taskmanager-lost";
    card.measured.side = "system";
    card.how_undone = "tm-1 runs again: it was started meanwhile";
    EXPECT_TRUE(text_of(card).starts_with("PASSED  taskmanager-lost on tm-1 of staging: healed by the agent\n"));
    EXPECT_TRUE(text_of(card).contains("2.3 s"));
    EXPECT_TRUE(json_of(card).contains("\"detect_ms\": 2300"));
    EXPECT_TRUE(json_of(card).contains("\"recover_ms\": null")) << "never is no zero";
    card.undone = card.passed = false;
    EXPECT_TRUE(text_of(card).contains("NOT UNDONE: "));
}

}  // namespace
}  // namespace medic::practice

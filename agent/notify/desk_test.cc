#include "agent/notify/desk.h"

#include <gtest/gtest.h>

#include "agent/notify/news_internal.h"

namespace medic {
namespace {

using news_test::at;
using news_test::incident;

DeskReceiver chat(const std::string& owner = "*") { return {.name = "chat", .for_owner = owner}; }
DeskReceiver alerts() { return {.name = "am", .keeps_alerts = true}; }

// What leaves at that moment, taken by the receivers at once.
std::vector<Dispatch> deliver(Desk& desk, std::int64_t second, std::vector<DeliveryRow>* rows = nullptr) {
    auto all = desk.due(at(second));
    for (const Dispatch& one : all) {
        auto more = desk.done(one, DispatchOutcome::delivered, {}, at(second));
        if (rows != nullptr) rows->insert(rows->end(), more.begin(), more.end());
    }
    return all;
}

TEST(Desk, AnIncidentIsToldOnceUpdatedWhenItChangesAndResolvedAtItsEnd) {
    Desk desk({chat()}, {});
    EXPECT_EQ(desk.update(incident("I1"), at(0)).size(), 1u);  // Owed, before it is told.
    EXPECT_TRUE(desk.due(at(1)).empty());                      // What follows at once comes with it.
    const auto first = deliver(desk, 4);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first[0].news[0].event, NewsEvent::opened);
    EXPECT_EQ(first[0].news[0].revision, 1u);
    EXPECT_TRUE(desk.update(incident("I1"), at(5)).empty());
    EXPECT_TRUE(deliver(desk, 100).empty());  // Nothing has changed.

    (void)desk.update(incident("I1", IncidentState::escalated), at(200));
    const auto second = deliver(desk, 204);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].news[0].event, NewsEvent::updated);
    EXPECT_EQ(second[0].news[0].revision, 2u);
    EXPECT_NE(second[0].key, first[0].key);

    (void)desk.update(incident("I1", IncidentState::resolved), at(300));
    std::vector<DeliveryRow> rows;
    const auto last = deliver(desk, 304, &rows);
    ASSERT_EQ(last.size(), 1u);
    EXPECT_EQ(last[0].news[0].event, NewsEvent::resolved);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_TRUE(rows[0].final);
    EXPECT_EQ(desk.incidents(), 0u);
}

TEST(Desk, ManyStepsOfOnePlanAreOneUpdate) {
    Desk desk({chat()}, {});
    Incident one = incident("I1", IncidentState::acting);
    one.acted = true;
    one.plans = 1;
    (void)desk.update(one, at(0));
    EXPECT_EQ(deliver(desk, 4).size(), 1u);
    for (const auto state : {IncidentState::verifying, IncidentState::waiting_guard, IncidentState::acting}) {
        one.state = state;
        one.step_number += 1;
        (void)desk.update(one, at(5));
        EXPECT_TRUE(deliver(desk, 10).empty());
    }
}

TEST(Desk, WhatGoesAwayBeforeItHasANameIsNoNews) {
    Desk desk({chat()}, {});
    Incident vague = incident("I1", IncidentState::diagnosing);
    vague.detected_at = {};
    vague.diagnosis.cause = "";
    EXPECT_TRUE(desk.update(vague, at(0)).empty());
    vague.state = IncidentState::resolved;
    vague.outcome = "went_away";
    vague.resolved_at = at(20).wall;
    EXPECT_TRUE(desk.update(vague, at(20)).empty());
    EXPECT_TRUE(deliver(desk, 60).empty());
    // But one that nobody could name in time is.
    vague = incident("I2", IncidentState::escalated);
    vague.detected_at = {};
    vague.outcome = "cannot_tell";
    EXPECT_EQ(desk.update(vague, at(60)).size(), 1u);
    EXPECT_EQ(deliver(desk, 64).size(), 1u);
}

TEST(Desk, OwnersHearOfTheirOwnAndOfAHandOver) {
    Desk desk({{.name = "a", .for_owner = "team-a"}, {.name = "b", .for_owner = "team-b*"}}, {});
    (void)desk.update(incident("I1"), at(0));
    const auto first = deliver(desk, 4);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first[0].receiver, 0u);
    (void)desk.update(incident("I1", IncidentState::observing, "team-b2"), at(10));
    const auto second = deliver(desk, 14);
    ASSERT_EQ(second.size(), 2u);
    EXPECT_EQ(second[0].news[0].event, NewsEvent::handed_over);
    EXPECT_EQ(second[1].news[0].event, NewsEvent::opened);
    (void)desk.update(incident("I1", IncidentState::resolved, "team-b2"), at(20));
    const auto third = deliver(desk, 24);
    ASSERT_EQ(third.size(), 1u);
    EXPECT_EQ(third[0].receiver, 1u);
}

TEST(Desk, AReceiverThatIsDownIsRetriedWithBackOffAndGetsTheNewestStandingOnly) {
    Desk desk({chat()}, {});
    (void)desk.update(incident("I1"), at(0));
    std::vector<std::int64_t> tried;
    for (std::int64_t second = 4; second < 4'000; ++second) {
        const auto all = desk.due(at(second));
        if (all.empty()) continue;
        tried.push_back(second);
        EXPECT_TRUE(desk.done(all[0], DispatchOutcome::failed, {}, at(second)).empty());
    }
    ASSERT_GT(tried.size(), 12u);
    EXPECT_LT(tried.size(), 25u);
    EXPECT_EQ(tried[1] - tried[0], 1);
    EXPECT_EQ(tried[3] - tried[2], 4);
    EXPECT_EQ(tried.back() - tried[tried.size() - 2], 300);  // Bounded.
    (void)desk.update(incident("I1", IncidentState::resolved), at(4'000));
    const auto last = deliver(desk, 4'400);
    ASSERT_EQ(last.size(), 1u);
    EXPECT_EQ(last[0].news[0].event, NewsEvent::resolved);
    EXPECT_TRUE(deliver(desk, 9'000).empty());
}

TEST(Desk, OneDispatchAtATimeSoThatUpdatesArriveInOrder) {
    Desk desk({chat()}, {});
    (void)desk.update(incident("I1"), at(0));
    const auto first = desk.due(at(4));
    ASSERT_EQ(first.size(), 1u);
    (void)desk.update(incident("I1", IncidentState::escalated), at(5));
    EXPECT_TRUE(desk.due(at(60)).empty());
    (void)desk.done(first[0], DispatchOutcome::delivered, {}, at(61));
    const auto second = deliver(desk, 65);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].news[0].event, NewsEvent::updated);
}

TEST(Desk, ARefusedMessageLetsOthersGoFirstAndIsGivenUpInTheEnd) {
    Desk desk({chat()}, {});
    (void)desk.update(incident("I1"), at(0));
    (void)desk.update(incident("I2"), at(1));
    std::map<std::string, int> sent;
    for (std::int64_t second = 4; second < 2'000; ++second)
        for (const Dispatch& one : desk.due(at(second))) {
            ++sent[one.news[0].incident->id];
            const bool bad = one.news[0].incident->id == "I1";
            (void)desk.done(one, bad ? DispatchOutcome::refused : DispatchOutcome::delivered, {}, at(second));
        }
    EXPECT_EQ(sent["I2"], 1);
    EXPECT_EQ(sent["I1"], 5);
    EXPECT_EQ(desk.stats(at(2'000))[0].given_up, 1u);
    (void)desk.update(incident("I1", IncidentState::resolved), at(2'100));  // Other news is tried anew.
    EXPECT_EQ(deliver(desk, 2'104).size(), 1u);
}

TEST(Desk, AStormComesAsOneDigest) {
    Desk desk({chat()}, {});
    for (int i = 1; i <= 40; ++i) (void)desk.update(incident("I" + std::to_string(i)), at(i / 20));
    const auto all = deliver(desk, 4);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].kind, Dispatch::Kind::digest);
    EXPECT_EQ(all[0].news.size(), 40u);
    EXPECT_TRUE(deliver(desk, 100).empty());
    (void)desk.update(incident("I7", IncidentState::escalated), at(101));  // Afterwards each speaks for itself again.
    const auto one = deliver(desk, 105);
    ASSERT_EQ(one.size(), 1u);
    EXPECT_EQ(one[0].kind, Dispatch::Kind::incident);
    EXPECT_EQ(one[0].news[0].event, NewsEvent::updated);
}

TEST(Desk, TheRateIsBoundedAndWhatWaitsIsFoldedNotLost) {
    DeskReceiver slow = chat();
    slow.per_minute = 2;
    slow.fold_from = 3;
    Desk desk({slow}, {});
    std::size_t messages = 0, pieces = 0;
    for (std::int64_t second = 0; second < 600; ++second) {
        if (second % 4 == 0 && second < 400) (void)desk.update(incident("I" + std::to_string(second)), at(second));
        for (const auto& one : deliver(desk, second)) {
            ++messages;
            pieces += one.news.size();
        }
    }
    EXPECT_LE(messages, 22u);
    EXPECT_EQ(pieces, 100u);
}

TEST(Desk, AfterARestartNothingIsLostAndNothingIsToldTwice) {
    std::vector<DeliveryRow> journal;
    const auto keep = [&](std::vector<DeliveryRow> rows) {
        for (auto& row : rows) {
            std::erase_if(journal, [&](const auto& old) { return old.incident == row.incident; });
            journal.push_back(row);
        }
    };
    std::string key;
    {
        Desk desk({chat()}, {});
        keep(desk.update(incident("I1"), at(0)));
        keep(desk.update(incident("I2"), at(0)));
        for (const Dispatch& one : desk.due(at(4))) {
            ASSERT_EQ(one.news[0].incident->id, "I1");
            keep(desk.done(one, DispatchOutcome::delivered, {}, at(4)));
        }
        const auto second = desk.due(at(5));  // It leaves, and the agent dies before it knows.
        ASSERT_EQ(second.size(), 1u);
        key = second[0].key;
    }
    Desk desk({chat()}, {});
    desk.restore(journal, {incident("I1"), incident("I2"), incident("I3")}, at(100));
    std::map<std::string, std::string> keys;
    for (std::int64_t second = 100; second < 200; ++second)
        for (const Dispatch& one : deliver(desk, second)) keys[one.news[0].incident->id] = one.key;
    EXPECT_FALSE(keys.contains("I1"));
    EXPECT_EQ(keys["I2"], key);  // At least once, and recognisable.
    EXPECT_TRUE(keys.contains("I3"));
}

TEST(Desk, AnEndThatIsStillOwedIsToldAfterARestartButNewReceiversGetNoHistory) {
    DeliveryRow owed{.receiver = "chat", .incident = "I1", .revision = 1, .told = "before", .labels = "", .at = {}};
    DeliveryRow over = owed;
    over.incident = "I2";
    over.final = true;
    Desk desk({chat(), {.name = "new"}}, {});
    desk.restore({owed, over}, {incident("I1", IncidentState::resolved), incident("I2", IncidentState::resolved)},
                 at(100));
    const auto all = deliver(desk, 104);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].receiver, 0u);
    EXPECT_EQ(all[0].news[0].event, NewsEvent::resolved);
    EXPECT_EQ(all[0].news[0].revision, 2u);
}

TEST(Desk, AnAlertmanagerGetsManyAtOnceAndOpenOnesAgain) {
    Desk desk({alerts()}, {.batch_max = 200});
    for (int i = 1; i <= 450; ++i) (void)desk.update(incident("I" + std::to_string(i)), at(0));
    std::size_t batches = 0, pieces = 0;
    for (std::int64_t second = 4; second < 30; ++second)
        for (const auto& one : deliver(desk, second)) {
            ++batches;
            pieces += one.news.size();
            EXPECT_LE(one.news.size(), 200u);
        }
    EXPECT_GE(pieces, 450u);
    EXPECT_LE(batches, 6u);
    std::set<std::string> again;
    for (std::int64_t second = 66; second < 90; ++second)
        for (const auto& batch : deliver(desk, second))
            for (const News& one : batch.news) again.insert(one.incident->id);
    EXPECT_EQ(again.size(), 450u);
}

TEST(Desk, AnAlertThatIsOnlySentAgainIsNotJournaled) {
    Desk desk({alerts()}, {});
    (void)desk.update(incident("I1"), at(0));
    std::vector<DeliveryRow> rows;
    EXPECT_EQ(deliver(desk, 4, &rows).size(), 1u);
    EXPECT_EQ(rows.size(), 1u);
    EXPECT_EQ(deliver(desk, 70, &rows).size(), 1u);
    EXPECT_EQ(rows.size(), 1u);
}

TEST(Desk, NoticesOfTheAgentGoToReceiversForEverybody) {
    Desk desk({chat(), {.name = "a", .for_owner = "team-a"}}, {});
    for (int i = 0; i < 3; ++i) desk.notice("the journal can't be written", at(0));
    const auto all = deliver(desk, 1);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].kind, Dispatch::Kind::notice);
    EXPECT_EQ(all[0].receiver, 0u);
    EXPECT_TRUE(deliver(desk, 2).empty());
}

TEST(Desk, WhatNobodyTakesIsBounded) {
    Desk desk({chat()}, {.incidents_max = 50});
    for (int i = 1; i <= 500; ++i) {
        Incident one = incident("I" + std::to_string(i));
        (void)desk.update(one, at(i));
        one = incident(one.id, IncidentState::resolved);
        one.resolved_at = at(i).wall;
        (void)desk.update(one, at(i));
    }
    EXPECT_LE(desk.incidents(), 50u);
    EXPECT_EQ(desk.stats(at(501))[0].given_up, 450u);
    const auto rows = desk.update(incident("I501"), at(90'000'0));
    EXPECT_GT(rows.size(), 10u);  // A day later their ends are given up, and the journal says so.
    EXPECT_TRUE(rows.front().final);
}

}  // namespace
}  // namespace medic

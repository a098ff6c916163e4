#include "agent/daemon/settings_memory.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

const Subject orders{"lab", "connector", "orders"};
const std::map<std::string, std::string> good{{"topics", "a"}, {"db.password", "plum"}};
const std::map<std::string, std::string> bad{{"topics", "b"}, {"db.password", "plum"}};
constexpr int good_after = 60;  // Seconds, as first_good_after.

struct Watched : testing::Test {
    SettingsMemory memory;
    SeriesStore series;
    double records = 0;

    void look(int second, const std::map<std::string, std::string>& configuration, bool runs = true, double rate = 10) {
        const WallTime at{1'000'000 + second * 1'000LL};
        const SeriesId id = *series.intern(
            Labels("connect_task_records_total", {{"cluster", "lab"}, {"connector", "orders"}, {"task", "0"}}));
        series.append({.target = "page", .at = at, .error = {}, .samples = {{id, records += runs ? rate : 0}}});
        ConnectorLook told{.connector = orders,
                           .settings = without_secrets(configuration),
                           .withheld_marks = {},
                           .tasks = 1,
                           .runs = runs};
        for (const auto& name : told.settings.withheld)
            told.withheld_marks[name] = std::hash<std::string>{}(configuration.at(name));
        memory.look("lab", {told}, true, series, at);
    }
    void looks(int from, int to, const std::map<std::string, std::string>& configuration, double rate = 10) {
        for (int second = from; second <= to; second += 5) look(second, configuration, true, rate);
    }
    void restart() {
        std::vector<KeptRow> rows = memory.take_changed();
        for (auto& row : rows) kept[row.subject] = row;
        memory = SettingsMemory();
        for (const auto& [connector, row] : kept) memory.recall(row);
    }
    std::string change() const {
        std::map<std::string, std::string> attributes;
        memory.tell(orders, attributes);
        return attributes["settings_change"];
    }
    bool tells(const std::string& part) const { return change().find(part) != std::string::npos; }
    std::map<Subject, KeptRow> kept;
};

TEST_F(Watched, AChangeIsToldAgainstTheSettingsUnderWhichItWorked) {
    looks(0, good_after + 5, good);
    EXPECT_EQ(change(), "");
    look(100, bad, false);
    EXPECT_TRUE(tells(R"("back":{"topics":"a"})")) << change();
    EXPECT_TRUE(tells(R"("forth":{"topics":"b"})")) << change();
    EXPECT_TRUE(tells(R"("worked":true)")) << change();
    EXPECT_TRUE(tells(R"("changed_at":1100000)")) << change();
    EXPECT_TRUE(tells(R"("from":")" + hash_of(without_secrets(bad)) + '"')) << change();
    EXPECT_TRUE(tells(R"("withheld":[],"withheld_known":true)")) << change();
    EXPECT_EQ(change().find("plum"), std::string::npos);
    look(105, good);
    EXPECT_EQ(change(), "");
}

TEST_F(Watched, WhatNeverWorkedLongEnoughIsNotGood) {
    looks(0, good_after - 5, good);
    look(100, bad, false);
    EXPECT_EQ(change(), "unknown");
}

TEST_F(Watched, WhatRunsAndMovesNothingIsNotGood) {
    looks(0, 3 * good_after, good, 0);
    look(200, bad, false);
    EXPECT_EQ(change(), "unknown");
}

TEST_F(Watched, NewSettingsAreGoodOnlyWhenTheyHaveOutlastedSuspicion) {
    looks(0, good_after + 5, good);
    looks(100, 390, bad);
    EXPECT_TRUE(tells(R"("back":{"topics":"a"})")) << change();
    looks(395, 405, bad);
    EXPECT_EQ(change(), "");
    look(500, good, false);
    EXPECT_TRUE(tells(R"("back":{"topics":"b"})")) << change();
}

TEST_F(Watched, AConnectorThatFailedBeforeTheChangeDidNotWorkUntilThen) {
    looks(0, good_after + 5, good);
    look(90, good, false);
    look(100, bad, false);
    EXPECT_TRUE(tells(R"("worked":false)")) << change();
}

TEST_F(Watched, ChangesAreCounted) {
    looks(0, good_after + 5, good);
    look(100, {{"topics", "c"}, {"db.password", "plum"}});
    look(105, bad, false);
    EXPECT_TRUE(tells(R"("changes":2)")) << change();
}

TEST_F(Watched, AChangedSecretIsNamedAndNotTold) {
    looks(0, good_after + 5, good);
    look(100, {{"topics", "a"}, {"db.password", "pear"}}, false);
    EXPECT_TRUE(tells(R"("withheld":["db.password"])")) << change();
    EXPECT_EQ(change().find("pear"), std::string::npos);
    look(105, {{"topics", "a"}}, false);
    EXPECT_TRUE(tells(R"("withheld":["db.password"])")) << change();
}

TEST_F(Watched, ARestartForgetsNothingButWhetherASecretWasChanged) {
    looks(0, good_after + 5, good);
    look(100, bad, false);
    const std::string before = change();
    restart();
    EXPECT_EQ(kept.at(orders).detail.find("plum"), std::string::npos);
    look(110, bad, false);
    EXPECT_TRUE(tells(R"("changed_at":1100000)")) << change();
    EXPECT_TRUE(tells(R"("worked":true)")) << change();
    EXPECT_TRUE(tells(R"("withheld_known":false)")) << change();
}

TEST_F(Watched, AfterARestartTheSameSettingsProveTheirSecretsAnew) {
    looks(0, good_after + 5, good);
    restart();
    looks(100, 100 + good_after + 5, good);
    look(200, bad, false);
    EXPECT_TRUE(tells(R"("withheld_known":true)")) << change();
}

TEST_F(Watched, AChangeWhileTheAgentWasAwayForAMomentIsTakenForJustMade) {
    looks(0, good_after + 5, good);
    restart();
    look(100, bad, false);
    EXPECT_TRUE(tells(R"("changed_at":1100000)")) << change();
    EXPECT_TRUE(tells(R"("worked":true)")) << change();
}

TEST_F(Watched, WhatFailedBeforeTheAgentWentAwayDidNotWork) {
    looks(0, good_after + 5, good);
    look(80, good, false);
    restart();
    look(100, bad, false);
    EXPECT_TRUE(tells(R"("worked":false)")) << change();
}

TEST_F(Watched, AChangeWhileNobodyLookedHasNoTime) {
    looks(0, good_after + 5, good);
    restart();
    look(300, bad, false);
    EXPECT_TRUE(tells(R"("changed_at":0)")) << change();
}

TEST_F(Watched, AConnectorThatIsGoneIsForgotten) {
    looks(0, good_after + 5, good);
    memory.look("lab", {}, false, series, {1'100'000});
    EXPECT_EQ(change(), "");
    memory.look("other", {}, true, series, {1'100'000});
    (void)memory.take_changed();
    memory.look("lab", {}, true, series, {1'100'000});
    const auto rows = memory.take_changed();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].subject, orders);
    EXPECT_EQ(rows[0].detail, "");
    restart();
    look(200, good);
    EXPECT_EQ(change(), "unknown");
}

TEST_F(Watched, AnUnreadableRecordIsAsIfNeverSeen) {
    for (const char* detail : {"{", "[]", R"({"now":7})"}) memory.recall({orders, detail});
    look(0, good);
    EXPECT_EQ(change(), "unknown");
}

TEST_F(Watched, OfOneThatFailedItsSettingsAreToldWithoutTheirSecrets) {
    look(0, good);
    std::map<std::string, std::string> attributes;
    memory.tell(orders, attributes);
    EXPECT_FALSE(attributes.contains("settings"));
    attributes["failed_tasks"] = "0";
    memory.tell(orders, attributes);
    EXPECT_EQ(attributes.at("settings"), R"({"kept":{"topics":"a"},"withheld":["db.password"]})");
}

}  // namespace
}  // namespace medic

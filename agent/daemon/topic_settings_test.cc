#include "agent/daemon/topic_settings.h"

#include <optional>

#include <gtest/gtest.h>

namespace medic {
namespace {

const Subject orders{"lab", "topic", "orders"};
using Attributes = TopicSettingsMemory::Attributes;
const Attributes good{{"min.insync.replicas", "2"}, {"retention.ms", "604800000"}, {"overridden", "retention.ms"}};
const Attributes bad{
    {"min.insync.replicas", "4"}, {"retention.ms", "604800000"}, {"overridden", "min.insync.replicas,retention.ms"}};
constexpr int good_after = 60, next_good = 15 * 60;  // Seconds.

struct WatchedTopic : testing::Test {
    TopicSettingsMemory memory;
    std::optional<SeriesStore> series{std::in_place};
    std::map<Subject, std::string> journal;
    double records = 0;

    void look(int second, const Attributes& settings, double rate = 10) {
        const WallTime at{1'000'000 + second * 1'000LL};
        const SeriesId id = *series->intern(
            Labels("kafka_partition_log_end_offset", {{"cluster", "lab"}, {"topic", "orders"}, {"partition", "0"}}));
        series->append({.target = "kafka", .at = at, .error = {}, .samples = {{id, records += rate}}});
        memory.look("lab", {{orders, settings}}, true, *series, at);
    }
    void looks(int from, int to, const Attributes& settings, double rate = 10) {
        for (int second = from; second <= to; second += 15) look(second, settings, rate);
    }
    // Another agent with the same journal; it has not seen what came before.
    void restart() {
        for (auto& row : memory.take_changed()) journal[row.subject] = row.detail;
        memory = TopicSettingsMemory();
        series.emplace();
        for (const auto& [topic, detail] : journal) memory.recall({topic, detail});
    }
    std::string attribute(const std::string& name) const {
        std::map<std::string, std::string> attributes;
        memory.tell(orders, attributes);
        return attributes.contains(name) ? attributes[name] : "(not told)";
    }
    std::string change() const { return attribute("settings_change"); }
    bool tells(const std::string& part) const { return change().find(part) != std::string::npos; }
};

TEST_F(WatchedTopic, AChangeIsToldAgainstTheSettingsUnderWhichItWasWrittenTo) {
    EXPECT_EQ(change(), "(not told)");
    looks(0, good_after, good);
    EXPECT_EQ(change(), "none");
    look(75, bad);
    EXPECT_TRUE(tells(R"("was":{"min.insync.replicas":"2"})")) << change();
    EXPECT_TRUE(tells(R"("is":{"min.insync.replicas":"4"})")) << change();
    EXPECT_TRUE(tells(R"("back":{"min.insync.replicas":null})")) << "it was taken over from the brokers";
    EXPECT_TRUE(tells(R"("forth":{"min.insync.replicas":"4"})")) << change();
    EXPECT_TRUE(tells(R"("changed_at":1075000)")) << change();
    EXPECT_TRUE(tells(R"("worked":true)")) << change();
    EXPECT_EQ(attribute("written_until"), "1075000");
    look(90, good);
    EXPECT_EQ(attribute("written_until"), "(not told)");
    EXPECT_EQ(change(), "none");
}

TEST_F(WatchedTopic, WhatItHadItselfIsSetAgain) {
    looks(0, good_after, good);
    look(75, {{"min.insync.replicas", "2"}, {"retention.ms", "1000"}, {"overridden", "retention.ms"}});
    EXPECT_TRUE(tells(R"("back":{"retention.ms":"604800000"})")) << change();
}

TEST_F(WatchedTopic, ABrokersDefaultThatWasChangedIsSaidToBeTheirs) {
    looks(0, good_after, good);
    look(75, {{"min.insync.replicas", "4"}, {"retention.ms", "604800000"}, {"overridden", "retention.ms"}});
    EXPECT_TRUE(tells(R"("back":{})")) << change();
    EXPECT_TRUE(tells(R"("of_brokers":["min.insync.replicas"])")) << change();
}

TEST_F(WatchedTopic, WhatWasNotSeenForLongOrNotWrittenToIsNotGood) {
    looks(0, good_after - 15, good);
    look(60, bad);
    EXPECT_EQ(change(), "unknown");
    memory = TopicSettingsMemory();
    looks(100, 400, good, 0);
    EXPECT_EQ(change(), "unknown");
}

TEST_F(WatchedTopic, NewSettingsAreGoodOnlyWhenTheyHaveOutlastedSuspicionAndAreWrittenUnder) {
    looks(0, good_after, good);
    looks(75, 75 + next_good - 15, bad);
    EXPECT_TRUE(tells(R"("is")")) << change();
    look(75 + next_good, bad);
    EXPECT_EQ(change(), "none");
    look(2'000, good);
    EXPECT_TRUE(tells(R"("back":{"min.insync.replicas":"4"})")) << change();
}

TEST_F(WatchedTopic, UnderWhichNothingIsWrittenNeverBecomesGood) {
    looks(0, good_after, good);
    looks(75, 75 + 3 * next_good, bad, 0);
    EXPECT_TRUE(tells(R"("is":{"min.insync.replicas":"4"})")) << change();
}

TEST_F(WatchedTopic, OneThatNobodyWroteToBeforeDidNotWork) {
    looks(0, good_after, good);
    looks(75, 300, good, 0);
    look(315, bad, 0);
    EXPECT_TRUE(tells(R"("worked":false)")) << change();
    EXPECT_EQ(attribute("written_until"), "(not told)");
}

TEST_F(WatchedTopic, ChangesAreCounted) {
    looks(0, good_after, good);
    auto between = bad;
    between["min.insync.replicas"] = "3";
    look(75, between);
    look(90, bad);
    EXPECT_TRUE(tells(R"("changes":2)")) << change();
}

TEST_F(WatchedTopic, ALookThatTellsNoSettingsChangesNothing) {
    looks(0, good_after, good);
    look(75, {{"partitions", "1"}});
    EXPECT_EQ(change(), "none");
}

TEST_F(WatchedTopic, AnAgentThatIsStartedAgainKnowsTheChangeBeforeIt) {
    looks(0, good_after, good);
    look(75, bad);
    const std::string before = change();
    restart();
    EXPECT_EQ(change(), before);
    look(90, bad);
    EXPECT_EQ(change(), before);
    look(105, good);
    EXPECT_EQ(change(), "none");
}

TEST_F(WatchedTopic, WhatWasChangedWhileNoAgentLookedIsOfNowOnlyAfterAShortAbsence) {
    looks(0, good_after, good);
    restart();
    look(120, bad);
    EXPECT_TRUE(tells(R"("changed_at":1120000)")) << change();
    EXPECT_TRUE(tells(R"("worked":true)")) << change();
    look(135, good);
    restart();
    look(135 + 600, bad);
    EXPECT_TRUE(tells(R"("changed_at":0)")) << change();
}

TEST_F(WatchedTopic, WhatTheJournalHoldsAndCanNotBeReadWasNeverSeen) {
    for (const char* detail : {"{", "[]", "7", R"({"now":7})", R"({"now":{"retention.ms":1}})"}) {
        memory.recall({orders, detail});
        EXPECT_EQ(change(), "(not told)") << detail;
    }
}

TEST_F(WatchedTopic, ATopicThatIsGoneIsForgotten) {
    looks(0, good_after, good);
    memory.look("lab", {}, false, *series, {1'100'000});
    EXPECT_EQ(change(), "none");
    memory.look("other", {}, true, *series, {1'100'000});
    EXPECT_EQ(change(), "none");
    memory.look("lab", {}, true, *series, {1'100'000});
    EXPECT_EQ(change(), "(not told)");
    restart();
    EXPECT_EQ(change(), "(not told)");
}

}  // namespace
}  // namespace medic

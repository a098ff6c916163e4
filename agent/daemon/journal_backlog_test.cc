#include "agent/daemon/journal_backlog.h"

#include <gtest/gtest.h>

#include <string>

#include "agent/base/test_folder_internal.h"

namespace medic {
namespace {

constexpr WallTime now{1'000'000};
constexpr std::uint64_t roomy = 100 << 20;

ConnectorSettingsRow settings(const std::string& connector, const std::string& detail) {
    return {.cluster = "c", .connector = connector, .detail = detail, .at = now};
}

TEST(JournalBacklog, WhatAFullDiskDidNotTakeIsWrittenOnceThereIsRoomAndNewerRowsStayNewer) {
    const TestFolder folder;
    const std::string file = (folder.path / "journal.db").string();
    const auto journal = Journal::open({.path = file}).value();
    JournalBacklog backlog;
    ASSERT_TRUE(journal->limit_bytes(1));
    backlog.write(*journal, {settings("orders", std::string(200'000, 'x'))});
    backlog.write(*journal, {settings("orders", "newest"), settings("audit", "good")});
    EXPECT_EQ(backlog.size(), 3U) << "nothing of it is durable";
    ASSERT_TRUE(journal->limit_bytes(roomy));
    backlog.write(*journal, {settings("late", "good")});
    EXPECT_EQ(backlog.size(), 0U);
    const JournalState kept = journal->load(now);
    ASSERT_EQ(kept.connector_settings.size(), 3U);
    for (const ConnectorSettingsRow& row : kept.connector_settings)
        EXPECT_EQ(row.detail, row.connector == "orders" ? "newest" : "good") << row.connector;
}

TEST(JournalBacklog, IsBounded) {
    const TestFolder folder;
    const auto journal = Journal::open({.path = (folder.path / "journal.db").string()}).value();
    JournalBacklog backlog;
    ASSERT_TRUE(journal->limit_bytes(1));
    for (int i = 0; i < 3; ++i) {
        std::vector<JournalEntry> entries(JournalBacklog::entries_max / 2, settings("orders", "good"));
        entries.back() =
            settings("large", std::string(200'000, 'x'));  // No room for this one, nor then for the others.
        backlog.write(*journal, std::move(entries));
    }
    EXPECT_EQ(backlog.size(), JournalBacklog::entries_max);
}

}  // namespace
}  // namespace medic

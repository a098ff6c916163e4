#include "agent/daemon/sender.h"

#include <gtest/gtest.h>

#include "agent/base/test_folder_internal.h"

namespace medic {
namespace {

TEST(Sender, IsTheSameAsLongAsTheJournalIs) {
    const TestFolder folder;
    const std::string first = sender_of(folder.path.string()).value();
    EXPECT_EQ(first.size(), 16u);
    folder.write("journal.db", "");
    EXPECT_EQ(sender_of(folder.path.string()).value(), first);
    std::filesystem::remove(folder.path / "journal.db");
    EXPECT_NE(sender_of(folder.path.string()).value(), first);
}

TEST(Sender, WhatIsNoNameIsReplaced) {
    const TestFolder folder;
    folder.write("journal.db", "");
    folder.write("sender", "../../etc\n");
    EXPECT_EQ(sender_of(folder.path.string()).value().size(), 16u);
}

}  // namespace
}  // namespace medic

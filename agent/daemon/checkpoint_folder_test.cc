#include "agent/daemon/checkpoint_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/store/fact.h"

namespace medic {
namespace {

class CheckpointFolder : public testing::Test {
protected:
    CheckpointFolder() { std::filesystem::create_directories(folder_); }
    ~CheckpointFolder() override { std::filesystem::remove_all(folder_); }
    void checkpoint(const std::string& name, bool complete) {
        std::filesystem::create_directories(folder_ + "/" + name);
        if (complete) std::ofstream(folder_ + "/" + name + "/_metadata") << "m";
    }
    std::string folder_ =
        testing::TempDir() + "checkpoint-folder-" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(CheckpointFolder, TheNewestCompleteOneByItsNumber) {
    checkpoint("chk-9", true);
    checkpoint("chk-10", true);
    checkpoint("chk-11", false);  // Was under way.
    checkpoint("shared", false);
    EXPECT_EQ(newest_checkpoint_beside("file:" + folder_ + "/chk-9"), "file:" + folder_ + "/chk-10");
    EXPECT_EQ(newest_checkpoint_beside("file://" + folder_ + "/chk-8"), "file://" + folder_ + "/chk-10");
    EXPECT_EQ(newest_checkpoint_beside(folder_ + "/chk-9"), folder_ + "/chk-10");
}

TEST_F(CheckpointFolder, AFolderWithoutACompleteOneSaysSo) {
    checkpoint("chk-11", false);
    EXPECT_EQ(newest_checkpoint_beside("file:" + folder_ + "/chk-9"), no_checkpoint);
}

TEST_F(CheckpointFolder, WhatCannotBeSeenFromHereIsNotKnown) {
    EXPECT_EQ(newest_checkpoint_beside("file:" + folder_ + "/away/chk-9"), "");
    EXPECT_EQ(newest_checkpoint_beside("s3://bucket/cp/chk-9"), "");
    EXPECT_EQ(newest_checkpoint_beside("file:" + folder_ + "/savepoint-abc"), "");
    EXPECT_EQ(newest_checkpoint_beside("file://host/cp/chk-9"), "");
    EXPECT_EQ(newest_checkpoint_beside(""), "");
}

}  // namespace
}  // namespace medic

#include "engine/flow/jobmanager/checkpoint_metadata.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace medic::engine::flow {
namespace {

class MetadataTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = std::filesystem::temp_directory_path().string() + "/medic-metadata-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        saved_.checkpoint_id = 7;
        saved_.operators = {{"count", "count", 2, true}, {"map", "map", 1, false}};
        saved_.files = {{"v-0", {"count"}}};
        GraphVertex vertex;
        vertex.operators = {{0, "count", "count", "id", 2, true}};
        graph_.vertices = {vertex};
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string folder_;
    CheckpointMetadata saved_;
    JobGraph graph_;
};

TEST_F(MetadataTest, ComesBackAsItWasUnderEveryFormOfItsPath) {
    ASSERT_TRUE(write_metadata(folder_, saved_));
    for (const std::string& path : {folder_, "file:" + folder_, "file://" + folder_ + "/", folder_ + "/_metadata"}) {
        const auto read = read_metadata(path);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->checkpoint_id, 7);
        EXPECT_EQ(read->operators.size(), 2U);
        EXPECT_EQ(read->files.front().uids, (std::set<std::string>{"count"}));
    }
}

TEST_F(MetadataTest, AFolderWithoutMetadataIsNotACheckpoint) {
    EXPECT_EQ(read_metadata(folder_).error().code, ErrorCode::unavailable);
    EXPECT_EQ(read_metadata(folder_ + "/nowhere").error().code, ErrorCode::unavailable);
    const std::string unheard_of(300, 'x');  // Longer than a name can be: the very question fails.
    EXPECT_EQ(read_metadata(folder_ + "/" + unheard_of).error().code, ErrorCode::unavailable);
    std::ofstream(folder_ + "/_metadata") << "{\"schema\": 1";
    EXPECT_EQ(read_metadata(folder_).error().code, ErrorCode::invalid);
}

TEST_F(MetadataTest, StateThatFitsIsRestorable) {
    EXPECT_TRUE(check_restorable(saved_, "p", graph_, NonRestored::refuse));
}

TEST_F(MetadataTest, AnotherStateVersionIsRefused) {
    graph_.vertices[0].operators[0].state_version = 3;
    const auto refused = check_restorable(saved_, "p", graph_, NonRestored::allow);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("StateMigrationException"), std::string::npos);
}

TEST_F(MetadataTest, AMissingOperatorIsRefusedUnlessAllowed) {
    graph_.vertices[0].operators[0].uid = "renamed";
    const auto refused = check_restorable(saved_, "p", graph_, NonRestored::refuse);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("Cannot map checkpoint/savepoint state for operator"), std::string::npos);
    EXPECT_TRUE(check_restorable(saved_, "p", graph_, NonRestored::allow));
}

TEST_F(MetadataTest, AMissingOperatorWithoutStateIsNoMatter) {
    saved_.operators.erase(saved_.operators.begin());
    graph_.vertices[0].operators[0].uid = "renamed";
    EXPECT_TRUE(check_restorable(saved_, "p", graph_, NonRestored::refuse));
}

TEST_F(MetadataTest, AnotherMaximumParallelismIsRefused) {
    graph_.max_parallelism = 256;
    EXPECT_NE(
        check_restorable(saved_, "p", graph_, NonRestored::allow).error().message.find("Max parallelism mismatch"),
        std::string::npos);
}

}  // namespace
}  // namespace medic::engine::flow

#include "engine/flow/runtime/job_library.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;

class DescribeTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = fs::temp_directory_path().string() + "/medic-describe-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }

    // In the place of medic-engine: `does` is what the artifact's main function would do.
    [[nodiscard]] Result<JobGraph> describe_with(const std::string& does, Duration patience) const {
        const std::string script = folder_ + "/describe";
        std::ofstream(script) << "#!/bin/sh\n" << does << "\n";
        fs::permissions(script, fs::perms::owner_all);
        return describe({.artifact = "job.so", .entry_class = "", .arguments = {}, .options = {}}, script, patience);
    }
    std::string folder_;
};

TEST_F(DescribeTest, AMainFunctionThatHangsIsGivenUp) {
    const auto hung = describe_with("exec sleep 600", Duration{200});
    ASSERT_FALSE(hung);
    EXPECT_EQ(hung.error().code, ErrorCode::invalid);
    EXPECT_EQ(hung.error().message, "the main function did not return within 0.2 s");
}

TEST_F(DescribeTest, WhatTheArtifactSaysIsHandedOn) {
    const auto refused = describe_with(R"(echo '{"error": "no such topic"}' >&3)", Duration{60'000});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "no such topic");
}

TEST_F(DescribeTest, ACrashIsTold) {
    const auto crashed = describe_with("kill -SEGV $$", Duration{60'000});
    ASSERT_FALSE(crashed);
    EXPECT_NE(crashed.error().message.find("crashed"), std::string::npos);
}

}  // namespace
}  // namespace medic::engine::flow

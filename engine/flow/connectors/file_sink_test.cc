#include "engine/flow/connectors/file_sink.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;

class FileSinkTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = fs::temp_directory_path().string() + "/medic-file-sink-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override { fs::remove_all(directory_); }

    [[nodiscard]] std::unique_ptr<CommitSink> sink(std::int64_t generation, int subtask = 0) const {
        SubtaskInfo info;
        info.generation = generation;
        info.subtask = subtask;
        return make_file_sink({.directory = directory_}, info);
    }
    // What a reader sees: the lines of all committed files.
    [[nodiscard]] std::multiset<std::string> committed() const {
        std::multiset<std::string> lines;
        for (const auto& entry : fs::directory_iterator(directory_)) {
            if (entry.path().filename().string().starts_with(".")) continue;
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);) lines.insert(line);
        }
        return lines;
    }
    [[nodiscard]] std::size_t hidden() const {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(directory_))
            count += entry.path().filename().string().starts_with(".");
        return count;
    }
    using Lines = std::multiset<std::string>;
    std::string directory_;
};

TEST_F(FileSinkTest, NothingIsVisibleBeforeTheCommit) {
    const auto first = sink(1);
    first->recover({});
    first->write("a\n");
    EXPECT_EQ(committed(), Lines{});
    const std::string pending = first->prepare(1);
    EXPECT_EQ(committed(), Lines{});
    first->write("b\n");
    first->commit(pending);
    EXPECT_EQ(committed(), Lines{"a"});
}

TEST_F(FileSinkTest, ACheckpointWithoutRecordsHasNothingToCommit) {
    const auto first = sink(1);
    EXPECT_EQ(first->prepare(1), "");
    EXPECT_EQ(hidden(), 0U);
}

TEST_F(FileSinkTest, CommittingTwiceIsCommittingOnce) {
    const auto first = sink(1);
    first->write("a\n");
    const std::string pending = first->prepare(1);
    first->commit(pending);
    first->commit(pending);
    sink(2)->commit(pending);
    EXPECT_EQ(committed(), Lines{"a"});
}

TEST_F(FileSinkTest, CommittingWhatIsGoneIsAnErrorAndNotSilence) {
    EXPECT_THROW(sink(1)->commit("part-1-0-0"), std::runtime_error);
}

// A crash at each step between writing and committing, then a restore from the checkpoint that was complete by then.
struct CrashStep {
    const char* name;
    bool prepared, completed, committed;
};

class FileSinkCrash : public FileSinkTest, public ::testing::WithParamInterface<CrashStep> {};

TEST_P(FileSinkCrash, LosesAndDoublesNothing) {
    const CrashStep& step = GetParam();
    std::vector<std::string> known;  // What the newest complete checkpoint holds.
    {
        const auto first = sink(1);
        first->recover({});
        first->write("before\n");
        const std::string earlier = first->prepare(1);
        first->commit(earlier);
        known = {earlier};
        first->write("a\n");
        if (step.prepared) {
            const std::string pending = first->prepare(2);
            if (step.completed) known = {pending};
            first->write("after the barrier\n");
            if (step.committed) first->commit(pending);
        }
    }
    const auto second = sink(2);
    for (const std::string& committable : known) second->commit(committable);
    second->recover(known);
    EXPECT_EQ(hidden(), 0U) << "leftovers of aborted checkpoints are removed";
    EXPECT_EQ(committed(), step.completed ? (Lines{"before", "a"}) : Lines{"before"});
    if (!step.completed) second->write("a\n");  // The source replays it.
    second->write("after the barrier\n");
    const std::string pending = second->prepare(3);
    second->commit(pending);
    EXPECT_EQ(committed(), (Lines{"before", "a", "after the barrier"}));
}

INSTANTIATE_TEST_SUITE_P(AtEveryStep, FileSinkCrash,
                         ::testing::Values(CrashStep{"while_writing", false, false, false},
                                           CrashStep{"after_the_barrier", true, false, false},
                                           CrashStep{"after_completion", true, true, false},
                                           CrashStep{"after_commit", true, true, true}),
                         [](const auto& step) { return step.param.name; });

TEST_F(FileSinkTest, OnlyTheFirstSubtaskCleansUpAndLeavesFilesOfThisExecutionAlone) {
    const auto old = sink(1);
    old->write("old\n");
    (void)old->prepare(1);
    const auto peer = sink(2, 1);
    peer->recover({});
    EXPECT_EQ(hidden(), 1U);
    peer->write("new\n");
    const auto first = sink(2, 0);
    first->recover({});
    EXPECT_EQ(hidden(), 1U) << "the peer's file stays";
    peer->commit(peer->prepare(2));
    EXPECT_EQ(committed(), Lines{"new"});
}

}  // namespace
}  // namespace medic::engine::flow

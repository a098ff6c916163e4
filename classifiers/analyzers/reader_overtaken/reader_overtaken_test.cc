#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

struct Shape {
    double start = 0, deletes = 100, committed = 50'000, reads = 10;
    int members = 1;
    int reads_until = 1 << 20;
    bool start_known = true;
};

Scene reader(const Shape& shape) {
    Scene scene;
    const std::vector<LabelPair> partition{{"topic", "events"}, {"partition", "0"}};
    auto group = partition;
    group.emplace_back("group", "billing");
    scene
        .series("kafka_group_committed_offset", group,
                [=](int s) { return shape.committed + shape.reads * std::min(s, shape.reads_until); })
        .constant("kafka_group_members", {{"group", "billing"}}, shape.members);
    if (shape.start_known)
        scene.series("kafka_partition_log_start_offset", partition,
                     [=](int s) { return shape.start + shape.deletes * s; });
    return scene;
}

TEST(ReaderOvertaken, DeletedUnreadRecordsAreCounted) {
    const auto found = reader({.start = 60'000, .deletes = 0, .reads_until = 20}).findings("reader-overtaken", 90);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("records_lost"), "9800");
    EXPECT_EQ(found[0].subject, Scene::lab("group", "billing"));
}

TEST(ReaderOvertaken, NearlyOvertakenIsToldInTime) {
    // 50,000 records ahead, caught up by 90 records a second less what 90 s have taken: about 8 minutes.
    const auto found = reader({}).findings("reader-nearly-overtaken", 90);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NEAR(std::stod(found[0].fields.at("hours_left")), (50'000.0 - 90 * 90) / 90 / 3600, 0.01);
}

// A burst was written and read, and goes by its age while nothing new comes.
TEST(ReaderOvertaken, WhoeverHasReadEverythingIsNotTold) {
    const auto found = [](double end) {
        return reader({.committed = 50'000, .reads = 0})
            .constant("kafka_partition_log_end_offset", {{"topic", "events"}, {"partition", "0"}}, end)
            .findings("reader-nearly-overtaken", 90)
            .size();
    };
    EXPECT_EQ(found(50'000), 0U);
    EXPECT_EQ(found(50'001), 1U) << "one record is left to be read";
}

TEST(ReaderOvertaken, FasterThanRetentionIsNone) {
    EXPECT_TRUE(reader({.deletes = 100, .reads = 200}).findings("reader-nearly-overtaken", 90).empty());
}

TEST(ReaderOvertaken, FarAheadIsNone) {
    EXPECT_TRUE(reader({.committed = 1e9}).findings("reader-nearly-overtaken", 90).empty());
}

TEST(ReaderOvertaken, GroupThatNobodyRunsIsNotTold) {
    EXPECT_TRUE(reader({.start = 60'000, .deletes = 0, .members = 0}).findings("reader-overtaken", 90).empty());
}

TEST(ReaderOvertaken, JobThatCommitsWithoutBeingAMemberLives) {
    auto scene = reader({.start = 60'000, .deletes = 0, .members = 0});
    scene.constant("flink_job_state", {{"job", "bill"}, {"state", "RUNNING"}}, 1)
        .attribute(Scene::lab("job", "bill"), "group", "billing");
    EXPECT_EQ(scene.findings("reader-overtaken", 90).size(), 1U);
}

// Offsets of a topic stay for a week after a deployment under the same group that reads others.
TEST(ReaderOvertaken, ATopicThatTheGroupNoLongerReadsIsNotTold) {
    Scene scene = reader({.start = 60'000, .deletes = 0, .reads = 0});
    scene.counter("kafka_group_committed_offset", {{"group", "billing"}, {"topic", "events-v2"}, {"partition", "0"}},
                  10);
    EXPECT_TRUE(scene.findings("reader-overtaken", 90).empty());
}

// It commits nowhere, or only on other partitions: nothing says that it reads something else now.
TEST(ReaderOvertaken, AReaderThatStandsIsTold) {
    Scene stands = reader({.start = 60'000, .deletes = 0, .reads = 0});
    EXPECT_EQ(stands.findings("reader-overtaken", 90).size(), 1U);
    stands.counter("kafka_group_committed_offset", {{"group", "billing"}, {"topic", "events"}, {"partition", "7"}}, 10);
    EXPECT_EQ(stands.findings("reader-overtaken", 90).size(), 1U);
}

TEST(ReaderOvertaken, NothingWithoutTheLogsStart) {
    EXPECT_TRUE(reader({.start_known = false}).findings("reader-overtaken", 90).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

struct Load {
    double offered = 500, processed = 200, busy = 0.95;
    bool offsets_known = true;
    int running_from = 0, away_from = 0;  // It ran before `away_from`, too.
    const char* group = "fleet";
    bool topics_known = true, second_job = false;
    int grows_at = 0;  // Before it a tenth is offered, and all of that processed.
    bool counts = true;
    int commits_until = 1 << 20;
};

Scene job(const Load& load) {
    Scene scene;
    const std::vector<LabelPair> partition{{"topic", "events"}, {"partition", "0"}};
    auto group = partition;
    group.emplace_back("group", load.group);
    const auto total = [=](double before, double after) {
        return [=](int s) { return before * std::min(s, load.grows_at) + after * std::max(0, s - load.grows_at); };
    };
    const auto offered = total(load.offered * 0.1, load.offered), taken = total(load.offered * 0.1, load.processed);
    const auto committed = [=](int s) { return taken(std::min(s, load.commits_until)); };
    scene
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},

                [=](int s) { return s >= load.running_from || s < load.away_from ? std::optional{1.0} : std::nullopt; })
        .series("kafka_group_lag_records", group,
                [=](int s) { return std::max(0.0, 1000 + offered(s) - committed(s)); })
        .series("kafka_group_committed_offset", group, committed);
    if (load.topics_known) scene.relation(Scene::lab("job", "fleet"), "reads", Scene::lab("topic", "events"));
    if (load.second_job) scene.constant("flink_job_state", {{"job", "other"}, {"state", "RUNNING"}}, 1);
    if (load.offsets_known) scene.series("kafka_partition_log_end_offset", partition, offered);
    for (const char* subtask : {"0", "1"}) {
        const auto at = [&](const char* vertex) -> std::vector<LabelPair> {
            return {{"job", "fleet"}, {"vertex", vertex}, {"subtask", subtask}, {"taskmanager", "tm-1"}};
        };
        scene.constant("flink_subtask_busy_ratio", at("enrich"), load.busy)
            .constant("flink_subtask_backpressured_ratio", at("enrich"), 0.0)
            .constant("flink_subtask_busy_ratio", at("source"), 0.1)
            .constant("flink_subtask_backpressured_ratio", at("source"), 0.9)
            .constant("flink_subtask_busy_ratio", at("sink"), 0.05)
            .constant("flink_subtask_backpressured_ratio", at("sink"), 0.0);
        if (load.counts)
            scene.series("flink_subtask_records_in_total", at("enrich"), [=](int s) { return taken(s) / 2; });
    }
    return scene;
}

TEST(CapacityMismatch, NamesTheBottleneckAndAFittingParallelism) {
    const auto found = job({}).findings("capacity-mismatch", 40);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("vertex"), "enrich");
    EXPECT_EQ(found[0].fields.at("parallelism_now"), "2");
    // 500/s offered, 200/s at 95 % busy of 2 subtasks: 105/s each at full load, 70 % of which is wanted.
    EXPECT_EQ(found[0].fields.at("parallelism_wanted"), "7");
}

// Ten times as much for 13 s: the mean over the window is below half of it, and would be outgrown at once.
TEST(CapacityMismatch, IsSizedForALoadThatStillGrows) {
    Load grows{.offered = 2500, .processed = 450, .grows_at = 27};
    const auto found = job(grows).findings("capacity-mismatch", 40);
    ASSERT_EQ(found.size(), 1U);
    // 450/s at 95 % busy of 2 subtasks: 237/s each, 70 % of which is wanted.
    EXPECT_EQ(found[0].fields.at("parallelism_wanted"), "16");
    grows.commits_until = 36;  // The next one is due: what is offered and what is taken in are known all the same.
    const auto late = job(grows).findings("capacity-mismatch", 40);
    ASSERT_EQ(late.size(), 1U);
    EXPECT_EQ(late[0].fields.at("parallelism_wanted"), "16");
}

// Never one of the window and the other of now: it would be made far wider than it needs.
TEST(CapacityMismatch, WithoutItsCountsIsSizedByTheWindow) {
    const auto found =
        job({.offered = 2500, .processed = 450, .grows_at = 27, .counts = false}).findings("capacity-mismatch", 40);
    ASSERT_EQ(found.size(), 1U);
    // 1,225/s offered and 337/s processed over the 30 s from one commit to the last one.
    EXPECT_EQ(found[0].fields.at("parallelism_wanted"), "10");
}

TEST(CapacityMismatch, CatchingUpIsNone) {
    EXPECT_TRUE(job({.offered = 200, .processed = 210}).findings("capacity-mismatch", 40).empty());
}

TEST(CapacityMismatch, LagOfAnIdleJobIsNotItsCapacity) {
    EXPECT_TRUE(job({.busy = 0.2}).findings("capacity-mismatch", 40).empty());
}

TEST(CapacityMismatch, JobThatJustStartedIsGivenTime) {
    EXPECT_TRUE(job({.running_from = 30}).findings("capacity-mismatch", 40).empty());
}

// A restart in the middle of the window: nothing was processed before it, which says nothing of what it can do.
TEST(CapacityMismatch, AnOutageWithinTheWindowIsNoSlowness) {
    const Load restarted{.running_from = 20};
    EXPECT_TRUE(job(restarted).findings("capacity-mismatch", 40).empty());
    EXPECT_EQ(job(restarted).findings("capacity-mismatch", 60).size(), 1U) << "it goes on though it runs";
    Load again = restarted;  // Its job manager was away: it ran before as well.
    again.away_from = 5;
    EXPECT_TRUE(job(again).findings("capacity-mismatch", 40).empty());
    EXPECT_EQ(job(again).findings("capacity-mismatch", 60).size(), 1U);
}

TEST(CapacityMismatch, TheOnlyGroupIsTheOnlyJobs) {
    const Load unknown{.group = "readers", .topics_known = false};
    EXPECT_EQ(job(unknown).findings("capacity-mismatch", 40).size(), 1U);
    Load two = unknown;
    two.second_job = true;  // Which of them reads by it?
    EXPECT_TRUE(job(two).findings("capacity-mismatch", 40).empty());
    two.topics_known = true;
    EXPECT_EQ(job(two).findings("capacity-mismatch", 40).size(), 1U);
}

// Commits, every so many seconds, and the lag that is left by each, until second `last`; then all that is offered
// waits.
Scene commits_until(int last, double lag_growth, int every = 2) {
    constexpr double offered = 500;
    const std::vector<LabelPair> group{{"topic", "events"}, {"partition", "0"}, {"group", "fleet"}};
    Scene scene = job({.offsets_known = true, .group = "another"});
    const auto committed = [=](int s) {
        const double at = std::min(s, last) / every * every;
        return offered * at - 1'000 - lag_growth * at;
    };
    return std::move(scene)
        .attribute(Scene::lab("job", "fleet"), "group", "fleet")
        .series("kafka_group_committed_offset", group, committed)
        .series("kafka_group_lag_records", group, [=](int s) { return offered * s - committed(s); });
}

TEST(CapacityMismatch, LagThatGrowsSinceNobodyCommitsSaysNothing) {
    EXPECT_TRUE(commits_until(34, 0).findings("capacity-mismatch", 44).empty());
    EXPECT_EQ(commits_until(34, 300).findings("capacity-mismatch", 44).size(), 1U);
}

// Lag at the front of any other window still counts from the commit before it.
TEST(CapacityMismatch, WhatIsProcessedIsToldFromOneCommitToAnother) {
    const auto found = commits_until(1 << 20, 250, 60).findings("capacity-mismatch", 200);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("processed_per_second"), "250");
    EXPECT_EQ(found[0].fields.at("offered_per_second"), "500");
    EXPECT_TRUE(commits_until(1 << 20, 250, 60).findings("capacity-mismatch", 110).empty()) << "one commit was seen";
}

// Both task managers are busy, and one of them does a fifth of what the other one does.
TEST(CapacityMismatch, OneSlowPlaceIsNoMatterOfSettings) {
    const auto scene = [](double there) {
        Scene made = job({});
        for (const int i : {2, 3}) {
            std::vector<LabelPair> which{{"job", "fleet"}, {"vertex", "enrich"}, {"subtask", std::to_string(i)}};
            made.constant("flink_subtask_busy_ratio", which, 0.95);
        }
        for (const int i : {0, 1, 2, 3})
            made.counter("flink_subtask_records_in_total",
                         {{"job", "fleet"},
                          {"vertex", "enrich"},
                          {"subtask", std::to_string(i)},
                          {"taskmanager", i < 2 ? "tm-1" : "tm-2"}},
                         i < 2 ? 100 : there);
        return made;
    };
    EXPECT_TRUE(scene(20).findings("capacity-mismatch", 40).empty());
    EXPECT_EQ(scene(95).findings("capacity-mismatch", 40).size(), 1U);
}

TEST(CapacityMismatch, NothingWithoutTheOfferedRate) {
    EXPECT_TRUE(job({.offsets_known = false}).findings("capacity-mismatch", 40).empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

using Shape = Scene::Shape;

constexpr int end = 1'000;

struct Group {
    Shape committed;
    Shape written = [](int s) { return 10.0 * s; };
    std::optional<double> members = 2;
    std::string name = "billing";
};

void partition(Scene& scene, const Group& group, const std::string& number) {
    const std::vector<LabelPair> which{{"topic", "events"}, {"partition", number}};
    auto mine = which;
    mine.emplace_back("group", group.name);
    scene.series("kafka_partition_log_end_offset", which, group.written)
        .series("kafka_group_committed_offset", mine, group.committed)
        .series("kafka_group_lag_records", mine, [=](int s) -> std::optional<double> {
            const auto written = group.written(s), read = group.committed(s);
            if (!written || !read) return std::nullopt;
            return std::max(0.0, *written - *read);
        });
}

Scene scene_of(const Group& group) {
    Scene scene;
    partition(scene, group, "0");
    if (group.members) scene.constant("kafka_group_members", {{"group", group.name}}, *group.members);
    return scene;
}

std::vector<Finding> shapes(const Scene& scene, int seconds = end) {
    return scene.after(seconds, [](const View& view, const Now& now) {
        auto found = analyze(view, now);
        std::erase_if(found, [](const Finding& one) { return !one.id.starts_with("group-"); });
        return found;
    });
}

std::string only_id(const Scene& scene, int seconds = end) {
    const auto found = shapes(scene, seconds);
    return found.size() == 1 ? found[0].id : std::to_string(found.size()) + " findings";
}

Shape until(int stop) {
    return [=](int s) { return 10.0 * std::min(s, stop); };
}

TEST(LagShape, NoMembersAndNoCommitsIsStopped) {
    const auto found = shapes(scene_of({.committed = until(600), .members = 0}));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "group-stopped");
    EXPECT_EQ(found[0].subject, Scene::lab("group", "billing"));
    EXPECT_EQ(found[0].since, Scene::at(600));
    EXPECT_EQ(found[0].fields.at("lag_records"), "4000");
    EXPECT_EQ(found[0].fields.at("lag_seconds"), "400");
}

TEST(LagShape, MembersWithoutCommitsAreStalledAndTheStuckPartitionIsNamed) {
    Scene scene = scene_of({.committed = until(600)});
    partition(scene, {.committed = [](int s) { return 10.0 * s; }}, "1");
    const auto found = shapes(scene);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "group-stalled");
    EXPECT_EQ(found[0].fields.at("partitions"), "events-0");
    EXPECT_NE(found[0].summary.find("1 of 2 partitions"), std::string::npos);
}

TEST(LagShape, IdleIsNotStopped) {
    EXPECT_TRUE(shapes(scene_of({.committed = until(600), .written = until(600), .members = 0})).empty())
        << "it has read all there is";
    EXPECT_TRUE(
        shapes(scene_of({.committed = [](int s) { return 10.0 * std::min(s, 600) - 3; }, .written = until(600)}))
            .empty())
        << "markers of transactions are no records";
}

TEST(LagShape, AbandonedGroupIsNotTold) {
    EXPECT_TRUE(shapes(scene_of({.committed = [](int) { return 5.0; }, .members = 0})).empty());
}

// The same group with other topics after a deployment: offsets of the old one stay for a week.
TEST(LagShape, ATopicThatTheGroupNoLongerReadsIsNotStalled) {
    Scene scene = scene_of({.committed = [](int) { return 5.0; }});
    const std::vector<LabelPair> other{{"topic", "events-v2"}, {"partition", "0"}};
    auto mine = other;
    mine.emplace_back("group", "billing");
    scene.counter("kafka_partition_log_end_offset", other, 10)
        .counter("kafka_group_committed_offset", mine, 10)
        .constant("kafka_group_lag_records", mine, 0);
    EXPECT_TRUE(shapes(scene).empty());
}

// Seen for as long as is remembered, or since the agent's start: it is stuck all the same.
TEST(LagShape, AGroupThatWasNeverSeenToCommitIsStalledWhileItHasMembers) {
    Scene scene = scene_of({.committed = [](int) { return 5.0; }});
    EXPECT_EQ(only_id(scene), "group-stalled");
    partition(scene, {.committed = [](int s) { return 10.0 * s; }}, "1");
    EXPECT_EQ(only_id(scene), "group-stalled") << "another partition of the topic moves";
}

TEST(LagShape, HabitOfRareCommitsIsNoStall) {
    const Shape every_five_minutes = [](int s) { return 10.0 * (s - s % 300); };
    EXPECT_TRUE(shapes(scene_of({.committed = every_five_minutes}), 1'100).empty());
}

TEST(LagShape, CommitThatWentBackIsARewindUntilItIsMadeGood) {
    const auto back = [](double by) {
        return Group{.committed = [=](int s) { return 10.0 * s - (s >= 800 ? by : 0); }};
    };
    const auto found = shapes(scene_of(back(5'000)));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "group-rewound");
    EXPECT_EQ(found[0].since, Scene::at(800));
    EXPECT_TRUE(shapes(scene_of(back(300))).empty()) << "commits that overtook each other";
    EXPECT_TRUE(
        shapes(scene_of({.committed = [](int s) { return s < 700   ? 10.0 * s
                                                         : s < 720 ? 3'000
                                                                   : 10.0 * s - 700; }}))
            .empty())
        << "made good";
}

TEST(LagShape, SlowerThanTheTopicFallsBehindAndFasterCatchesUp) {
    EXPECT_EQ(only_id(scene_of({.committed = [](int s) { return 8.0 * s; }})), "group-falling-behind");
    EXPECT_EQ(only_id(scene_of({.committed = [](int s) { return 8.0 * (s - s % 60); }})), "group-falling-behind")
        << "in jumps of a minute";
    const auto found = shapes(
        scene_of({.committed = [](int s) { return 15.0 * s - 9'000; }, .written = [](int s) { return 10.0 * s; }}));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "group-catching-up");
}

TEST(LagShape, SteadyDistanceIsNoTrend) {
    EXPECT_TRUE(shapes(scene_of({.committed = [](int s) { return 10.0 * s - 1'500; }})).empty());
    EXPECT_TRUE(shapes(scene_of({.committed = [](int s) { return 9.9 * s - 1'500; }})).empty()) << "1 % slower";
    EXPECT_TRUE(shapes(scene_of({.committed = [](int s) { return 10.0 * s - 500; }})).empty()) << "less than a minute";
}

// Flink's sources commit without being members. Which group a job reads as is seldom known.
TEST(LagShape, AGroupThatNeverHadMembersMayBeAJobsWhereJobsRun) {
    Scene scene = scene_of({.committed = until(600), .members = 0});
    scene.attribute(Scene::lab("job", "fleet"), "state", "RUNNING");
    EXPECT_TRUE(shapes(scene).empty());
    Scene had = scene_of({.committed = until(600), .members = {}});
    had.attribute(Scene::lab("job", "fleet"), "state", "RUNNING")
        .series("kafka_group_members", {{"group", "billing"}}, [](int s) { return s < 600 ? 2.0 : 0.0; });
    EXPECT_EQ(only_id(had), "group-stopped");
    Scene unseen = scene_of({.committed = until(600), .members = {}});
    unseen.attribute(Scene::lab("job", "fleet"), "state", "RUNNING");
    EXPECT_TRUE(shapes(unseen).empty());
}

TEST(LagShape, TroubleOfTheReaderIsToldByThoseWhoWatchIt) {
    const Group stopped{.committed = until(600), .members = 0};
    Scene job = scene_of(stopped);
    job.constant("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}}, 1)
        .attribute(Scene::lab("job", "fleet"), "group", "billing");
    EXPECT_TRUE(shapes(job).empty());
    Scene running = scene_of(stopped);
    running.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1)
        .attribute(Scene::lab("job", "fleet"), "group", "billing");
    const auto found = shapes(running);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "group-stalled") << "a Flink job reads without members";
    EXPECT_EQ(found[0].fields.at("job"), "fleet");
    Scene rebalancing = scene_of({.committed = until(600)});
    rebalancing.constant("kafka_group_state", {{"group", "billing"}, {"state", "PreparingRebalance"}}, 1);
    EXPECT_TRUE(shapes(rebalancing).empty());
}

Scene sink_that_stands(std::optional<double> members, int told_until = 1 << 20) {
    Scene scene = scene_of({.committed = until(600), .members = members, .name = "connect-sink"});
    scene.series("connect_task_state", {{"connector", "sink"}, {"task", "0"}, {"state", "RUNNING"}},
                 [=](int s) { return s < told_until ? std::optional(1.0) : std::nullopt; });
    return scene;
}

TEST(LagShape, SinkWhoseTasksAreNotWatchedIsStalled) {
    const auto found = shapes(sink_that_stands(1));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "group-stalled");
    EXPECT_EQ(found[0].subject, Scene::lab("group", "connect-sink"));
    EXPECT_EQ(found[0].fields.at("connector"), "sink");
    EXPECT_EQ(only_id(sink_that_stands(0)), "group-stalled") << "it left its group while it hangs";
    EXPECT_TRUE(shapes(sink_that_stands(0, 700)).empty()) << "the connector was deleted";
}

TEST(LagShape, SinkWhoseTasksAreWatchedIsToldByThoseWhoWatchThem) {
    const auto told = [](const char* name, int until_second) {
        Scene scene = sink_that_stands(1);
        scene.series(name, {{"connector", "sink"}, {"task", "0"}, {"worker", "w"}},
                     [=](int s) { return s < until_second ? std::optional(10.0 * std::min(s, 600)) : std::nullopt; });
        return shapes(scene).size();
    };
    for (const char* name :
         {"connect_task_records_total", "connect_task_polls_total", "connect_task_process_cpu_seconds_total"}) {
        EXPECT_EQ(told(name, 1 << 20), 0U) << name;
        EXPECT_EQ(told(name, 700), 1U) << name << " is old";
    }
}

TEST(LagShape, SingleCommitOfASinkIsNoHabit) {
    const auto once = [](int commit) {
        Scene scene =
            scene_of({.committed = [=](int s) { return s < commit ? 0.0 : 10.0 * commit; }, .name = "connect-sink"});
        scene.constant("connect_task_state", {{"connector", "sink"}, {"task", "0"}, {"state", "RUNNING"}}, 1);
        return scene;
    };
    EXPECT_TRUE(shapes(once(600)).empty()) << "it may commit whole files";
    EXPECT_TRUE(shapes(once(100), 500).empty());
    EXPECT_EQ(only_id(once(100), 800), "group-stalled");
}

TEST(LagShape, OpenTransactionHoldsReadersUp) {
    Scene scene = scene_of({.committed = until(600)});
    scene.constant("kafka_partition_last_stable_offset", {{"topic", "events"}, {"partition", "0"}}, 6'000);
    EXPECT_TRUE(shapes(scene).empty());
}

TEST(LagShape, LongCheckpointIntervalOfTheJobIsItsHabit) {
    Scene scene = scene_of({.committed = until(600)});
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1)
        .attribute(Scene::lab("job", "fleet"), "group", "billing")
        .attribute(Scene::lab("job", "fleet"), "checkpoint_interval_ms", "300000");
    EXPECT_TRUE(shapes(scene).empty());
}

TEST(LagShape, NothingWithoutMembersEndsOrFreshOffsets) {
    EXPECT_TRUE(shapes(scene_of({.committed = until(600), .members = {}})).empty()) << "members are not known";
    Scene no_ends;
    no_ends.constant("kafka_group_members", {{"group", "billing"}}, 2)
        .series("kafka_group_committed_offset", {{"topic", "events"}, {"partition", "0"}, {"group", "billing"}},
                until(600))
        .constant("kafka_group_lag_records", {{"topic", "events"}, {"partition", "0"}, {"group", "billing"}}, 4'000);
    EXPECT_TRUE(shapes(no_ends).empty());
    const Shape lost = [](int s) -> std::optional<double> {
        if (s > 900) return std::nullopt;
        return 10.0 * std::min(s, 600);
    };
    EXPECT_TRUE(shapes(scene_of({.committed = lost})).empty()) << "the offsets are old";
}

}  // namespace
}  // namespace medic::analyzers

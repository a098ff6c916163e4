#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 60, never = 1 << 20;

// A connector that writes `orders`, which is deleted in second `deleted` and made anew in second `back`.
Scene scene(int deleted, int records_stop, int back = never) {
    const std::vector<LabelPair> task{{"connector", "orders"}, {"task", "0"}, {"worker", "w:8083"}};
    auto running = task;
    running.emplace_back("state", "RUNNING");
    Scene made;
    made.constant("connect_task_state", running, 1)
        .counter("connect_task_records_total", task, 50, records_stop)
        .relation(Scene::lab("connector", "orders"), "writes", Scene::lab("topic", "orders"))
        .constant("kafka_partition_leader", {{"topic", "others"}, {"partition", "0"}}, 1)
        .series("kafka_partition_leader", {{"topic", "orders"}, {"partition", "0"}},
                [=](int s) { return s < deleted || s >= back ? std::optional(1.0) : std::nullopt; });
    return made;
}

TEST(TopicAbsence, ADeletedTopicOfAConnector) {
    const auto found = scene(fault, fault).findings("connector-topic-absent", fault + 6);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("connector", "orders"));
    EXPECT_EQ(found[0].fields.at("topic"), "orders");
    EXPECT_EQ(found[0].weight, 1);
}

TEST(TopicAbsence, ATopicThatIsThereOrThereAgainIsNotAbsent) {
    EXPECT_TRUE(scene(never, fault).findings("connector-topic-absent", fault + 30).empty());
    EXPECT_TRUE(scene(fault, fault, fault + 3).findings("connector-topic-absent", fault + 30).empty());
}

// What may no longer be seen may still be written to.
TEST(TopicAbsence, WhoMovesRecordsHasItsTopic) {
    EXPECT_TRUE(scene(fault, never).findings("connector-topic-absent", fault + 30).empty());
}

// The last records before the topic went are seen only after a page was missing for a while.
TEST(TopicAbsence, WhatMovedBeforeItWentAndIsSeenLateMovesNoMore) {
    const std::vector<LabelPair> task{{"connector", "orders"}, {"task", "0"}, {"worker", "w:8083"}};
    Scene late = scene(fault, fault);
    late.series("connect_task_polls_total", task, [](int s) {
        return s < fault - 2 || s > fault + 8 ? std::optional(50.0 * std::min(s, fault)) : std::nullopt;
    });
    EXPECT_EQ(late.findings("connector-topic-absent", fault + 12).size(), 1U);
}

TEST(TopicAbsence, NothingWhileKafkaListsNoTopicAtAll) {
    Scene silent;
    silent.constant("connect_task_state", {{"connector", "orders"}, {"task", "0"}, {"state", "RUNNING"}}, 1)
        .relation(Scene::lab("connector", "orders"), "writes", Scene::lab("topic", "orders"));
    for (const char* topic : {"orders", "others"})
        silent.series("kafka_partition_leader", {{"topic", topic}, {"partition", "0"}},
                      [](int s) { return s < fault ? std::optional(1.0) : std::nullopt; });
    EXPECT_TRUE(silent.findings("connector-topic-absent", fault + 8).empty());
    EXPECT_TRUE(silent.findings("connector-topic-absent", fault + 30).empty());
}

TEST(TopicAbsence, ATopicThatWasNeverSeenIsNotKnownToBeGone) {
    EXPECT_TRUE(scene(0, 0).findings("connector-topic-absent", fault).empty());
}

TEST(TopicAbsence, WithoutSightOfTheTasksItLeansOnly) {
    Scene made;
    made.constant("connect_task_state", {{"connector", "orders"}, {"task", "0"}, {"state", "RUNNING"}}, 1)
        .relation(Scene::lab("connector", "orders"), "reads", Scene::lab("topic", "orders"))
        .constant("kafka_partition_leader", {{"topic", "others"}, {"partition", "0"}}, 1)
        .series("kafka_partition_leader", {{"topic", "orders"}, {"partition", "0"}},
                [](int s) { return s < fault ? std::optional(1.0) : std::nullopt; });
    const auto found = made.findings("connector-topic-absent", fault + 6);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_LT(found[0].weight, 1);
}

}  // namespace
}  // namespace medic::analyzers

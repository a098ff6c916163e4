#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int change = 30, fault = 40;
const Subject connector = Scene::lab("connector", "orders"), task = Scene::lab("connector-task", "orders/0");

Scene changed(const std::string& settings) {
    Scene made;
    made.event(change, connector, "config-change", "settings changed", {{"settings", settings}});
    return made;
}

std::string thrown(const std::string& message) {
    return "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable "
           "exception.\nCaused by: org.apache.kafka.connect.errors.ConnectException: " +
           message + "\n\tat com.acme.connect.OrdersSinkTask.put(OrdersSinkTask.java:7)\n";
}
const std::string unreachable = thrown("connection.url db-7:5432: Connection refused");
const std::string not_converted = thrown(
    "Tolerance exceeded in error handler\nCaused by: org.apache.kafka.connect.errors.DataException: Converting byte[] "
    "to Kafka Connect data failed due to serialization error: ");

TEST(ConnectorSettings, ASettingThatWasChangedAndIsNamedByTheFailure) {
    const auto found = changed("topics,connection.url")
                           .event(fault, task, "exception", unreachable)
                           .findings("changed-setting-fails", fault + 5);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, connector);
    EXPECT_EQ(found[0].fields.at("setting"), "connection.url");
}

TEST(ConnectorSettings, ADependencyThatFailsWithoutAChangeIsNoSetting) {
    EXPECT_TRUE(
        Scene().event(fault, task, "exception", unreachable).findings("changed-setting-fails", fault + 5).empty());
}

TEST(ConnectorSettings, AnotherSettingOrALongerNameIsNotNamed) {
    for (const char* other : {"batch.size", "connection.url.retries", "url", "connection"})
        EXPECT_TRUE(changed(other)
                        .event(fault, task, "exception", unreachable)
                        .findings("changed-setting-fails", fault + 5)
                        .empty())
            << other;
}

TEST(ConnectorSettings, WhatFailedBeforeTheChangeOrLongAfterIsNotOfIt) {
    EXPECT_TRUE(changed("connection.url")
                    .event(change - 20, task, "exception", unreachable)
                    .event(fault, task, "exception", unreachable)
                    .findings("changed-setting-fails", fault + 5)
                    .empty());
    EXPECT_TRUE(changed("connection.url")
                    .event(change + 200, task, "exception", unreachable)
                    .findings("changed-setting-fails", change + 205)
                    .empty());
}

// Delivers 50 records a second from second `from` until the fault.
Scene refuses(int from, const std::string& text) {
    return changed("value.converter")
        .series("connect_task_records_total", {{"connector", "orders"}, {"task", "0"}, {"worker", "w:8083"}},
                [=](int s) { return s < change ? 50.0 * s : 50.0 * std::max(0, std::min(s, fault) - from); })
        .event(fault, task, "exception", text);
}

TEST(ConnectorSettings, ARecordIsRefusedAfterGoodOnes) {
    const auto found = refuses(change + 2, not_converted).findings("record-refused-after-good-ones", fault + 5);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, task);
}

TEST(ConnectorSettings, AConverterThatNeverWorkedRefusesAll) {
    EXPECT_TRUE(refuses(fault, not_converted).findings("record-refused-after-good-ones", fault + 5).empty());
}

TEST(ConnectorSettings, AFailureElsewhereRefusesNoRecord) {
    EXPECT_TRUE(refuses(change + 2, unreachable).findings("record-refused-after-good-ones", fault + 5).empty());
}

TEST(ConnectorSettings, NothingWithoutSightOfTheCounters) {
    EXPECT_TRUE(changed("value.converter")
                    .event(fault, task, "exception", not_converted)
                    .findings("record-refused-after-good-ones", fault + 5)
                    .empty());
}

}  // namespace
}  // namespace medic::analyzers

#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const Subject task = Scene::lab("connector-task", "orders/0");

std::string rejected(int offset) {
    return "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable "
           "exception.\nCaused by: org.apache.kafka.connect.errors.ConnectException: NOT NULL constraint failed: topic "
           "'orders' partition 3 at offset " +
           std::to_string(offset) + "\n";
}
const std::string not_converted =
    "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\nCaused by: "
    "org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to "
    "serialization error: \n";

Scene failed() {
    Scene scene;
    scene.attribute(task, "state", "FAILED");
    return scene;
}

TEST(FailingRecord, TheOneThatTheTraceNames) {
    const auto found = failed().event(10, task, "exception", rejected(42)).findings("failing-record", 20);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("failing_topic"), "orders");
    EXPECT_EQ(found[0].fields.at("failing_partition"), "3");
    EXPECT_EQ(found[0].fields.at("failing_offset"), "42");
    EXPECT_EQ(found[0].fields.at("failing_in"), "put");
    EXPECT_EQ(found[0].fields.at("failing_records"), "1");
}

TEST(FailingRecord, OfAConversionTheWorkersLogNamesIt) {
    const auto found = failed()
                           .event(10, task, "exception", not_converted)
                           .event(9, task, "log",
                                  "ERROR WorkerSinkTask{id=orders-0} Error converting message value in topic 'orders' "
                                  "partition 0 at offset 7 and timestamp 1: Converting byte[] to Kafka Connect data "
                                  "failed due to serialization error:")
                           .findings("failing-record", 20);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("failing_offset"), "7");
    EXPECT_EQ(found[0].fields.at("failing_in"), "conversion");
}

TEST(FailingRecord, OfAConversionThatNothingNamesOnlyTheStageIsTold) {
    const auto found = failed().event(10, task, "exception", not_converted).findings("failing-record", 20);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields, (std::map<std::string, std::string>{{"failing_in", "conversion"}}));
}

TEST(FailingRecord, TheNewestFailureSaysInWhatTheTaskFailed) {
    const auto found = failed()
                           .event(10, task, "exception", not_converted)
                           .event(40, task, "exception", rejected(42))
                           .findings("failing-record", 50);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("failing_in"), "put");
}

TEST(FailingRecord, TheNewestOfSeveralAndHowManyThereWere) {
    const auto found = failed()
                           .event(10, task, "exception", rejected(42))
                           .event(40, task, "exception", rejected(43))
                           .event(70, task, "exception", rejected(44))
                           .event(80, task, "exception", rejected(44) + "again")
                           .findings("failing-record", 90);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("failing_offset"), "44");
    EXPECT_EQ(found[0].fields.at("failing_records"), "3");
}

TEST(FailingRecord, NoneWhereTheTaskRunsOrNothingNamesOne) {
    Scene running;
    running.attribute(task, "state", "RUNNING").event(10, task, "exception", rejected(42));
    EXPECT_TRUE(running.findings("failing-record", 20).empty());
    EXPECT_TRUE(
        failed().event(10, task, "exception", "java.io.IOException: refused\n").findings("failing-record", 20).empty());
    Scene unknown;
    unknown.event(10, task, "exception", rejected(42));
    EXPECT_TRUE(unknown.findings("failing-record", 20).empty());
}

}  // namespace
}  // namespace medic::analyzers

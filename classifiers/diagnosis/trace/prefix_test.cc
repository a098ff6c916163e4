#include "classifiers/diagnosis/trace/prefix.h"

#include <gtest/gtest.h>

#include "classifiers/diagnosis/trace/trace.h"

namespace medic {
namespace {

TEST(Prefix, CollectorsNamesStampsAndQuotingGo) {
    using trace::without_collector_prefix;
    EXPECT_EQ(without_collector_prefix("connect-1  | \tat a.B.c(B.java:1)"), "\tat a.B.c(B.java:1)");
    EXPECT_EQ(without_collector_prefix("[pod/kafka-0/kafka] java.lang.Error: x"), "java.lang.Error: x");
    EXPECT_EQ(without_collector_prefix("> Caused by: java.lang.Error"), " Caused by: java.lang.Error");
    EXPECT_EQ(without_collector_prefix("2024-05-01T10:00:00.123Z \tat a.B.c(B.java:1)"), "at a.B.c(B.java:1)");
    EXPECT_EQ(without_collector_prefix("2024-05-01T10:00:00Z stderr F Caused by: x.Y: z"), "Caused by: x.Y: z");
}

TEST(Prefix, OrdinaryLinesStay) {
    using trace::without_collector_prefix;
    for (const char* line : {"", "2024-05-01 10:00:00 ERROR it failed", "[2024] x", "value|other", "at a.B.c(B.java:1)",
                             "   indented | text"})
        EXPECT_EQ(without_collector_prefix(line), line);
}

TEST(Prefix, ATraceBehindPrefixesIsRead) {
    const auto read = read_failures(
        "broker  | [2024-01-01 10:00:00,000] ERROR Error due to (kafka.server.ReplicaFetcherThread)\n"
        "broker  | java.lang.NullPointerException\n"
        "broker  | \tat kafka.server.AbstractFetcherThread.doWork(AbstractFetcherThread.scala:1)\n",
        {.component = Component::kafka_broker});
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "java.lang.NullPointerException");
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::kafka);
}

TEST(Prefix, ColoursGoAndOtherEscapesLoseTheirEscape) {
    EXPECT_EQ(trace::without_terminal_escapes("\x1b[31mERROR\x1b[0m x"), "ERROR x");
    EXPECT_EQ(trace::without_terminal_escapes("\x1b]0;title\x07"), "]0;title\x07");
    EXPECT_EQ(trace::without_terminal_escapes("\x1b[12"), "[12");
    EXPECT_EQ(trace::without_terminal_escapes("plain"), std::nullopt);
}

TEST(Prefix, OnlyQuietLevelsAreAsides) {
    EXPECT_TRUE(trace::is_aside("[2024-01-01 10:00:00,000] INFO all is well (kafka.server)"));
    EXPECT_TRUE(trace::is_aside("10:00 WARNING slow"));
    EXPECT_FALSE(trace::is_aside("[main] ERROR x - INFO was asked for"));
    EXPECT_FALSE(trace::is_aside("java.lang.IllegalStateException: no INFORMATION"));
    EXPECT_FALSE(trace::is_aside(""));
}

TEST(Prefix, AClassNamedInsideALogLineCountsWhereNothingElseDoes) {
    const auto read = read_failures(
        "2024-01-01 10:00:00 WARN Task - Sink (1/1) switched to FAILED with failure cause: java.io.IOException: no\n",
        {.component = Component::flink});
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "java.io.IOException");
    EXPECT_EQ(read.failures[0].root().message, "no");
}

TEST(Prefix, APythonTracebackInsideAJavaExceptionDecides) {
    const auto read = read_failures(
        "java.lang.RuntimeException: Error received from SDK harness: Traceback (most recent call last):\n"
        "  File \"/jobs/enrich.py\", line 42, in enrich\n"
        "    return a / b\n"
        "ZeroDivisionError: division by zero\n"
        "\tat org.apache.beam.Wait.get(Wait.java:1)\n",
        {.component = Component::flink});
    ASSERT_GE(read.failures.size(), 1U);
    const auto& python = read.failures.back();
    EXPECT_EQ(python.root().type, "ZeroDivisionError");
    ASSERT_NE(python.deciding(), nullptr);
    EXPECT_EQ(python.deciding()->owner, FrameOwner::user);
}

}  // namespace
}  // namespace medic

#include "classifiers/diagnosis/trace/trace.h"

#include <chrono>

#include <gtest/gtest.h>

namespace medic {
namespace {

constexpr std::string_view flink_null =
    R"log(2024-05-01 10:00:00,123 WARN  org.apache.flink.runtime.taskmanager.Task [] - Enrich (1/2)#0 switched from RUNNING to FAILED with failure cause:
org.apache.flink.streaming.runtime.tasks.ExceptionInChainedOperatorException: Could not forward element to next operator
	at org.apache.flink.streaming.runtime.tasks.ChainingOutput.pushToOperator(ChainingOutput.java:99) ~[flink-dist-1.20.0.jar:1.20.0]
	at org.apache.flink.runtime.taskmanager.Task.run(Task.java:566) ~[flink-dist-1.20.0.jar:1.20.0]
	at java.base/java.lang.Thread.run(Thread.java:829) ~[?:?]
Caused by: java.lang.NullPointerException: Cannot invoke "String.length()" because "server" is null
	at java.base/java.util.Objects.requireNonNull(Objects.java:221) ~[?:?]
	at com.acme.fleet.Enrich.map(Enrich.java:42) ~[?:?]
	at org.apache.flink.streaming.api.operators.StreamMap.processElement(StreamMap.java:38) ~[flink-dist-1.20.0.jar:1.20.0]
	... 12 more
)log";

TEST(Trace, UserFrameUnderTheLanguagesLibraryDecides) {
    const auto read = read_failures(flink_null, {.component = Component::flink});
    ASSERT_EQ(read.failures.size(), 1U);
    const auto& failure = read.failures[0];
    ASSERT_EQ(failure.chain.size(), 2U);
    EXPECT_EQ(failure.root().type, "java.lang.NullPointerException");
    EXPECT_EQ(failure.root().elided, 12U);
    ASSERT_NE(failure.deciding(), nullptr);
    EXPECT_EQ(failure.deciding()->function, "com.acme.fleet.Enrich.map");
    EXPECT_EQ(failure.deciding()->owner, FrameOwner::user);
    EXPECT_EQ(failure.deciding()->location, "Enrich.java:42");
}

TEST(Trace, UnknownPackageIsAPluginInAWorkerAndALibraryInABroker) {
    const std::string_view text = "java.lang.IllegalStateException: x\n\tat net.example.Thing.run(Thing.java:1)\n";
    EXPECT_EQ(read_failures(text, {.component = Component::connect}).failures[0].deciding()->owner,
              FrameOwner::connector);
    EXPECT_EQ(read_failures(text, {.component = Component::kafka_broker}).failures[0].deciding(), nullptr);
    EXPECT_EQ(read_failures(text, {.component = Component::flink}).failures[0].deciding()->owner, FrameOwner::user);
}

TEST(Trace, LearntPackagesWin) {
    const std::string_view text = "java.lang.Error: x\n\tat org.apache.flink.contrib.Mine.run(Mine.java:1)\n";
    const auto read = read_failures(text, {.user_prefixes = {"org.apache.flink.contrib."}});
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::user);
}

TEST(Trace, NativeFramesNameTheSharedObject) {
    const std::string_view text =
        "medic::engine::flow::NullDereference: null dereference while handling a record of topic events partition 2 "
        "offset 77\n"
        "  at std::function<void ()>::operator()() const (libstdc++.so.6+0x1)\n"
        "  at fleet::Enrich::map(fleet::Event const&) (libfleet_monitor.so+0x1f2)\n"
        "  at medic::engine::flow::MapOperator::process(Record&&) (medic-engine+0x9a2)\n";
    const auto read = read_failures(text, {.component = Component::flink});
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "medic::engine::flow::NullDereference");
    ASSERT_NE(read.failures[0].deciding(), nullptr);
    EXPECT_EQ(read.failures[0].deciding()->function, "fleet::Enrich::map(fleet::Event const&)");
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::user);
    EXPECT_EQ(read.record, (RecordRef{"events", 2, 77}));
}

TEST(Trace, AnyQualifiedNameIsATypeWhereFramesFollow) {
    const auto read = read_failures(
        "std::out_of_range: at 7\n"
        "\tat std::__throw_out_of_range_fmt(char const*, ...)(libstdc++.so.6+0x1)\n"
        "\tat parse_event(char const*)(libfleet_monitor.so+0x1f2)\n"
        "\tat main(medic-engine+0x12)\n",
        {.component = Component::flink});
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "std::out_of_range");
    EXPECT_EQ(read.failures[0].deciding()->function, "parse_event(char const*)");
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::user);
}

TEST(Trace, SuppressedThrowablesNeverDecide) {
    const std::string_view text =
        "java.lang.IllegalStateException: closing\n"
        "\tat com.acme.Job.run(Job.java:1)\n"
        "\tSuppressed: java.io.IOException: also\n"
        "\t\tat com.acme.Close.close(Close.java:9)\n"
        "\tCaused by: java.lang.Error: inner of the suppressed\n"
        "\t\tat com.acme.Inner.x(Inner.java:9)\n"
        "Caused by: java.lang.RuntimeException: the cause\n"
        "\tat com.acme.Cause.go(Cause.java:5)\n";
    const auto read = read_failures(text);
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().message, "the cause");
    EXPECT_EQ(read.failures[0].deciding()->function, "com.acme.Cause.go");
    EXPECT_EQ(read.failures[0].chain[2].relation, Throwable::Relation::suppressed);
}

TEST(Trace, WhoCalledACheckDecides) {
    const std::string check =
        "java.lang.IllegalArgumentException: x\n\tat com.acme.util.Preconditions.checkArgument(P.java:1)\n";
    const std::string called = check + "\tat com.acme.Cause.go(Cause.java:5)\n";
    auto read = read_failures(called);
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].deciding()->function, "com.acme.Cause.go");
    read = read_failures(check);  // Its caller is unknown.
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].deciding()->function, "com.acme.util.Preconditions.checkArgument");
}

TEST(Trace, WhoCalledAToolboxOfChecksDecides) {
    auto read = read_failures(
        "java.lang.IllegalArgumentException: x\n"
        "\tat org.apache.hudi.common.util.ValidationUtils.checkArgument(V.java:1)\n"
        "\tat org.apache.hudi.configuration.OptionsResolver.check(O.java:5)\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].deciding()->function, "org.apache.hudi.configuration.OptionsResolver.check");
    // A class that only begins so is no toolbox.
    read = read_failures(
        "java.lang.IllegalStateException: x\n\tat com.acme.ValidationUtilsOfOrders.run(V.java:1)\n"
        "\tat com.acme.Job.go(Job.java:5)\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].deciding()->function, "com.acme.ValidationUtilsOfOrders.run");
}

TEST(Trace, WhatTheServerThrewStandsBehindItsClientsClass) {
    auto read = read_failures(
        "org.apache.hadoop.ipc.RemoteException(org.apache.hadoop.ipc.StandbyException): not this one\n"
        "\tat org.apache.hadoop.ipc.Client.call(Client.java:1)\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "org.apache.hadoop.ipc.RemoteException");
    EXPECT_EQ(read.failures[0].root().message, "not this one");
    // No class stands in these brackets, and nothing is closed in those.
    read = read_failures("a.b.RemoteException(see the log): x\n\tat a.b.C.d(C.java:1)\n");
    EXPECT_TRUE(read.failures.empty() || read.failures[0].root().message != "x");
    read = read_failures("a.b.RemoteException(c.d.EException\n\tat a.b.C.d(C.java:1)\n");
    EXPECT_TRUE(read.failures.empty() || read.failures[0].root().message.empty());
}

TEST(Trace, CircularReferenceEndsTheChain) {
    const auto read = read_failures(
        "a.b.OuterException: x\n\tat a.b.C.d(C.java:1)\nCaused by: [CIRCULAR REFERENCE: a.b.OuterException: x]\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].chain.size(), 1U);
}

TEST(Trace, ClassInsideALogLineIsFound) {
    const auto read = read_failures(
        "2011/08/12 00:22:36.194 FATAL [Server] [main] java.lang.NullPointerException\n"
        "\tat kafka.server.KafkaServer.shutdown(KafkaServer.scala:98)\n",
        {.component = Component::kafka_broker});
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "java.lang.NullPointerException");
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::kafka);
}

TEST(Trace, WhatJavaThrewStandsBelowPy4J) {
    const auto read = read_failures(
        "Traceback (most recent call last):\n"
        "  File \"/opt/job.py\", line 20, in main\n"
        "    table_env.execute_sql(text)\n"
        "py4j.protocol.Py4JJavaError: An error occurred while calling o8.executeSql.\n"
        ": org.apache.flink.table.api.ValidationException: no such table\n"
        "\tat org.apache.flink.table.A.b(A.java:1)\n"
        "Caused by: java.lang.Error: inner\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].chain.size(), 3U);
    EXPECT_EQ(read.failures[0].root().type, "java.lang.Error");
}

TEST(Trace, MessageOverSeveralLinesKeepsItsFrames) {
    const auto read = read_failures("java.lang.IllegalStateException: one\ntwo\nthree\n\tat com.acme.A.b(A.java:1)\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "java.lang.IllegalStateException");
    EXPECT_EQ(read.failures[0].root().frames.size(), 1U);
}

TEST(Trace, SeveralTracesInOneLogStayApart) {
    const auto read = read_failures(
        "10:00:00 ERROR first\njava.lang.Error: a\n\tat com.acme.A.b(A.java:1)\n"
        "10:00:01 ERROR second\njava.lang.RuntimeException: b\n\tat com.acme.B.c(B.java:1)\n");
    ASSERT_EQ(read.failures.size(), 2U);
    EXPECT_EQ(read.failures[0].headline, "10:00:00 ERROR first");
    EXPECT_EQ(read.failures[1].root().type, "java.lang.RuntimeException");
}

TEST(Trace, JsonLogLineIsUnescaped) {
    const auto read = read_failures(
        R"({"level":"ERROR","message":"failed","stack_trace":"java.lang.IllegalStateException: x\n\tat com.acme.A.b(A.java:7)\nCaused by: java.lang.NullPointerException\n\tat com.acme.C.d(C.java:9)\n"})");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "java.lang.NullPointerException");
    EXPECT_EQ(read.failures[0].deciding()->location, "C.java:9");
}

TEST(Trace, PythonReadsMostRecentCallLast) {
    const auto read = read_failures(
        "Traceback (most recent call last):\n"
        "  File \"/usr/lib/python3/site-packages/pyflink/fn_execution/op.py\", line 10, in process\n"
        "    self.f(x)\n"
        "  File \"/jobs/enrich.py\", line 42, in enrich\n"
        "    return int(x)\n"
        "ValueError: invalid literal for int()\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "ValueError");
    ASSERT_NE(read.failures[0].deciding(), nullptr);
    EXPECT_EQ(read.failures[0].deciding()->function, "enrich");
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::user);
}

TEST(Trace, JvmFatalErrorLogNamesTheProblematicFrame) {
    const auto read = read_failures(
        "#\n# A fatal error has been detected by the Java Runtime Environment:\n#\n"
        "#  SIGSEGV (0xb) at pc=0x00007f, pid=12, tid=13\n#\n# Problematic frame:\n"
        "# C  [librocksdbjni-linux64.so+0x2f3a10]  rocksdb::DBImpl::Get()+0x10\n");
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "SIGSEGV");
    ASSERT_EQ(read.failures[0].root().frames.size(), 1U);
    EXPECT_EQ(read.failures[0].root().frames[0].owner, FrameOwner::library);
}

TEST(Trace, RecordIsFoundInTheProductsOwnForms) {
    EXPECT_EQ(
        find_record("Error converting message value in topic 'test_table' partition 0 at offset 12 and timestamp 1"),
        (RecordRef{"test_table", 0, 12}));
    EXPECT_EQ(
        find_record("ConsumerRecord(topic = orders, partition = 3, leaderEpoch = 0, offset = 991, CreateTime = 1)"),
        (RecordRef{"orders", 3, 991}));
    EXPECT_EQ(find_record("Error deserializing key/value for partition orders-eu-7 at offset 5. If needed, seek past"),
              (RecordRef{"orders-eu", 7, 5}));
    EXPECT_EQ(find_record("no record is named here, an offset neither"), std::nullopt);
}

TEST(Trace, ExitCodeIsFound) {
    EXPECT_EQ(find_exit_code("[flink-main-container(exitCode=137, reason=OOMKilled, message=null)]"), 137);
    EXPECT_EQ(find_exit_code("nothing"), std::nullopt);
}

TEST(Owner, RelocatedClassesBelongToWhomTheyBelongAtHome) {
    const Ownership flink{.component = Component::flink};
    EXPECT_EQ(owner_of("com.acme.lake.shaded.org.apache.iceberg.BaseTable.io", "BaseTable.java:1", flink),
              FrameOwner::connector);
    EXPECT_EQ(owner_of("org.apache.flink.hbase.shaded.org.apache.hadoop.Conf.get", "Conf.java:1", flink),
              FrameOwner::library);
    EXPECT_EQ(
        owner_of("org.apache.flink.kafka.shaded.org.apache.kafka.clients.Metadata.fetch", "Metadata.java:1", flink),
        FrameOwner::kafka);
    EXPECT_EQ(owner_of("com.acme.shaded.Enrich.map", "Enrich.java:1", flink), FrameOwner::user);
    EXPECT_EQ(owner_of("com.google.cloud.flink.bigquery.sink.Writer.write", "Writer.java:1", flink),
              FrameOwner::connector);
    EXPECT_EQ(owner_of("com.google.cloud.storage.Storage.get", "Storage.java:1", flink), FrameOwner::library);
    EXPECT_EQ(owner_of("com.acme.flink.Enrich.map", "Enrich.java:1", flink), FrameOwner::user);
}

TEST(Owner, DriversAndSinksOfOneHouseAreToldApart) {
    const Ownership worker{.component = Component::connect};
    EXPECT_EQ(owner_of("com.informix.util.IfxErrMsg.buildException", "IfxErrMsg.java:1", worker), FrameOwner::library);
    EXPECT_EQ(owner_of("com.sap.db.jdbc.Session.open", "Session.java:1", worker), FrameOwner::library);
    EXPECT_EQ(owner_of("com.sap.kafka.connect.sink.Task.put", "Task.scala:1", worker), FrameOwner::connector);
    EXPECT_EQ(owner_of("com.datastax.oss.kafka.sink.Task.put", "Task.java:1", worker), FrameOwner::connector);
    EXPECT_EQ(owner_of("com.datastax.oss.driver.api.Session.execute", "Session.java:1", worker), FrameOwner::library);
    EXPECT_EQ(owner_of("com.arangodb.kafka.ArangoSinkTask.put", "ArangoSinkTask.java:1", worker),
              FrameOwner::connector);
    EXPECT_EQ(owner_of("com.arangodb.internal.Wire.read", "Wire.java:1", worker), FrameOwner::library);
    EXPECT_EQ(owner_of("com.arangodb.kafka.ArangoSinkTask.put", "ArangoSinkTask.java:1", {}), FrameOwner::library);
}

TEST(Owner, WhatHousesMakeForTheEngineIsNoAuthorsCode) {
    const Ownership job{.component = Component::flink};
    EXPECT_EQ(owner_of("org.apache.gluten.table.runtime.Operator.open", "Operator.java:1", job), FrameOwner::connector);
    EXPECT_EQ(owner_of("com.getindata.flink.udtf.Call.eval", "Call.java:1", job), FrameOwner::connector);
    EXPECT_EQ(owner_of("com.pingcap.tikv.Client.get", "Client.java:1", job), FrameOwner::library);
    EXPECT_EQ(owner_of("com.getindata2.flink.udtf.Call.eval", "Call.java:1", job), FrameOwner::user);
}

TEST(Owner, NodeFramesAreToldByTheirModule) {
    const Ownership client{.component = Component::kafka_client};
    EXPECT_EQ(owner_of("Broker.connect", "/app/node_modules/kafkajs/src/broker/index.js:10:3", client),
              FrameOwner::kafka);
    EXPECT_EQ(owner_of("run", "/app/node_modules/p-retry/index.js:4:1", client), FrameOwner::library);
    EXPECT_EQ(owner_of("Socket.emit", "node:events:517:28", client), FrameOwner::jdk);
    EXPECT_EQ(owner_of("handle", "/app/src/consumer.js:22:7", client), FrameOwner::user);
}

TEST(Trace, MessageMayStandBelowItsClass) {
    const auto read = read_failures(
        "com.acme.PumpException:\n[PUMP] Exception: Invalid valve\n[PUMP] Code: 7\n\tat "
        "com.acme.Pump.start(Pump.java:1)\n"
        "Caused by: com.acme.ValveException:\nstuck\n\tat com.acme.Valve.open(Valve.java:1)\n"
        "java.lang.NullPointerException\nshutting down\n");
    ASSERT_EQ(read.failures.size(), 2U);
    EXPECT_EQ(read.failures[0].chain[0].message, "[PUMP] Exception: Invalid valve");
    EXPECT_EQ(read.failures[0].chain[1].message, "stuck");
    EXPECT_EQ(read.failures[1].chain[0].message, "");
}

TEST(Trace, TextWithoutFailureGivesNone) {
    EXPECT_TRUE(read_failures("INFO all is well\nINFO still\n").failures.empty());
    EXPECT_TRUE(read_failures("").failures.empty());
}

TEST(Trace, HugeTracesAreBounded) {
    std::string text = "java.lang.StackOverflowError\n";
    for (int i = 0; i < 20'000; ++i) text += "\tat com.acme.Deep.go(Deep.java:1)\n";
    for (int i = 0; i < 5'000; ++i) text += "Caused by: a.b.CException: x\n";
    const TraceLimits limits{.text_bytes_max = 8 << 20};
    const auto read = read_failures(text, {}, limits);
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_TRUE(read.truncated);
    EXPECT_EQ(read.failures[0].chain[0].frames.size(), limits.frames_max);
    EXPECT_LE(read.failures[0].chain.size(), limits.throwables_max);
}

}  // namespace
}  // namespace medic

// The runners that drive connectors, with a fake broker.
#include "engine/connect/runner.h"

#include <atomic>
#include <deque>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/common/throw_trace.h"
#include "engine/connect/test_support_internal.h"

namespace medic::engine::connect {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

struct Bench {
    std::atomic<bool> stop = false, pause = false;
    TaskMetrics metrics;
    std::vector<State> states;
    std::vector<SourceOffset> offsets;
    TaskContext context;

    explicit Bench(ConnectorType type, Config config) : metrics(type) {
        context.key = {"c", 0};
        context.config = std::move(config);
        context.flush = milliseconds(0);
        context.stop = &stop;
        context.pause = &pause;
        context.metrics = &metrics;
        context.on_state = [this](State state) { states.push_back(state); };
        context.on_offsets = [this](const std::vector<SourceOffset>& now, const std::vector<std::string>&) {
            offsets = now;
        };
        context.store_offset = [](const SourceOffset&) { return Status(); };
    }
};

class FakeWriter final : public KafkaWriter {
public:
    std::vector<std::string> values;
    std::deque<ErrorCode> errors;  // Of the next calls.
    std::size_t stop_after = 0;
    std::atomic<bool>* stop = nullptr;

    std::vector<std::string> created;
    std::vector<SourceRecord> records;

    void interrupt() override {}
    Status create_topic(const NewTopic& topic) override {
        created.push_back(fmt::format("{} {} {}", topic.name, topic.partitions, topic.replication_factor));
        return {};
    }
    Status write(std::span<const SourceRecord> batch) override {
        if (!errors.empty()) {
            const ErrorCode code = errors.front();
            errors.pop_front();
            return fail(code, "broker says no");
        }
        for (const auto& record : batch) values.push_back(record.value), records.push_back(record);
        if (stop != nullptr && values.size() >= stop_after) *stop = true;
        return {};
    }
};

TEST(SourceRunner, RetriesWhatMayPassAndStoresOffsetsAfterTheWrite) {
    Bench bench(ConnectorType::source, {{"topic", "t"},
                                        {"rate", "1000"},
                                        {"records.max", "5"},
                                        {"fields", "n=seq"},
                                        {"topic.creation.default.partitions", "4"},
                                        {"topic.creation.default.replication.factor", "3"}});
    FakeWriter writer;
    writer.errors = {ErrorCode::unavailable, ErrorCode::outcome_unknown};
    writer.stop_after = 5;
    writer.stop = &bench.stop;
    const auto task = find_plugin("GeneratorSource")->make_source();
    run_source(bench.context, *task, writer);
    EXPECT_THAT(writer.created, ElementsAre("t 4 3"));
    EXPECT_EQ(writer.values.size(), 5u);
    EXPECT_THAT(bench.states, ElementsAre(State::running));
    EXPECT_EQ(bench.offsets.at(0).offset_json, R"({"seq":5})");
    const auto values = bench.metrics.values();
    EXPECT_EQ(values.at("kafka_connect_source_task_source_record_poll"), 5);
    EXPECT_EQ(values.at("kafka_connect_source_task_source_record_write"), 5);
    EXPECT_EQ(values.at("kafka_connect_source_task_source_record_active_count"), 0);
    EXPECT_EQ(values.at("kafka_connect_task_error_total_retries"), 2);
}

TEST(SourceRunner, FailsOnWhatWillNotPass) {
    Bench bench(ConnectorType::source, {{"topic", "t"}, {"rate", "1000"}});
    FakeWriter writer;
    writer.errors = {ErrorCode::invalid};
    const auto task = find_plugin("GeneratorSource")->make_source();
    EXPECT_THROW(run_source(bench.context, *task, writer), NamedException);
}

class FakeReader final : public KafkaReader {
public:
    std::deque<std::vector<SinkRecord>> batches;
    std::vector<TopicPartition> partitions = {{"t", 0}};
    std::map<TopicPartition, std::int64_t> sought, committed;
    std::atomic<bool>* stop = nullptr;
    std::map<TopicPartition, std::int64_t> committed_when_given_back;
    bool left = false, revoking = false;
    int paused_polls = 0;

    Result<std::vector<SinkRecord>> poll(milliseconds, Flow flow) override {
        if (flow == Flow::pause) ++paused_polls;
        if (polls_++ == 0) return std::vector<SinkRecord>{};
        if (std::exchange(revoking, false)) {
            committed_when_given_back = committed;
            ++epoch_;
            return std::vector<SinkRecord>{};
        }
        if (batches.empty()) {
            *stop = true;
            return std::vector<SinkRecord>{};
        }
        auto batch = batches.front();
        batches.pop_front();
        return batch;
    }
    bool is_revoking() const override { return revoking; }
    void interrupt() override {}
    std::uint64_t assignment_epoch() const override { return polls_ > 0 ? epoch_ : 0; }
    std::vector<TopicPartition> assignment() const override { return partitions; }
    void seek(const TopicPartition& partition, std::int64_t offset) override { sought[partition] = offset; }
    Status commit(const std::map<TopicPartition, std::int64_t>& next_offsets) override {
        committed = next_offsets;
        return {};
    }
    void leave() override { left = true; }

private:
    int polls_ = 0;
    std::uint64_t epoch_ = 1;
};

class FakeSink final : public SinkTask {
public:
    std::vector<std::string> values;
    std::function<void()> on_put = [] {};
    void start(const Config&) override {}
    std::optional<std::int64_t> open(const TopicPartition&) override { return 42; }
    void put(std::span<const SinkRecord> records) override {
        for (const auto& record : records) values.push_back(*record.value);
        on_put();
    }
};

TEST(SinkRunner, StartsWhereTheSinkSaysAndCommitsWhatWasPut) {
    Bench bench(ConnectorType::sink, {{"topics", "t"}});
    FakeReader reader;
    reader.stop = &bench.stop;
    reader.batches = {{sink_record(42, "a"), sink_record(43, "b")}};
    FakeSink sink;
    run_sink(bench.context, sink, reader);
    EXPECT_EQ(reader.sought.at({"t", 0}), 42);
    EXPECT_THAT(sink.values, ElementsAre("a", "b"));
    EXPECT_EQ(reader.committed.at({"t", 0}), 44);
    EXPECT_TRUE(reader.left);
    EXPECT_EQ(bench.offsets.at(0).partition_json, R"({"kafka_partition":0,"kafka_topic":"t"})");
    const auto values = bench.metrics.values();
    EXPECT_EQ(values.at("kafka_connect_sink_task_sink_record_read"), 2);
    EXPECT_EQ(values.at("kafka_connect_sink_task_sink_record_send"), 2);
    EXPECT_EQ(values.at("kafka_connect_sink_task_partition_count"), 1);
}

TEST(SinkRunner, APoisonRecordFailsTheTaskAndIsNamed) {
    Bench bench(ConnectorType::sink,
                {{"topics", "t"}, {"value.converter", "org.apache.kafka.connect.json.JsonConverter"}});
    FakeReader reader;
    reader.stop = &bench.stop;
    reader.batches = {{sink_record(42, "{}"), sink_record(43, "{not json")}};
    FakeSink sink;
    std::string trace;
    try {
        run_sink(bench.context, sink, reader);
    } catch (...) {
        trace = describe_current_exception();
    }
    EXPECT_THAT(trace,
                HasSubstr("org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler"));
    EXPECT_THAT(trace, HasSubstr("Caused by: org.apache.kafka.connect.errors.DataException"));
    EXPECT_THAT(trace, HasSubstr("topic 't' partition 0 at offset 43"));
    EXPECT_EQ(bench.metrics.values().at("kafka_connect_task_error_total_record_failures"), 1);
}

TEST(SinkRunner, SkipsPoisonRecordsWhereTheyAreTolerated) {
    Bench bench(ConnectorType::sink, {{"topics", "t"},
                                      {"errors.tolerance", "all"},
                                      {"value.converter", "org.apache.kafka.connect.json.JsonConverter"}});
    FakeReader reader;
    reader.stop = &bench.stop;
    reader.batches = {{sink_record(42, "{not json"), sink_record(43, "[1]")}};
    FakeSink sink;
    run_sink(bench.context, sink, reader);
    EXPECT_THAT(sink.values, ElementsAre("[1]"));
    EXPECT_EQ(reader.committed.at({"t", 0}), 44);
    EXPECT_EQ(bench.metrics.values().at("kafka_connect_task_error_total_records_skipped"), 1);
}

const Config with_dead_letters = {{"topics", "t"},
                                  {"errors.tolerance", "all"},
                                  {"errors.deadletterqueue.topic.name", "bad"},
                                  {"errors.deadletterqueue.context.headers.enable", "true"},
                                  {"errors.deadletterqueue.topic.replication.factor", "1"},
                                  {"value.converter", "org.apache.kafka.connect.json.JsonConverter"}};

TEST(SinkRunner, WritesPoisonRecordsToTheDeadLetterQueueAsTheyCameWithWhereTheyCameFrom) {
    Bench bench(ConnectorType::sink, with_dead_letters);
    FakeReader reader;
    reader.stop = &bench.stop;
    SinkRecord poison = sink_record(42, "{not json");
    poison.key = "k";
    poison.headers = {{"trace", "7"}};
    reader.batches = {{poison, sink_record(43, "[1]")}};
    FakeSink sink;
    FakeWriter letters;
    run_sink(bench.context, sink, reader, &letters);
    EXPECT_THAT(letters.created, ElementsAre("bad 1 1"));
    ASSERT_EQ(letters.records.size(), 1u);
    const SourceRecord& letter = letters.records[0];
    EXPECT_EQ(letter.topic, "bad");
    EXPECT_EQ(letter.key, "k");
    EXPECT_EQ(letter.value, "{not json");
    EXPECT_EQ(letter.timestamp_ms, 1000);
    const std::map<std::string, std::string> headers(letter.headers.begin(), letter.headers.end());
    EXPECT_EQ(headers.at("trace"), "7");
    EXPECT_EQ(headers.at("__connect.errors.topic"), "t");
    EXPECT_EQ(headers.at("__connect.errors.partition"), "0");
    EXPECT_EQ(headers.at("__connect.errors.offset"), "42");
    EXPECT_EQ(headers.at("__connect.errors.connector.name"), "c");
    EXPECT_EQ(headers.at("__connect.errors.task.id"), "0");
    EXPECT_EQ(headers.at("__connect.errors.stage"), "VALUE_CONVERTER");
    EXPECT_EQ(headers.at("__connect.errors.exception.class.name"), "org.apache.kafka.connect.errors.DataException");
    EXPECT_THAT(sink.values, ElementsAre("[1]"));
    EXPECT_EQ(reader.committed.at({"t", 0}), 44);
}

TEST(SinkRunner, ADeadLetterThatIsNotWrittenEndsTheTask) {
    Bench bench(ConnectorType::sink, with_dead_letters);
    FakeReader reader;
    reader.stop = &bench.stop;
    reader.batches = {{sink_record(42, "{not json")}};
    FakeSink sink;
    FakeWriter letters;
    letters.errors = {ErrorCode::unavailable};
    EXPECT_THROW(run_sink(bench.context, sink, reader, &letters), NamedException);
    EXPECT_FALSE(reader.committed.contains({"t", 0}));
}

TEST(SinkRunner, ATaskThatFailsHasCommittedTheBatchesBeforeAndLeavesItsGroup) {
    Bench bench(ConnectorType::sink,
                {{"topics", "t"}, {"value.converter", "org.apache.kafka.connect.json.JsonConverter"}});
    bench.context.flush = milliseconds(60'000);
    FakeReader reader;
    reader.stop = &bench.stop;
    reader.batches = {{sink_record(42, "{}"), sink_record(43, "{}")}, {sink_record(44, "{}"), sink_record(45, "{no")}};
    FakeSink sink;
    EXPECT_THROW(run_sink(bench.context, sink, reader), NamedException);
    EXPECT_EQ(reader.committed.at({"t", 0}), 44);
    EXPECT_THAT(sink.values, ElementsAre("{}", "{}"));
    EXPECT_TRUE(reader.left);
}

TEST(SinkRunner, ARebalanceThatBeginsDuringAPutFindsItCommitted) {
    Bench bench(ConnectorType::sink, {{"topics", "t"}});
    bench.context.flush = milliseconds(60'000);
    FakeReader reader;
    reader.stop = &bench.stop;
    reader.batches = {{sink_record(42, "a"), sink_record(43, "b")}};
    FakeSink sink;
    sink.on_put = [&] { reader.revoking = true; };
    run_sink(bench.context, sink, reader);
    EXPECT_EQ(reader.committed_when_given_back.at({"t", 0}), 44);
}

TEST(KafkaReader, WhoIsNoMemberCommitsNothing) {
    // Nobody listens there: nobody is asked.
    const auto reader = make_kafka_reader({.kafka = {{"127.0.0.1:1"}, "c"}, .group = "g", .topics = {"t"}});
    const Status committed = reader->commit({{{"t", 0}, 44}});
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code, ErrorCode::outdated);
    EXPECT_EQ(committed.error().message, "group g: not a member");
}

TEST(SinkRunner, APausedTaskStaysInTheGroup) {
    Bench bench(ConnectorType::sink, {{"topics", "t"}});
    bench.pause = true;
    FakeReader reader;
    reader.stop = &bench.stop;
    FakeSink sink;
    run_sink(bench.context, sink, reader);
    EXPECT_THAT(bench.states, ElementsAre(State::paused));
    EXPECT_GT(reader.paused_polls, 0);
}

}  // namespace
}  // namespace medic::engine::connect

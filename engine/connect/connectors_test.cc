// Connectors and the runners that drive them, without a broker.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/common/throw_trace.h"
#include "engine/connect/config_store.h"
#include "engine/connect/runner.h"

namespace medic::engine::connect {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Folder {
public:
    Folder() {
        char name[] = "/tmp/medic-connect-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    std::string path_;
};

std::vector<SourceRecord> poll_at_least(SourceTask& task, std::size_t count) {
    std::vector<SourceRecord> all;
    while (all.size() < count)
        for (auto& record : task.poll(milliseconds(10'000))) all.push_back(std::move(record));
    return all;
}

SinkRecord sink_record(std::int64_t offset, std::string value, int partition = 0) {
    return {"t", partition, offset, 1000, std::nullopt, std::move(value)};
}

std::int64_t query(const std::string& path, const std::string& sql) {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    std::int64_t value = -1;
    if (sqlite3_open(path.c_str(), &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

// A confirming service that answers only while it is told to.
class ConfirmService {
public:
    explicit ConfirmService(bool answering) : answering_(answering) {
        listener_ = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        listen(listener_, 5);
        socklen_t size = sizeof address;
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~ConfirmService() {
        shutdown(listener_, SHUT_RDWR);
        if (client_ >= 0) shutdown(client_, SHUT_RDWR);
        thread_.join();
        close(listener_);
    }
    ConfirmService(const ConfirmService&) = delete;
    ConfirmService& operator=(const ConfirmService&) = delete;

    [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", port_); }
    void wait_for_request() const { requests_.wait(0); }
    void answer() { send(client_, "ok\n", 3, MSG_NOSIGNAL); }

private:
    void serve() {
        client_ = accept(listener_, nullptr, nullptr);
        char text[256];
        while (client_ >= 0 && recv(client_, text, sizeof text, 0) > 0) {
            ++requests_;
            requests_.notify_all();
            if (answering_) answer();
        }
        if (client_ >= 0) close(client_);
    }

    const bool answering_;
    int listener_ = -1, port_ = 0;
    std::atomic<int> client_ = -1, requests_ = 0;
    std::thread thread_;
};

TEST(Plugins, ComplainInConnectsWords) {
    EXPECT_THAT(validate({}), ElementsAre(HasSubstr("Failed to find any class that implements Connector")));
    EXPECT_THAT(validate({{"connector.class", "FileStreamSink"}, {"tasks.max", "x"}}),
                ElementsAre("Invalid value x for configuration tasks.max: Not a number of type INT",
                            "Missing required configuration \"file\" which has no default value.",
                            "Must configure one of topics or topics.regex"));
    EXPECT_THAT(validate({{"connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"},
                          {"file", "/x"},
                          {"topics", "a"}}),
                IsEmpty());
    const Plugin* source = find_plugin("FileStreamSource");
    ASSERT_NE(source, nullptr);
    EXPECT_EQ(task_count(*source, {{"tasks.max", "4"}}), 1);
}

TEST(GeneratorSource, MakesTheSameRecordsAgainAndResumesAfterItsOffset) {
    const Config config = {{"topic", "events"},
                           {"rate", "100000"},
                           {"records.max", "300"},
                           {"key.field", "server"},
                           {"fields", "n=seq,server=pick:a|b|c,load=int:5:9,pad=text:3"}};
    const auto make = find_plugin("GeneratorSource")->make_source;
    const auto first = make();
    first->start(config, std::nullopt);
    const auto all = poll_at_least(*first, 300);
    ASSERT_EQ(all.size(), 300u);
    EXPECT_THAT(first->poll(milliseconds(0)), IsEmpty());
    EXPECT_EQ(first->offset().offset_json, R"({"seq":300})");
    EXPECT_THAT(all[7].value, testing::MatchesRegex(R"(\{"load":[5-9],"n":7,"pad":"[a-z]{3}","server":"[abc]"\})"));
    EXPECT_THAT(all[7].value, HasSubstr("\"" + *all[7].key + "\""));

    const auto second = make();
    second->start(config, SourceOffset{"{}", R"({"seq":298})"});
    const auto rest = poll_at_least(*second, 2);
    ASSERT_EQ(rest.size(), 2u);
    EXPECT_EQ(rest[0].value, all[298].value);
}

TEST(GeneratorSource, RefusesFieldsItDoesNotKnow) {
    for (const char* fields : {"x", "x=what", "x=int:5", "x=int:9:5", "x=text:-1", "x=pick:"}) {
        const auto task = find_plugin("GeneratorSource")->make_source();
        EXPECT_THROW(task->start({{"topic", "t"}, {"fields", fields}}, std::nullopt), NamedException) << fields;
    }
}

TEST(FileSource, ReadsWholeLinesWaitsForMoreAndResumes) {
    const Folder folder;
    const std::string path = folder / "in.txt";
    const Config config = {{"topic", "lines"}, {"file", path}};
    const auto task = find_plugin("FileStreamSource")->make_source();
    task->start(config, std::nullopt);
    EXPECT_THAT(task->poll(milliseconds(0)), IsEmpty());  // Not there yet.
    std::ofstream(path) << "one\r\ntwo\nthr";
    const auto two = poll_at_least(*task, 2);
    EXPECT_EQ(two[0].value, "one");
    EXPECT_EQ(two[1].value, "two");
    EXPECT_EQ(task->offset().offset_json, R"({"position":9})");
    std::ofstream(path, std::ios::app) << "ee\n";
    const auto resumed = find_plugin("FileStreamSource")->make_source();
    resumed->start(config, task->offset());
    EXPECT_EQ(poll_at_least(*resumed, 1)[0].value, "three");
}

TEST(FileSink, AppendsLinesAndTellsWhatItCannotOpen) {
    const Folder folder;
    const auto task = find_plugin("FileStreamSink")->make_sink();
    task->start({{"file", folder / "out.txt"}});
    task->put(std::vector<SinkRecord>{sink_record(0, "a"), sink_record(1, "b")});
    std::ifstream in(folder / "out.txt");
    EXPECT_EQ(std::string(std::istreambuf_iterator(in), {}), "a\nb\n");
    const auto broken = find_plugin("FileStreamSink")->make_sink();
    EXPECT_THROW(broken->start({{"file", folder / "no/such/folder"}}), NamedException);
}

TEST(SqliteSink, WritesEachOffsetOnceHoweverOftenItIsPut) {
    const Folder folder;
    const std::string path = folder / "out.db";
    for (int run = 0; run < 2; ++run) {
        const auto task = find_plugin("SqliteSink")->make_sink();
        task->start({{"db.path", path}, {"table.name", "orders"}});
        EXPECT_EQ(task->open({"t", 0}), run == 0 ? std::nullopt : std::optional<std::int64_t>(12));
        task->put(std::vector<SinkRecord>{sink_record(10, "a"), sink_record(11, "b"), sink_record(5, "c", 1)});
        task->put(std::vector<SinkRecord>{sink_record(11, "b")});
    }
    EXPECT_EQ(query(path, "SELECT count(*) FROM orders"), 3);
    EXPECT_EQ(query(path, "SELECT next_offset FROM connect_offsets WHERE part = 1"), 6);
    const auto broken = find_plugin("SqliteSink")->make_sink();
    EXPECT_THROW(broken->start({{"db.path", path}, {"table.name", "x; drop"}}), NamedException);
}

TEST(SqliteSink, HangsInTheCallWhileTheConfirmingServiceIsSilent) {
    const Folder folder;
    ConfirmService service(false);
    const auto task = find_plugin("SqliteSink")->make_sink();
    task->start({{"db.path", folder / "out.db"}, {"confirm.address", service.address()}});
    std::atomic<bool> returned = false;
    std::thread put([&] {
        task->put(std::vector<SinkRecord>{sink_record(0, "a")});
        returned = true;
    });
    service.wait_for_request();
    EXPECT_FALSE(returned);
    EXPECT_EQ(query(folder / "out.db", "SELECT count(*) FROM records"), 1);  // Durable before it asked.
    service.answer();
    put.join();
    EXPECT_TRUE(returned);
}

TEST(SqliteSink, FailsItsTaskWhenTheConfirmingServiceIsGone) {
    const Folder folder;
    std::string address;
    {
        const ConfirmService service(true);
        address = service.address();
    }
    const auto task = find_plugin("SqliteSink")->make_sink();
    task->start({{"db.path", folder / "out.db"}, {"confirm.address", address}});
    EXPECT_THROW(task->put(std::vector<SinkRecord>{sink_record(0, "a")}), NamedException);
}

TEST(ConfigStore, KeepsConnectorsAndOffsets) {
    const Folder folder;
    const std::string data = folder / "";
    EXPECT_THAT(*load_connectors(data), IsEmpty());
    EXPECT_EQ(*load_source_offset(data, {"a/b", 0}), std::nullopt);
    ASSERT_TRUE(save_connectors(data, {{"a/b", {{{"topic", "t"}}, State::paused}}}));
    ASSERT_TRUE(save_source_offset(data, {"a/b", 0}, {R"({"p":1})", R"({"o":2})"}));
    const auto connectors = load_connectors(data);
    ASSERT_TRUE(connectors);
    EXPECT_EQ(connectors->at("a/b").target, State::paused);
    EXPECT_EQ(connectors->at("a/b").config.at("topic"), "t");
    EXPECT_EQ((*load_source_offset(data, {"a/b", 0}))->offset_json, R"({"o":2})");
    std::ofstream(folder / "connectors.json") << "{";
    EXPECT_EQ(load_connectors(data).error().code, ErrorCode::invalid);
}

// --- Runners ---------------------------------------------------------------------------------------------------------

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

    void interrupt() override {}
    Status create_topic(const NewTopic& topic) override {
        created.push_back(fmt::format("{} {} {}", topic.name, topic.partitions, topic.replication_factor));
        return {};
    }
    Status write(std::span<const SourceRecord> records) override {
        if (!errors.empty()) {
            const ErrorCode code = errors.front();
            errors.pop_front();
            return fail(code, "broker says no");
        }
        for (const auto& record : records) values.push_back(record.value);
        if (values.size() >= stop_after) *stop = true;
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
    bool left = false;
    int paused_polls = 0;

    Result<std::vector<SinkRecord>> poll(milliseconds, Flow flow) override {
        if (flow == Flow::pause) ++paused_polls;
        if (polls_++ == 0) return std::vector<SinkRecord>{};
        if (batches.empty()) {
            *stop = true;
            return std::vector<SinkRecord>{};
        }
        auto batch = batches.front();
        batches.pop_front();
        return batch;
    }
    bool is_revoking() const override { return false; }
    void interrupt() override {}
    std::uint64_t assignment_epoch() const override { return polls_ > 0 ? 1 : 0; }
    std::vector<TopicPartition> assignment() const override { return partitions; }
    void seek(const TopicPartition& partition, std::int64_t offset) override { sought[partition] = offset; }
    Status commit(const std::map<TopicPartition, std::int64_t>& next_offsets) override {
        committed = next_offsets;
        return {};
    }
    void leave() override { left = true; }

private:
    int polls_ = 0;
};

class FakeSink final : public SinkTask {
public:
    std::vector<std::string> values;
    void start(const Config&) override {}
    std::optional<std::int64_t> open(const TopicPartition&) override { return 42; }
    void put(std::span<const SinkRecord> records) override {
        for (const auto& record : records) values.push_back(*record.value);
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

// What a skipped record rests on, on a live worker: a stopped sink's group is set behind one record (KIP-875) by the
// agent's own operation, answers are those of the embedded worker, and a dead letter queue carries Connect's headers.
// A sink of its own, so that the platform's ones are left alone. `make test-live` runs it.
#include <sstream>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/http_client.h"
#include "agent/world/real/kafka_consumer.h"
#include "agent/world/real/kafka_producer.h"
#include "tests/contract/one_operation.h"
#include "tests/live/live_internal.h"

namespace medic::live {
namespace {

using nlohmann::json;

constexpr const char* topic = "skip-probe";

class ConnectOffsets : public ::testing::Test {
protected:
    void SetUp() override {
        if (data_folder().empty()) GTEST_SKIP() << "MEDIC_LIVE_DATA names no platform: run `make test-live`";
        url_ = "http://127.0.0.1:" + std::to_string(port_of("connect-1", "rest"));
        ask("DELETE", "/connectors/skip-probe");
        write({R"({"n":0})", R"({"n":1})", "{no json", R"({"n":3})"});
    }
    void TearDown() override {
        if (!url_.empty()) ask("DELETE", "/connectors/skip-probe");
    }

    static std::vector<std::string> brokers() {
        std::vector<std::string> addresses;
        std::istringstream list(bootstrap());
        for (std::string one; std::getline(list, one, ',');) addresses.push_back(one);
        return addresses;
    }
    static void write(const std::vector<std::string>& values) {
        KafkaClient client({.bootstrap = brokers()});
        wire::CreateTopicsRequest creation;
        creation.topics.push_back({topic, 1, 1, {}, {}});
        ASSERT_TRUE(client.call(KafkaTarget::controller(), creation));
        KafkaProducer producer(client, {});
        for (const auto& value : values) {
            KafkaRecord record;
            record.topic = topic;
            record.value = value;
            ASSERT_TRUE(producer.append(record));
        }
        const Status written = producer.flush();
        ASSERT_TRUE(written) << written.error().message;
    }
    HttpReply ask(const std::string& method, const std::string& path, const json& body = nullptr) {
        HttpCall call{.method = method, .url = url_ + path, .timeout = Duration(30'000)};
        if (!body.is_null()) call.body = body.dump(), call.headers = {{"content-type", "application/json"}};
        auto reply = client_.perform(call);
        EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
        return reply ? *std::move(reply) : HttpReply{};
    }
    void configure(const std::map<std::string, std::string>& more) {
        json config = {{"connector.class", "FileStreamSink"},
                       {"tasks.max", "1"},
                       {"topics", topic},
                       {"value.converter.schemas.enable", "false"},
                       {"consumer.override.max.poll.records", "1"},
                       {"file", data_folder() + "/skip-probe-out.txt"}};
        for (const auto& [name, value] : more) config[name] = value;
        const int status = ask("PUT", "/connectors/skip-probe/config", config).status;
        ASSERT_TRUE(status == 200 || status == 201) << status;
    }
    template <class Holds>
    void wait_until(const std::string& what, Holds holds) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
        while (!holds()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain until " << what;
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
    }
    std::string task_state() {
        const json status = json::parse(ask("GET", "/connectors/skip-probe/status").body, nullptr, false);
        return status.contains("tasks") && !status["tasks"].empty() ? status["tasks"][0].value("state", "") : "";
    }
    std::int64_t committed() {
        const json answer = json::parse(ask("GET", "/connectors/skip-probe/offsets").body, nullptr, false);
        if (!answer.contains("offsets") || answer["offsets"].empty()) return -1;
        return answer["offsets"][0]["offset"]["kafka_offset"].get<std::int64_t>();
    }
    Result<std::string> act(OperationBody body, const std::string& key) {
        return contract::perform({.name = "live", .connect_urls = {url_}}, key, std::move(body));
    }

    std::string url_;
    HttpClient client_;
};

TEST_F(ConnectOffsets, AStoppedSinksGroupIsSetBehindOneRecord) {
    configure({});
    wait_until("the task has failed at the record", [&] { return task_state() == "FAILED" && committed() >= 2; });
    const std::int64_t poison = committed();
    const AlterConnectorOffset skip{
        .connector = "skip-probe", .topic = topic, .partition = 0, .from = poison, .to = poison + 1};
    EXPECT_EQ(act(skip, "I1/1/1").error().code, ErrorCode::invalid) << "it is not stopped: HTTP status 400";
    ASSERT_TRUE(act(StopConnector{"skip-probe"}, "I1/2/1"));
    wait_until("it has no tasks", [&] { return task_state().empty(); });
    wait_until("its group is set",
               [&, attempt = 0]() mutable { return act(skip, "I1/3/" + std::to_string(++attempt)).has_value(); });
    EXPECT_EQ(committed(), poison + 1);
    ASSERT_TRUE(act(ResumeConnector{"skip-probe"}, "I1/4/1"));
    wait_until("the record behind it has arrived",
               [&] { return text_of(data_folder() + "/skip-probe-out.txt").find("n=3") != std::string::npos; });
    EXPECT_EQ(task_state(), "RUNNING");
}

TEST_F(ConnectOffsets, ADeadLetterCarriesWhereItCameFrom) {
    configure({{"errors.tolerance", "all"},
               {"errors.deadletterqueue.topic.name", "skip-probe-bad"},
               {"errors.deadletterqueue.topic.replication.factor", "1"},
               {"errors.deadletterqueue.context.headers.enable", "true"}});
    KafkaConsumerOptions options;
    options.client = {.bootstrap = brokers()};
    KafkaConsumer consumer(options);
    wait_until("the queue is there",
               [&] { return consumer.assign({{{"skip-probe-bad", 0}, kFromEarliest}}).has_value(); });
    std::map<std::string, std::string> headers;
    wait_until("the letter is there", [&] {
        static_cast<void>(consumer.poll(std::chrono::milliseconds(500), [&](const ConsumedRecord& record) {
            for (const auto& [name, value] : record.record.headers) headers[std::string(name)] = value.value_or("");
        }));
        return !headers.empty();
    });
    EXPECT_EQ(headers["__connect.errors.topic"], topic);
    EXPECT_EQ(headers["__connect.errors.partition"], "0");
    EXPECT_EQ(headers["__connect.errors.connector.name"], "skip-probe");
    EXPECT_EQ(headers["__connect.errors.stage"], "VALUE_CONVERTER");
    EXPECT_EQ(headers["__connect.errors.exception.class.name"], "org.apache.kafka.connect.errors.DataException");
}

}  // namespace
}  // namespace medic::live

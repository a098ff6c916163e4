// Frames of languages that do not print Java's form: who failed, and whose code decides.
#include "classifiers/diagnosis/trace/languages.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "classifiers/diagnosis/trace/trace.h"

namespace medic {
namespace {

const Ownership client{.component = Component::kafka_client};

TEST(Languages, GoPanicsNameTheClientsFrame) {
    const auto read = read_failures(
        "panic: runtime error: index out of range [3] with length 3\n"
        "\n"
        "goroutine 88 [running]:\n"
        "runtime.gopanic({0x1, 0x2})\n"
        "\t/usr/local/go/src/runtime/panic.go:884 +0x212\n"
        "github.com/segmentio/kafka-go.(*Reader).spread(0xc000122000)\n"
        "\t/go/pkg/mod/github.com/segmentio/kafka-go@v0.4.40/reader.go:700 +0x1a\n"
        "main.main()\n"
        "\t/srv/ingest/main.go:30 +0x2b\n"
        "goroutine 89 [select]:\n"
        "main.idle()\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    const auto& failure = read.failures[0];
    EXPECT_EQ(failure.root().type, "panic");
    EXPECT_EQ(failure.root().message, "runtime error: index out of range [3] with length 3");
    ASSERT_EQ(failure.root().frames.size(), 3U);
    EXPECT_EQ(failure.root().frames[0].owner, FrameOwner::jdk);
    ASSERT_NE(failure.deciding(), nullptr);
    EXPECT_EQ(failure.deciding()->function, "github.com/segmentio/kafka-go.(*Reader).spread");
    EXPECT_EQ(failure.deciding()->owner, FrameOwner::kafka);
    EXPECT_EQ(failure.root().frames[2].owner, FrameOwner::user);
}

TEST(Languages, GoModulesOfOthersAreLibraries) {
    const auto read = read_failures(
        "panic: x\n\ngoroutine 1 [running]:\n"
        "github.com/other/thing.Do(0x1)\n\t/go/pkg/mod/github.com/other/thing@v1.0.0/do.go:3 +0x1\n"
        "github.com/acme/parcels/ingest.(*Handler).Handle(0x1)\n\t/srv/parcels/ingest/handler.go:9 +0x1\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    ASSERT_EQ(read.failures[0].root().frames.size(), 2U);
    EXPECT_EQ(read.failures[0].root().frames[0].owner, FrameOwner::library);
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::user);
}

TEST(Languages, RubyFramesAreToldByTheirGem) {
    const auto read = read_failures(
        "NoMethodError: undefined method `fetch' for nil:NilClass\n"
        "\tfrom /srv/orders/app/consumers/orders_consumer.rb:14:in `consume'\n"
        "\tfrom /usr/local/bundle/gems/karafka-2.4.0/lib/karafka/base_consumer.rb:90:in `on_consume'\n"
        "\tfrom gems/rdkafka-0.15.0/lib/rdkafka/consumer.rb:10:in 'Rdkafka::Consumer#poll'\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    const auto& frames = read.failures[0].root().frames;
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].function, "consume");
    EXPECT_EQ(frames[0].owner, FrameOwner::user);
    EXPECT_EQ(frames[1].owner, FrameOwner::library);
    EXPECT_EQ(frames[2].function, "Rdkafka::Consumer#poll");
    EXPECT_EQ(frames[2].owner, FrameOwner::kafka);
}

TEST(Languages, RubyFrameMayCarryTheErrorOrStandBehindAPrefix) {
    const auto whole = trace::parse_ruby_frame("app.rb:3:in `run': no price (Shop::PriceError)");
    ASSERT_TRUE(whole.has_value());
    ASSERT_TRUE(whole->header.has_value());
    EXPECT_EQ(whole->header->type, "Shop::PriceError");
    EXPECT_EQ(whole->header->message, "no price");
    const auto prefixed = trace::parse_ruby_frame("[error]: #0 /gems/ruby-kafka-0.7.6/lib/kafka/client.rb:75:in `new'");
    ASSERT_TRUE(prefixed.has_value());
    EXPECT_EQ(prefixed->frame.location, "/gems/ruby-kafka-0.7.6/lib/kafka/client.rb:75");
    const auto versioned = trace::parse_ruby_frame("from racecar (2.2.0) lib/racecar/cli.rb:13:in `main'");
    ASSERT_TRUE(versioned.has_value());
    EXPECT_EQ(versioned->frame.location, "racecar (2.2.0) lib/racecar/cli.rb:13");
    EXPECT_EQ(trace::parse_ruby_frame("the value stands :in `config'"), std::nullopt);
}

TEST(Languages, ElixirFramesAreToldByTheirApplication) {
    const auto read = read_failures(
        "[error] GenServer #PID<0.1.0> terminating\n"
        "** (FunctionClauseError) no function clause matching in KafkaEx.Protocol.Fetch.parse_response/1\n"
        "    (kafka_ex) lib/kafka_ex/protocol/fetch.ex:18: KafkaEx.Protocol.Fetch.parse_response(nil)\n"
        "    (stdlib 3.17) gen_server.erl:607: :gen_server.try_handle_call/4\n"
        "    (shop 0.1.0) lib/shop/reader.ex:9: Shop.Reader.run/1\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    const auto& failure = read.failures[0];
    EXPECT_EQ(failure.root().type, "FunctionClauseError");
    ASSERT_EQ(failure.root().frames.size(), 3U);
    EXPECT_EQ(failure.deciding()->function, "KafkaEx.Protocol.Fetch.parse_response");
    EXPECT_EQ(failure.deciding()->owner, FrameOwner::kafka);
    EXPECT_EQ(failure.root().frames[1].owner, FrameOwner::jdk);
    EXPECT_EQ(failure.root().frames[2].owner, FrameOwner::user);
}

TEST(Languages, NodeFramesAndHeadersBehindPrefixesAreRead) {
    const auto read = read_failures(
        "(node:1) UnhandledPromiseRejectionWarning: TypeError: \"value\" argument must not be a number\n"
        "    at Function.Buffer.from (buffer.js:186:11)\n"
        "    at module.exports.string (/srv/node_modules/kafkajs/src/murmur2.js:14:23)\n"
        "    at async /srv/node_modules/kafkajs/src/index.js:34:25\n"
        "    at Object.get value [as value] (/srv/src/shop.js:80:20)\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    const auto& failure = read.failures[0];
    EXPECT_EQ(failure.root().type, "TypeError");
    ASSERT_EQ(failure.root().frames.size(), 3U);  // "Object.get value" has a blank: not a name.
    EXPECT_EQ(failure.root().frames[0].owner, FrameOwner::jdk);
    EXPECT_EQ(failure.deciding()->owner, FrameOwner::kafka);
    EXPECT_EQ(failure.root().frames[2].location, "/srv/node_modules/kafkajs/src/index.js:34:25");
}

TEST(Languages, NodeCodeBehindTheTypeIsNoMessage) {
    const auto read =
        read_failures("TypeError [ERR_INVALID_ARG_TYPE]: wrong\n    at send (/srv/src/a.js:1:2)\n", client);
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "TypeError");
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::user);
}

TEST(Languages, DotNetInnerExceptionIsTheCause) {
    const auto read = read_failures(
        "Confluent.Kafka.ConsumeException: Local: Value deserialization error\n"
        " ---> System.InvalidOperationException: only these types\n"
        "   at Confluent.SchemaRegistry.Serdes.AvroDeserializer`1.DeserializeAsync(Byte[] data)\n"
        "   --- End of inner exception stack trace ---\n"
        "   at Confluent.Kafka.Consumer`2.Consume(Int32 millisecondsTimeout)\n"
        "   at Acme.Reader.Run()\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    const auto& failure = read.failures[0];
    ASSERT_EQ(failure.chain.size(), 2U);
    EXPECT_EQ(failure.root().type, "System.InvalidOperationException");
    EXPECT_EQ(failure.root().frames.size(), 1U);
    EXPECT_EQ(failure.chain[0].frames.size(), 2U);
    EXPECT_EQ(failure.chain[0].frames[1].owner, FrameOwner::user);
}

TEST(Languages, DotNetChainOnOneLineIsTakenApart) {
    const auto read = read_failures(
        "System.AggregateException: One or more errors ---> System.Net.Http.HttpRequestException: refused\n"
        "   at Acme.Reader.Run()\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "System.Net.Http.HttpRequestException");
}

TEST(Languages, DebuggersFramesFollowTheSignal) {
    const auto read = read_failures(
        "Thread 4 \"reader\" received signal SIGSEGV, Segmentation fault.\n"
        "#0  0x00007ffff7a in rd_kafka_toppar_keep0 (rktp=0x0) at rdkafka_partition.h:510\n"
        "#1  main (argc=1) at main.c:9\n",
        client);
    ASSERT_EQ(read.failures.size(), 1U);
    EXPECT_EQ(read.failures[0].root().type, "SIGSEGV");
    EXPECT_EQ(read.failures[0].deciding()->function, "rd_kafka_toppar_keep0");
    EXPECT_EQ(read.failures[0].deciding()->owner, FrameOwner::kafka);
}

TEST(Languages, PhpFramesAreRead) {
    const auto frame = trace::parse_numbered_frame("#0 /var/www/app/Send.php(21): Acme\\Send->run(NULL)");
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->function, "Acme\\Send->run");
    EXPECT_EQ(trace::language_owner(frame->function, frame->location), FrameOwner::user);
    EXPECT_EQ(trace::language_owner("f", "/var/www/vendor/x/y.php(3)"), FrameOwner::library);
}

TEST(Languages, OrdinaryLinesAreNoFrames) {
    EXPECT_EQ(trace::parse_script_frame("at least (one) of them"), std::nullopt);
    EXPECT_EQ(trace::parse_script_frame("at [Source: (String)\"{]\"; line: 1, column: 3] (through row[\"a\"])"),
              std::nullopt);
    EXPECT_EQ(trace::parse_numbered_frame("#3 is the broker that we lost"), std::nullopt);
    EXPECT_EQ(trace::parse_elixir_frame("(see lib/a.ex for more)"), std::nullopt);
    EXPECT_EQ(trace::parse_elixir_header("** () nothing"), std::nullopt);
    EXPECT_EQ(trace::parse_go_frame("exit status 2"), std::nullopt);
    EXPECT_FALSE(trace::is_go_location("see main.go: it fails"));
}

// A line of the longest kind, made of what each reader looks for, takes no more than its length.
TEST(Languages, HostileLinesStayLinear) {
    std::string text;
    for (const std::string_view part : {"from a.b) :in `", ":in `", "A.BException ---> ", "Error: ", "panic: (((((",
                                        "#1 0x in f (", "(a) lib/a.ex:1: ", "at f (", ".php(", "x.rb:1:in `f' "}) {
        std::string line = part == "Error: " ? "at x " : "";
        while (line.size() < 8'000) line += part;
        for (int i = 0; i < 12; ++i) text += line + "\n  at f (a.js:1:2)\n";
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto read = read_failures(text, client);
    EXPECT_LE(read.failures.size(), TraceLimits{}.failures_max);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
}

}  // namespace
}  // namespace medic

// KafkaProducer and KafkaConsumer against brokers that misbehave on purpose.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/world/real/kafka_consumer.h"
#include "agent/world/real/kafka_fake_internal.h"
#include "agent/world/real/kafka_producer.h"

namespace medic {
namespace {

using wire::ApiKey;
using Fate = FakeKafka::Fate;

constexpr Duration kPatience{30'000};

std::vector<std::string> values_of(const wire::Bytes& log) {
    std::vector<std::string> values;
    wire::BatchReader batches(log);
    while (const auto batch = batches.next()) {
        wire::RecordReader reader(*batch);
        wire::Record record;
        while (reader.next(record)) values.emplace_back(record.value.value_or("null"));
    }
    return values;
}

class KafkaRecords : public ::testing::Test {
protected:
    FakeKafka kafka{2};
    KafkaClient client{{.bootstrap = kafka.bootstrap()}};

    Status produce(KafkaProducer& producer, int partition, const std::string& value) {
        return producer.append({.topic = "t", .partition = partition, .timestamp_ms = 1, .value = value});
    }

    KafkaConsumerOptions consumer_options() {
        KafkaConsumerOptions options;
        options.client.bootstrap = kafka.bootstrap();
        options.group_id = "g";
        options.fetch_max_wait = Duration{50};
        return options;
    }

    // Polls until `count` records came; "partition/offset/value" each.
    std::vector<std::string> read(KafkaConsumer& consumer, std::size_t count) {
        std::vector<std::string> seen;
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (seen.size() < count && std::chrono::steady_clock::now() < deadline) {
            const auto polled = consumer.poll(Duration{1'000}, [&](const ConsumedRecord& consumed) {
                seen.push_back(fmt::format("{}/{}/{}", consumed.partition, consumed.record.offset,
                                           consumed.record.value.value_or("null")));
            });
            EXPECT_TRUE(polled) << polled.error().message;
            if (!polled) break;
        }
        std::ranges::sort(seen);
        return seen;
    }
};

TEST(KafkaKeyHash, is_that_of_java_clients) {
    // From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
    const std::pair<const char*, std::int32_t> cases[] = {{"21", -973932308},
                                                          {"foobar", -790332482},
                                                          {"a-little-bit-long-string", -985981536},
                                                          {"a-little-bit-longer-string", -1486304829},
                                                          {"abc", 479470107}};
    for (const auto& [key, hash] : cases)
        EXPECT_EQ(kafka_key_hash(key), static_cast<std::uint32_t>(hash) & 0x7fffffff) << key;
}

TEST_F(KafkaRecords, produced_records_are_in_their_partitions_in_order) {
    KafkaProducer producer(client, {});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(produce(producer, i % 2, std::to_string(i)));
    EXPECT_EQ(kafka.log(0), "") << "nothing leaves before flush";
    ASSERT_TRUE(producer.flush());
    EXPECT_EQ(values_of(kafka.log(0)), (std::vector<std::string>{"0", "2", "4"}));
    EXPECT_EQ(values_of(kafka.log(1)), (std::vector<std::string>{"1", "3"}));
    EXPECT_EQ(producer.acknowledged_records(), 5);
    EXPECT_EQ(producer.buffered_records(), 0);
    EXPECT_EQ(kafka.requests(ApiKey::produce), 2);
}

TEST_F(KafkaRecords, a_full_batch_is_sent_by_append) {
    KafkaProducer producer(client, {.batch_bytes = 1'000});
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(produce(producer, 0, std::string(100, 'x')));
    EXPECT_GE(kafka.requests(ApiKey::produce), 4);
    ASSERT_TRUE(producer.flush());
    EXPECT_EQ(values_of(kafka.log(0)).size(), 50u);
}

TEST_F(KafkaRecords, a_lost_answer_does_not_double_records) {
    std::atomic<int> lost = 0;
    kafka.on_request = [&](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::produce && lost++ == 0 ? Fate::swallow : Fate::answer;
    };
    KafkaProducer producer(client, {});
    for (const char* value : {"a", "b"}) ASSERT_TRUE(produce(producer, 0, value));
    const auto flushed = producer.flush();
    ASSERT_TRUE(flushed) << flushed.error().message;
    EXPECT_EQ(values_of(kafka.log(0)), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(kafka.requests(ApiKey::produce), 2);
    ASSERT_TRUE(produce(producer, 0, "c"));
    ASSERT_TRUE(producer.flush());
    EXPECT_EQ(values_of(kafka.log(0)), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(KafkaRecords, without_idempotence_a_lost_answer_is_an_unknown_outcome) {
    kafka.on_request = [](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::produce ? Fate::swallow : Fate::answer;
    };
    KafkaProducer producer(client, {.idempotent = false});
    ASSERT_TRUE(produce(producer, 0, "a"));
    const auto flushed = producer.flush();
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().code, ErrorCode::outcome_unknown);
    EXPECT_EQ(kafka.requests(ApiKey::produce), 1);
    EXPECT_EQ(producer.acknowledged_records(), 0);
}

TEST_F(KafkaRecords, a_moved_leader_is_looked_up_and_tried_again) {
    std::atomic<int> refused = 0;
    kafka.on_request = [&](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::produce && refused++ == 0 ? Fate::refuse : Fate::answer;
    };
    KafkaProducer producer(client, {});
    ASSERT_TRUE(produce(producer, 0, "a"));
    const int looked_up = kafka.requests(ApiKey::metadata);
    ASSERT_TRUE(producer.flush());
    EXPECT_EQ(values_of(kafka.log(0)), std::vector<std::string>{"a"});
    EXPECT_GT(kafka.requests(ApiKey::metadata), looked_up);
}

TEST_F(KafkaRecords, undeliverable_records_are_given_up_after_the_delivery_time_out) {
    kafka.on_request = [](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::produce ? Fate::refuse : Fate::answer;
    };
    KafkaProducer producer(client, {.delivery_timeout = Duration{250}});
    ASSERT_TRUE(produce(producer, 0, "a"));
    const auto flushed = producer.flush();
    ASSERT_FALSE(flushed);
    EXPECT_NE(flushed.error().message.find("produce to t-0: NOT_LEADER_OR_FOLLOWER"), std::string::npos)
        << flushed.error().message;
    EXPECT_EQ(producer.buffered_records(), 0);
    EXPECT_FALSE(producer.append({.topic = "t", .partition = 9, .value = "x"})) << "no such partition";
    EXPECT_FALSE(producer.append({.topic = "unknown", .value = "x"}));
}

TEST_F(KafkaRecords, a_stopped_client_ends_a_flush_that_waits) {
    kafka.on_request = [](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::produce ? Fate::hang : Fate::answer;
    };
    KafkaProducer producer(client, {.delivery_timeout = 2 * kPatience});
    ASSERT_TRUE(produce(producer, 0, "a"));
    Status flushed;
    std::jthread flusher([&] { flushed = producer.flush(); });
    kafka.wait_until_hanging();
    client.stop();
    flusher.join();
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().code, ErrorCode::outcome_unknown);
    EXPECT_TRUE(flushed.error().message.starts_with("stopped before all was acknowledged")) << flushed.error().message;
}

TEST_F(KafkaRecords, list_offsets_waits_for_a_leader_that_moves_and_not_for_ever) {
    std::atomic<int> refusals_left = 1;
    kafka.on_request = [&](int, const wire::RequestHeader& header) {
        return header.api == ApiKey::list_offsets && refusals_left-- > 0 ? Fate::refuse : Fate::answer;
    };
    const auto found = list_offsets(client, {{"t", 0}}, kFromLatest);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(*found, (std::map<TopicPartition, std::int64_t>{{{"t", 0}, 0}}));
    EXPECT_EQ(kafka.requests(ApiKey::list_offsets), 2);

    refusals_left = 1'000;
    const auto refused = list_offsets(client, {{"t", 0}}, kFromLatest);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::outdated);
}

TEST_F(KafkaRecords, consumer_reads_all_partitions_from_the_start) {
    KafkaProducer producer(client, {.compression = wire::Compression::lz4});
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(produce(producer, i % 2, std::to_string(i)));
    ASSERT_TRUE(producer.flush());
    KafkaConsumer consumer(consumer_options());
    const auto before = std::chrono::steady_clock::now();
    ASSERT_TRUE(consumer.assign({{{"t", 0}, kFromEarliest}, {{"t", 1}, 1}}));
    EXPECT_EQ(read(consumer, 3), (std::vector<std::string>{"0/0/0", "0/1/2", "1/1/3"})) << "1/0 lies before the start";
    EXPECT_EQ(consumer.positions(), (std::map<TopicPartition, std::int64_t>{{{"t", 0}, 2}, {{"t", 1}, 2}}));
    const auto lag = consumer.lag();
    ASSERT_EQ(lag.size(), 2U);
    for (const auto& [partition, behind] : lag) {
        EXPECT_EQ(behind.records, 0) << partition.partition;
        EXPECT_GE(behind.as_of, before);
    }

    ASSERT_TRUE(produce(producer, 1, "late"));
    ASSERT_TRUE(producer.flush());
    EXPECT_EQ(read(consumer, 1), std::vector<std::string>{"1/2/late"}) << "nothing is read twice";
}

TEST_F(KafkaRecords, consumer_keeps_its_place_in_the_group) {
    KafkaProducer producer(client, {});
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(produce(producer, 0, std::to_string(i)));
    ASSERT_TRUE(producer.flush());
    KafkaConsumer consumer(consumer_options());
    EXPECT_TRUE(consumer.committed({{"t", 0}})->empty()) << "absent, not zero";
    ASSERT_TRUE(consumer.assign({{{"t", 0}, kFromEarliest}}));
    read(consumer, 3);
    ASSERT_TRUE(consumer.commit());
    EXPECT_EQ(*consumer.committed({{"t", 0}, {"t", 1}}), (std::map<TopicPartition, std::int64_t>{{{"t", 0}, 3}}));
}

TEST_F(KafkaRecords, consumer_goes_on_where_the_log_still_has_records) {
    KafkaProducer producer(client, {});
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(produce(producer, 0, std::to_string(i)));
        ASSERT_TRUE(producer.flush());
    }
    kafka.cut_log(0, 2);
    KafkaConsumer consumer(consumer_options());
    ASSERT_TRUE(consumer.assign({{{"t", 0}, 0}}));
    EXPECT_EQ(read(consumer, 1), std::vector<std::string>{"0/2/2"});

    auto strict = consumer_options();
    strict.on_lost_offset = -100;
    KafkaConsumer other(strict);
    ASSERT_TRUE(other.assign({{{"t", 0}, 0}}));
    const auto polled = other.poll(kPatience, [](const ConsumedRecord&) {});
    ASSERT_FALSE(polled);
    EXPECT_EQ(polled.error().code, ErrorCode::outdated);
}

TEST_F(KafkaRecords, a_frozen_broker_delays_only_its_own_partitions) {
    KafkaProducer producer(client, {});
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(produce(producer, i % 2, std::to_string(i)));
    ASSERT_TRUE(producer.flush());
    kafka.on_request = [](int broker, const wire::RequestHeader& header) {
        return broker == 1 && header.api == ApiKey::fetch ? Fate::hang : Fate::answer;
    };
    KafkaConsumer consumer(consumer_options());
    ASSERT_TRUE(consumer.assign({{{"t", 0}, 0}, {{"t", 1}, 0}}));
    EXPECT_EQ(read(consumer, 2), (std::vector<std::string>{"0/0/0", "0/1/2"}));
}

TEST_F(KafkaRecords, consumer_finds_a_leader_that_comes_back_at_another_address) {
    KafkaProducer producer(client, {});
    ASSERT_TRUE(produce(producer, 1, "before"));
    ASSERT_TRUE(producer.flush());
    KafkaConsumer consumer(consumer_options());
    ASSERT_TRUE(consumer.assign({{{"t", 1}, 0}}));
    EXPECT_EQ(read(consumer, 1), std::vector<std::string>{"1/0/before"});
    kafka.move(1);
    wire::BatchBuilder builder;
    builder.append(1, std::nullopt, "after");
    wire::Bytes batch;
    ASSERT_TRUE(builder.finish(batch));
    kafka.append(1, batch, 1);
    EXPECT_EQ(read(consumer, 1), std::vector<std::string>{"1/1/after"});
}

TEST_F(KafkaRecords, read_committed_leaves_out_aborted_transactions) {
    const auto batch = [](std::int64_t producer, const char* value) {
        wire::BatchBuilder builder(
            {.producer_id = producer, .producer_epoch = 0, .base_sequence = 0, .transactional = true});
        builder.append(1, std::nullopt, value);
        wire::Bytes bytes;
        EXPECT_TRUE(builder.finish(bytes));
        return bytes;
    };
    const auto marker = [](std::int64_t producer, wire::ControlType type) {
        wire::BatchBuilder builder(
            {.producer_id = producer, .producer_epoch = 0, .transactional = true, .control = true});
        wire::append_control(builder, type, 1, 0);
        wire::Bytes bytes;
        EXPECT_TRUE(builder.finish(bytes));
        return bytes;
    };
    kafka.append(0, batch(5, "aborted"), 1);
    kafka.append(0, batch(6, "committed"), 1);
    kafka.append(0, marker(5, wire::ControlType::abort), 1);
    kafka.append(0, marker(6, wire::ControlType::commit), 1);
    kafka.append(0, batch(5, "next transaction"), 1);
    kafka.aborted_transactions = {{5, 0}};
    auto options = consumer_options();
    options.read_committed = true;
    KafkaConsumer consumer(options);
    ASSERT_TRUE(consumer.assign({{{"t", 0}, 0}}));
    EXPECT_EQ(read(consumer, 2), (std::vector<std::string>{"0/1/committed", "0/4/next transaction"}));
    EXPECT_EQ(consumer.positions().at({"t", 0}), 5);
}

}  // namespace
}  // namespace medic

#include "engine/workload/kafka_reading.h"

#include <librdkafka/rdkafka.h>

#include <chrono>

namespace medic::engine::workload {
namespace {

constexpr int poll_slice_ms = 50;

Status configure(rd_kafka_conf_t* conf, const std::string& bootstrap, const ReadingOptions& options) {
    const bool committed = options.isolation == ReadingOptions::Isolation::read_committed;
    const std::pair<const char*, std::string> settings[] = {
        {"bootstrap.servers", bootstrap},
        {"client.id", "committed-reader"},
        {"group.id", "unused"},  // librdkafka wants one of every consumer.
        {"enable.auto.commit", "false"},
        {"isolation.level", committed ? "read_committed" : "read_uncommitted"},
        {"log_level", "3"}};
    for (const auto& [key, value] : settings) {
        char error[512];
        if (rd_kafka_conf_set(conf, key, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK)
            return fail(ErrorCode::invalid, "librdkafka {}={}: {}", key, value, error);
    }
    return {};
}

}  // namespace

struct KafkaReading::Impl {
    rd_kafka_t* client = nullptr;
};

KafkaReading::KafkaReading(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KafkaReading::~KafkaReading() {
    rd_kafka_consumer_close(impl_->client);
    rd_kafka_destroy(impl_->client);
}

Result<std::unique_ptr<KafkaReading>> KafkaReading::begin(const std::string& bootstrap, const ReadingOptions& options) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    if (auto status = configure(conf, bootstrap, options); !status) {
        rd_kafka_conf_destroy(conf);
        return std::unexpected(status.error());
    }
    auto impl = std::make_unique<Impl>();
    char error[512];
    impl->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (impl->client == nullptr) {
        rd_kafka_conf_destroy(conf);
        return fail(ErrorCode::unavailable, "librdkafka: {}", error);
    }
    rd_kafka_poll_set_consumer(impl->client);
    std::unique_ptr<KafkaReading> reading(new KafkaReading(std::move(impl)));
    rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(options.partitions);
    for (int partition = 0; partition < options.partitions; ++partition)
        rd_kafka_topic_partition_list_add(all, options.topic.c_str(), partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    const auto code = rd_kafka_assign(reading->impl_->client, all);
    rd_kafka_topic_partition_list_destroy(all);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(ErrorCode::unavailable, "read {}: {}", options.topic, rd_kafka_err2str(code));
    return reading;
}

std::vector<std::string> KafkaReading::take(Duration time) {
    std::vector<std::string> values;
    const auto until = std::chrono::steady_clock::now() + time;
    do {
        rd_kafka_message_t* message = rd_kafka_consumer_poll(impl_->client, poll_slice_ms);
        if (message == nullptr) continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            values.emplace_back(static_cast<const char*>(message->payload), message->len);
        rd_kafka_message_destroy(message);
    } while (std::chrono::steady_clock::now() < until);
    return values;
}

}  // namespace medic::engine::workload

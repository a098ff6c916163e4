#include "engine/workload/kafka_reading.h"

#include <chrono>
#include <vector>

#include "engine/workload/consumer_internal.h"

namespace medic::engine::workload {
namespace {

std::vector<ConsumerSetting> settings_of(const std::string& bootstrap, const ReadingOptions& options) {
    const bool committed = options.isolation == ReadingOptions::Isolation::read_committed;
    return {{"bootstrap.servers", bootstrap},
            {"client.id", "committed-reader"},
            {"group.id", "unused"},  // librdkafka wants one of every consumer.
            {"enable.auto.commit", "false"},
            {"isolation.level", committed ? "read_committed" : "read_uncommitted"},
            {"log_level", "3"}};
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
    auto impl = std::make_unique<Impl>();
    MEDIC_TRY(impl->client, new_consumer(settings_of(bootstrap, options)));
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
        rd_kafka_message_t* message = rd_kafka_consumer_poll(impl_->client, consumer_poll_slice_ms);
        if (message == nullptr) continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            values.emplace_back(static_cast<const char*>(message->payload), message->len);
        rd_kafka_message_destroy(message);
    } while (std::chrono::steady_clock::now() < until);
    return values;
}

}  // namespace medic::engine::workload

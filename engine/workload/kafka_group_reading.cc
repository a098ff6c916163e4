#include "engine/workload/kafka_group_reading.h"

#include <chrono>
#include <vector>

#include "engine/workload/consumer_internal.h"

namespace medic::engine::workload {
namespace {

std::vector<ConsumerSetting> settings_of(const std::string& bootstrap, const GroupReadingOptions& options) {
    return {{"bootstrap.servers", bootstrap},
            {"client.id", options.group},
            {"group.id", options.group},
            {"enable.auto.commit", "false"},
            {"auto.offset.reset", "earliest"},
            {"socket.timeout.ms", "10000"},   // librdkafka's default is a minute, the Java client's 30 s.
            {"session.timeout.ms", "10000"},  // Whoever is started anew waits so long for who was before.
            {"log_level", "3"}};
}

}  // namespace

struct KafkaGroupReading::Impl {
    rd_kafka_t* client = nullptr;
};

KafkaGroupReading::KafkaGroupReading(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// Without a farewell: a coordinator that hangs would keep it for long.
KafkaGroupReading::~KafkaGroupReading() { rd_kafka_destroy_flags(impl_->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }

Result<std::unique_ptr<KafkaGroupReading>> KafkaGroupReading::join(const std::string& bootstrap,
                                                                   const GroupReadingOptions& options) {
    auto impl = std::make_unique<Impl>();
    MEDIC_TRY(impl->client, new_consumer(settings_of(bootstrap, options)));
    rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, options.topic.c_str(), RD_KAFKA_PARTITION_UA);
    const auto code = rd_kafka_subscribe(impl->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    std::unique_ptr<KafkaGroupReading> reading(new KafkaGroupReading(std::move(impl)));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(ErrorCode::unavailable, "subscribe to {}: {}", options.topic, rd_kafka_err2str(code));
    return reading;
}

std::uint64_t KafkaGroupReading::take(Duration time) {
    const auto until = std::chrono::steady_clock::now() + time;
    std::uint64_t count = 0;
    while (std::chrono::steady_clock::now() < until) {
        rd_kafka_message_t* message = rd_kafka_consumer_poll(impl_->client, consumer_poll_slice_ms);
        if (message == nullptr) continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) ++count;
        rd_kafka_message_destroy(message);
    }
    if (count == 0) return 0;
    // Waits for its answer.
    return rd_kafka_commit(impl_->client, nullptr, 0) == RD_KAFKA_RESP_ERR_NO_ERROR ? count : 0;
}

}  // namespace medic::engine::workload

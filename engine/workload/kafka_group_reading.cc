#include "engine/workload/kafka_group_reading.h"

#include <chrono>
#include <utility>
#include <vector>

#include "engine/workload/consumer_internal.h"
#include "engine/workload/read_positions.h"

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

// rd_kafka_commit() would wait for ever where no broker coordinates the group any more.
bool committed(rd_kafka_t* client) {
    constexpr int answered_within_ms = 10'000;
    rd_kafka_queue_t* answers = rd_kafka_queue_new(client);
    rd_kafka_event_t* answer = nullptr;
    if (rd_kafka_commit_queue(client, nullptr, answers, nullptr, nullptr) == RD_KAFKA_RESP_ERR_NO_ERROR)
        answer = rd_kafka_queue_poll(answers, answered_within_ms);
    const bool done = answer != nullptr && rd_kafka_event_error(answer) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (answer != nullptr) rd_kafka_event_destroy(answer);
    rd_kafka_queue_destroy(answers);
    return done;
}

}  // namespace

struct KafkaGroupReading::Impl {
    rd_kafka_t* client = nullptr;
    ReadPositions positions;
    std::uint64_t not_committed = 0;
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
    while (std::chrono::steady_clock::now() < until) {
        rd_kafka_message_t* message = rd_kafka_consumer_poll(impl_->client, consumer_poll_slice_ms);
        if (message == nullptr) continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && impl_->positions.is_new(message->partition, message->offset))
            ++impl_->not_committed;
        rd_kafka_message_destroy(message);
    }
    if (impl_->not_committed == 0) return 0;
    if (!committed(impl_->client)) return 0;
    return std::exchange(impl_->not_committed, 0);
}

}  // namespace medic::engine::workload

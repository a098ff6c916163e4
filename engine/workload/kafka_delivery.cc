#include "engine/workload/kafka_delivery.h"

#include <librdkafka/rdkafka.h>

#include <atomic>

namespace medic::engine::workload {
namespace {

constexpr int admin_timeout_ms = 15'000;
constexpr int poll_slice_ms = 20;

struct Batch {
    std::size_t left = 0;
    std::string first_error;
};

void on_delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    auto* batch = static_cast<Batch*>(message->_private);
    --batch->left;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && batch->first_error.empty())
        batch->first_error = rd_kafka_err2str(message->err);
}

Status set(rd_kafka_conf_t* conf, const char* key, const std::string& value) {
    char error[512];
    if (rd_kafka_conf_set(conf, key, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
        return fail(ErrorCode::invalid, "librdkafka {}={}: {}", key, value, error);
    }
    return {};
}

Status configure(rd_kafka_conf_t* conf, const std::string& bootstrap, const DeliveryOptions& options) {
    MEDIC_CHECK(set(conf, "bootstrap.servers", bootstrap));
    MEDIC_CHECK(set(conf, "client.id", options.client_id));
    using Acks = DeliveryOptions::Acks;
    const bool all = options.acks == Acks::all;
    MEDIC_CHECK(set(conf, "enable.idempotence", all ? "true" : "false"));
    MEDIC_CHECK(set(conf, "acks", all ? "all" : options.acks == Acks::leader ? "1" : "0"));
    MEDIC_CHECK(set(conf, "message.max.bytes", std::to_string(options.message_bytes_max)));
    MEDIC_CHECK(set(conf, "message.timeout.ms", "0"));  // Never give up: the ledger must not guess.
    MEDIC_CHECK(set(conf, "linger.ms", std::to_string(options.linger_ms)));
    MEDIC_CHECK(set(conf, "batch.num.messages", std::to_string(options.batch_records_max)));
    MEDIC_CHECK(set(conf, "queue.buffering.max.messages", "200000"));
    MEDIC_CHECK(set(conf, "reconnect.backoff.max.ms", "1000"));
    MEDIC_CHECK(set(conf, "topic.metadata.refresh.interval.ms", "5000"));
    return set(conf, "log_level", "3");
}

}  // namespace

struct KafkaDelivery::Impl {
    rd_kafka_t* client = nullptr;
    std::atomic<bool> stopping = false;
};

KafkaDelivery::KafkaDelivery(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KafkaDelivery::~KafkaDelivery() {
    rd_kafka_purge(impl_->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(impl_->client);
}

void KafkaDelivery::stop() { impl_->stopping = true; }

Result<std::unique_ptr<KafkaDelivery>> KafkaDelivery::connect(const std::string& bootstrap,
                                                              const DeliveryOptions& options) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    if (auto status = configure(conf, bootstrap, options); !status) {
        rd_kafka_conf_destroy(conf);
        return std::unexpected(status.error());
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    auto impl = std::make_unique<Impl>();
    char error[512];
    impl->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (impl->client == nullptr) {
        rd_kafka_conf_destroy(conf);
        return fail(ErrorCode::unavailable, "librdkafka: {}", error);
    }
    return std::unique_ptr<KafkaDelivery>(new KafkaDelivery(std::move(impl)));
}

Status KafkaDelivery::create_topic(const TopicSpec& spec) {
    char error[512];
    rd_kafka_NewTopic_t* topic =
        rd_kafka_NewTopic_new(spec.name.c_str(), spec.partitions, spec.replication_factor, error, sizeof error);
    if (topic == nullptr) return fail(ErrorCode::invalid, "topic {}: {}", spec.name, error);
    for (const auto& [key, value] : spec.configs) rd_kafka_NewTopic_set_config(topic, key.c_str(), value.c_str());
    rd_kafka_AdminOptions_t* options = rd_kafka_AdminOptions_new(impl_->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, admin_timeout_ms, error, sizeof error);
    rd_kafka_AdminOptions_set_operation_timeout(options, admin_timeout_ms, error, sizeof error);
    rd_kafka_queue_t* queue = rd_kafka_queue_new(impl_->client);
    rd_kafka_CreateTopics(impl_->client, &topic, 1, options, queue);
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, admin_timeout_ms + 1'000);

    Status status;
    if (event == nullptr) {
        status = fail(ErrorCode::outcome_unknown, "topic {}: no answer within {} ms", spec.name, admin_timeout_ms);
    } else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = fail(ErrorCode::unavailable, "topic {}: {}", spec.name, rd_kafka_event_error_string(event));
    } else {
        std::size_t count = 0;
        const auto** results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        const auto code = count > 0 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            status = fail(ErrorCode::not_ready, "topic {}: {}", spec.name, rd_kafka_err2str(code));
        }
    }
    if (event != nullptr) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(topic);
    return status;
}

Status KafkaDelivery::deliver(const std::string& topic, const std::vector<OutgoingRecord>& records) {
    // Lives until every delivery report has come: librdkafka keeps its address.
    Batch batch{records.size(), {}};
    for (const auto& record : records) {
        for (;;) {
            const auto code = rd_kafka_producev(
                impl_->client, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(record.partition),
                RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
                RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
                RD_KAFKA_V_OPAQUE(&batch), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
            if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                --batch.left;
                if (batch.first_error.empty()) batch.first_error = rd_kafka_err2str(code);
                break;
            }
            rd_kafka_poll(impl_->client, poll_slice_ms);
        }
    }
    while (batch.left > 0) {
        rd_kafka_poll(impl_->client, poll_slice_ms);
        if (impl_->stopping) rd_kafka_purge(impl_->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    }
    if (!batch.first_error.empty())
        return fail(ErrorCode::outcome_unknown, "produce to {}: {}", topic, batch.first_error);
    return {};
}

}  // namespace medic::engine::workload

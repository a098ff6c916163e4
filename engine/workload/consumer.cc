#include "engine/workload/consumer_internal.h"

namespace medic::engine::workload {
namespace {

Status configure(rd_kafka_conf_t* conf, std::span<const ConsumerSetting> settings) {
    for (const auto& [key, value] : settings) {
        char error[512];
        if (rd_kafka_conf_set(conf, key, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK)
            return fail(ErrorCode::invalid, "librdkafka {}={}: {}", key, value, error);
    }
    return {};
}

}  // namespace

Result<rd_kafka_t*> new_consumer(std::span<const ConsumerSetting> settings) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    if (auto status = configure(conf, settings); !status) {
        rd_kafka_conf_destroy(conf);
        return std::unexpected(status.error());
    }
    char error[512];
    rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (client == nullptr) {
        rd_kafka_conf_destroy(conf);
        return fail(ErrorCode::unavailable, "librdkafka: {}", error);
    }
    rd_kafka_poll_set_consumer(client);
    return client;
}

}  // namespace medic::engine::workload

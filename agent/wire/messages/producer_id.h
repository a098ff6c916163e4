// InitProducerId: the identity that makes a producer idempotent. Any broker answers when there is no transactional id.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct InitProducerIdResponse {
    static constexpr ApiKey api = ApiKey::init_producer_id;
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    void fields(Codec& c);
    bool operator==(const InitProducerIdResponse&) const = default;
};

struct InitProducerIdRequest {
    static constexpr ApiKey api = ApiKey::init_producer_id;
    using Response = InitProducerIdResponse;
    std::optional<std::string> transactional_id;
    std::int32_t transaction_timeout_ms = 60'000;  // Kafka's default: transaction.timeout.ms
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    void fields(Codec& c);
    bool operator==(const InitProducerIdRequest&) const = default;
};

}  // namespace medic::wire

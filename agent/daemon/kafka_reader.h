// The KafkaReader of a running agent: a KafkaClient and short deadlines. On a thread that may wait.
#pragma once

#include <memory>

#include "agent/collectors/kafka/kafka.h"
#include "agent/world/real/kafka_client.h"

namespace medic {

[[nodiscard]] std::unique_ptr<KafkaReader> make_kafka_reader(std::shared_ptr<KafkaClient> client, Duration timeout);

}  // namespace medic

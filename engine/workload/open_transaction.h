// A producer that writes in a transaction and is never heard of again, and whose coordinator knows nothing of it. That
// is what brokers let happen before they asked the coordinator first (KIP-890, Kafka 3.6), and still do where
// transaction.partition.verification.enable is off. Written with our own codec: no client library does it on purpose.
#pragma once

#include <string>
#include <vector>

#include "agent/world/real/kafka_client.h"

namespace medic::engine::workload {

struct OpenTransaction {
    std::string topic;
    std::vector<std::int32_t> partitions{0};  // Gets one record each.
    std::string value = "not committed";
    std::int64_t timestamp_ms = 0;  // Of the records: what Kafka reckons the transaction's age from.
    std::string transactional_id = "nobody-knows";
};

// Returns the producer's id. Errors: as the brokers answer.
[[nodiscard]] Result<std::int64_t> leave_transaction_open(KafkaClient& client, const OpenTransaction& what);

}  // namespace medic::engine::workload

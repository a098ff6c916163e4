// Writes the workload's records with librdkafka, a client that is not ours, so that the embedded brokers are kept
// honest. Idempotent, acks=all, retries without end: a batch returns when every record of it is acknowledged. One
// caller at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/workload/generator.h"

namespace medic::engine::workload {

struct TopicSpec {
    std::string name;
    int partitions = 8;
    int replication_factor = 3;
    std::vector<std::pair<std::string, std::string>> configs;
};

struct DeliveryOptions {
    std::string client_id = "fleet-workload";
    // none: a batch returns when it was sent, and nobody knows what became of it.
    // leader: when the leader has it, whoever follows.
    enum class Acks : std::uint8_t { all, leader, none } acks = Acks::all;
    int linger_ms = 2;
    int batch_records_max = 10'000;     // librdkafka's default: batch.num.messages
    int message_bytes_max = 1'000'000;  // librdkafka's default: message.max.bytes
};

class KafkaDelivery {
public:
    [[nodiscard]] static Result<std::unique_ptr<KafkaDelivery>> connect(const std::string& bootstrap,
                                                                        const DeliveryOptions& options = {});
    ~KafkaDelivery();
    KafkaDelivery(const KafkaDelivery&) = delete;
    KafkaDelivery& operator=(const KafkaDelivery&) = delete;

    // An existing topic is fine.
    [[nodiscard]] Status create_topic(const TopicSpec& spec);
    // Errors: outcome_unknown when librdkafka has given up or stop() was called: some of the batch may be written.
    [[nodiscard]] Status deliver(const std::string& topic, const std::vector<OutgoingRecord>& batch);
    void stop();  // From any thread: lets a waiting deliver() return.

private:
    struct Impl;
    explicit KafkaDelivery(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace medic::engine::workload

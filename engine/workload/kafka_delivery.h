// Writes the workload's records with librdkafka, a client that is not ours, so that the embedded brokers are kept
// honest. Idempotent, acks=all, retries without end: a batch returns when every record of it is acknowledged. One
// caller at a time.
#pragma once

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

class KafkaDelivery {
public:
    [[nodiscard]] static Result<std::unique_ptr<KafkaDelivery>> connect(const std::string& bootstrap);
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

// A client that produces as fast as the brokers take it, in small requests without acknowledgement, to a topic whose
// partitions are all on one broker: a replay that somebody started, or a loop without an end. librdkafka, as a client
// that is not ours, in several instances of one client-id; what the topic holds is bounded by its retention. Runs a
// thread for each instance beside librdkafka's own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/result.h"
#include "engine/workload/kafka_delivery.h"

namespace medic::engine::drill {

struct FlooderOptions {
    std::vector<std::string> bootstrap;
    std::string client_id;
    std::string topic = "replayed-events";
    std::int32_t broker = 1;  // Holds every partition.
    int partitions = 4;
    int instances = 2;
};

class Flooder {
public:
    [[nodiscard]] static Result<std::unique_ptr<Flooder>> start(FlooderOptions options);
    ~Flooder();
    Flooder(const Flooder&) = delete;
    Flooder& operator=(const Flooder&) = delete;

private:
    explicit Flooder(FlooderOptions options) : options_(std::move(options)) {}
    [[nodiscard]] Status create_topic() const;
    void run(workload::KafkaDelivery& delivery) const;

    const FlooderOptions options_;
    std::vector<std::unique_ptr<workload::KafkaDelivery>> deliveries_;
    std::atomic<bool> stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace medic::engine::drill

// An application that ships large records steadily, one partition for each broker to lead, and notes how long each
// takes: who waits for a slow broker. librdkafka with acks=1, as a client that is not ours; what the topic holds is
// bounded by its retention. A thread for each partition, so that a slow one holds up no other.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "engine/workload/kafka_delivery.h"

namespace medic::engine::drill {

struct ShipperOptions {
    std::vector<std::string> bootstrap;
    std::string topic = "shipments";
    // Of each partition, the preferred leader first.
    std::vector<std::vector<std::int32_t>> replicas = {{2, 1}, {1, 3}, {3, 1}};
    int record_bytes = 2'800'000;
    Duration every{2'000};  // Each partition.
};

class Shipper {
public:
    [[nodiscard]] static Result<std::unique_ptr<Shipper>> start(ShipperOptions options);
    ~Shipper();
    Shipper(const Shipper&) = delete;
    Shipper& operator=(const Shipper&) = delete;

    // What the last shipments to the partition that keeps it waiting longest took, their median; not_ready: too few
    // have arrived yet.
    [[nodiscard]] Result<Duration> slowest() const;

private:
    struct Lane {
        std::unique_ptr<workload::KafkaDelivery> delivery;
        std::deque<Duration> took;
    };
    explicit Shipper(ShipperOptions options) : options_(std::move(options)), lanes_(options_.replicas.size()) {}
    [[nodiscard]] Status create_topic() const;
    void run(std::size_t partition);

    const ShipperOptions options_;
    std::atomic<bool> stopping_ = false;
    mutable std::mutex mutex_;
    std::vector<Lane> lanes_;  // `took` under the mutex.
    std::vector<std::thread> threads_;
};

}  // namespace medic::engine::drill

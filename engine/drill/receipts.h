// Receipts that come in steadily, and two applications that read them, each as a group of its own that commits what it
// has read before it reads on. Both groups lie in the same partition of __consumer_offsets. librdkafka all, as clients
// that are not ours; a thread for each beside librdkafka's own. An application that commits nothing for half a minute
// is started anew.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "agent/base/result.h"
#include "engine/workload/kafka_delivery.h"
#include "engine/workload/kafka_group_reading.h"

namespace medic::engine::drill {

// Of 50 partitions (offsets.topic.num.partitions) both lie in this one, as Java hashes them.
inline constexpr std::array receipts_groups{"receipts-audit", "receipts-tax"};
inline constexpr std::int32_t receipts_coordinated_in = 47;

class Receipts {
public:
    // Returns once each application has committed something.
    [[nodiscard]] static Result<std::unique_ptr<Receipts>> open(const std::string& bootstrap);
    ~Receipts();
    Receipts(const Receipts&) = delete;
    Receipts& operator=(const Receipts&) = delete;

    [[nodiscard]] std::uint64_t committed() const { return committed_[0] + committed_[1]; }

private:
    Receipts() = default;
    void write();
    void follow(std::size_t application);

    std::string bootstrap_;
    std::unique_ptr<workload::KafkaDelivery> delivery_;
    std::array<std::unique_ptr<workload::KafkaGroupReading>, receipts_groups.size()> readings_;
    std::atomic<bool> stopping_ = false;
    std::array<std::atomic<std::uint64_t>, receipts_groups.size()> committed_{};
    std::thread writer_;
    std::array<std::thread, receipts_groups.size()> readers_;
};

}  // namespace medic::engine::drill

// Payments that come in steadily, and a ledger that reads only what is committed: librdkafka both, as clients that are
// not ours. Runs a thread for each beside librdkafka's own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/result.h"
#include "engine/workload/kafka_delivery.h"
#include "engine/workload/kafka_reading.h"

namespace medic::engine::drill {

inline constexpr const char* ledger_topic = "payments";

struct LedgerOptions {
    std::string topic = ledger_topic;
    std::vector<std::int32_t> replicas = {};  // Of its one partition, the preferred leader first; none: three of any.
    // all: what was acknowledged outlives the leader. leader: it does as long as that one is in sync and lives.
    workload::DeliveryOptions::Acks acks = workload::DeliveryOptions::Acks::all;
};

class Ledger {
public:
    // Returns once the first payment has been read.
    [[nodiscard]] static Result<std::unique_ptr<Ledger>> open(const std::vector<std::string>& bootstrap,
                                                              LedgerOptions options = {});
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    [[nodiscard]] std::uint64_t read() const { return read_; }

private:
    explicit Ledger(LedgerOptions options) : options_(std::move(options)) {}
    [[nodiscard]] Status create_topic(const std::vector<std::string>& bootstrap) const;
    void write();
    void follow();

    const LedgerOptions options_;
    std::unique_ptr<workload::KafkaDelivery> delivery_;
    std::unique_ptr<workload::KafkaReading> reading_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint64_t> read_ = 0;
    std::thread writer_, reader_;
};

}  // namespace medic::engine::drill

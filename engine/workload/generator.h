// Offers the load: makes events at a wanted rate, hands them to a producer, and keeps the ledger of those that were
// acknowledged. The ledger is what the checker trusts: an event is in it exactly when Kafka has acknowledged it. Runs
// one thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/result.h"
#include "engine/workload/event.h"

namespace medic::engine::workload {

struct OutgoingRecord {
    int partition = 0;
    std::string key, value;
};

// Delivers a batch exactly once and returns when all of it is acknowledged (it retries by itself); an error means that
// the producer has given up for good and that nobody knows what of the batch was written.
using Deliver = std::function<Status(const std::vector<OutgoingRecord>&)>;

struct GeneratorOptions {
    EventMix mix;
    double records_per_second = 2'000;
    double time_scale =
        1;  // Event time runs this many times faster than the clock, so that a one-minute window takes 60 s / scale.
    int partitions = 8;
    std::string ledger_path;
    std::size_t batch_records_max = 10'000;
};

class Generator {
public:
    // Errors: unavailable when the ledger can't be written.
    [[nodiscard]] static Result<std::unique_ptr<Generator>> start(GeneratorOptions options, Deliver deliver);
    ~Generator();
    Generator(const Generator&) = delete;
    Generator& operator=(const Generator&) = delete;

    void set_rate(double records_per_second) { rate_ = records_per_second; }
    [[nodiscard]] double rate() const { return rate_; }
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    [[nodiscard]] std::uint64_t behind() const {
        return behind_;
    }  // Records that the wanted rate asks for and that are not out yet.
    [[nodiscard]] std::int64_t event_time_ms() const { return event_time_ms_; }
    [[nodiscard]] bool gave_up() const { return gave_up_; }

private:
    Generator(GeneratorOptions options, Deliver deliver) : options_(std::move(options)), deliver_(std::move(deliver)) {}
    void run();
    [[nodiscard]] bool send_batch(std::size_t count, std::int64_t at_ms);

    const GeneratorOptions options_;
    const Deliver deliver_;
    int ledger_ = -1;
    std::atomic<double> rate_ = 0;
    std::atomic<std::uint64_t> acknowledged_ = 0, behind_ = 0;
    std::atomic<std::int64_t> event_time_ms_ = 0;
    std::atomic<bool> stopping_ = false, gave_up_ = false;
    std::uint64_t next_sequence_ = 0;  // Owned by the thread.
    std::thread thread_;
};

}  // namespace medic::engine::workload
